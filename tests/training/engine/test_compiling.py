"""What a run asks of the machine before its steps."""

import resource

import pytest
import torch

from remend.training.engine.compiling import keep_memory

PAGE_BYTES = 4096


def test_the_memory_of_a_step_serves_the_next_one() -> None:
    if not keep_memory():
        pytest.skip("needs glibc")

    def step(count: int = 32 << 20) -> int:
        """Pages that the system had to make for a tensor that is gone afterwards."""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        tensor = torch.ones(count, dtype=torch.uint8)
        assert int(tensor[-1]) == 1
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    step()
    again = [step() for _ in range(3)]
    assert min(again) < (32 << 20) / PAGE_BYTES / 10, again
