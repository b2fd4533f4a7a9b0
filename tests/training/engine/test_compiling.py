"""What a run asks of the machine before its steps."""

import resource
from typing import Any

import pytest
import torch

from remend.models.errors import RequestError
from remend.training.engine.compiling import compiler_faults_told, keep_memory

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

    # Small things between the large ones: the first few may not fit where one has been.
    again = [step() for _ in range(12)]
    assert min(again) < (32 << 20) / PAGE_BYTES / 10, again


def test_what_the_compiler_raises_is_a_sentence() -> None:
    """A real fault of torch's compiler, and one of another kind that stays as it is."""

    def branches(x: torch.Tensor) -> torch.Tensor:
        return x + 1 if x.sum() > 0 else x - 1

    whole: Any = vars(torch)["compile"](branches, fullgraph=True, backend="eager")
    said = r"torch.compile cannot compile .* run.compile = false"
    with pytest.raises(RequestError, match=said), compiler_faults_told():
        whole(torch.ones(2))
    with pytest.raises(RuntimeError, match="out of memory"), compiler_faults_told():
        raise RuntimeError("out of memory")
