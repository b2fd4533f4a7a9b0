"""Networks built on paper: no memory is taken, and none larger than its file is built."""

import inspect
import subprocess
import sys
import threading
import warnings
from typing import Any

import pytest
import torch
from torch import nn

from remend.models.checkpoints.planning import PlanError, Planning, sketch
from tests.models.inference.test_spandrel_adapter import load_spandrel

NEEDED: dict[str, dict[str, Any]] = {
    "MMRealSR": {"num_in_ch": 3, "num_out_ch": 3},
    "SPAN": {"num_in_ch": 3, "num_out_ch": 3},
    "SAFMN": {"dim": 36},
    "SAFMNBCIE": {"dim": 36},
    "SwinIR": {"img_size": 56},
    "Swin2SR": {"img_size": 56},
    "NAFNet": {"enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1], "middle_blk_num": 1},
}
"""What architectures must be told."""
NO_DEFAULT = {"AuraSR"}
"""Its constructor wants the configs of its parts."""


def plan(tensors: int = 10, file_bytes: int = 1000) -> Planning:
    return Planning(tensors, file_bytes)


def test_large_tensors_exist_by_their_shape_alone():
    with plan(file_bytes=1 << 40):
        layer = nn.Linear(100_000, 100_000)
        small = torch.linspace(0, 1, 5)
    assert layer.weight.is_meta and layer.weight.shape == (100_000, 100_000)
    assert not small.is_meta and small[1].item() == 0.25
    assert not nn.Linear(200, 200).weight.is_meta


def test_what_is_larger_than_the_file_ends_the_building():
    with plan(), pytest.raises(PlanError, match="would take"):
        nn.Linear(20_000, 20_000)
    with plan(), pytest.raises(PlanError, match="far more layers"):
        nn.Sequential(*(nn.Linear(1, 1) for _ in range(1_000_000)))
    with plan(), pytest.raises(PlanError, match="would take"):  # of two small ones
        side = torch.arange(2000)
        torch.cat([side[:, None] - side[None]] * 20)


def test_the_sum_of_its_tensors_counts_too():
    planning = plan(tensors=100)
    with planning:
        network = nn.Sequential(*(nn.Linear(3000, 3000) for _ in range(10)))
    with pytest.raises(PlanError, match="343 MiB"):
        planning.check_network(network)


def test_other_threads_build_as_always():
    made = list[nn.Module]()
    with plan(file_bytes=1 << 30):
        other = threading.Thread(target=lambda: made.append(nn.Linear(200, 200)))
        other.start()
        other.join()
        assert nn.Linear(200, 200).weight.is_meta
    assert not next(made[0].parameters()).is_meta


@pytest.mark.slow
def test_every_architecture_of_spandrel_can_be_planned():
    registry = load_spandrel().MAIN_REGISTRY
    planned = set[str]()
    for support in registry.architectures("detection"):
        architecture = support.architecture
        module: Any = inspect.getmodule(type(architecture))
        for name in module.__all__:
            kind = getattr(module, name)
            if not issubclass(kind, nn.Module) or architecture.id in NO_DEFAULT:
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with Planning(100_000, 1 << 34):
                    state = kind(**NEEDED.get(architecture.id, {})).state_dict()
                size = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
                planning = Planning(len(state), size)
                with planning:
                    descriptor = registry.load(sketch(state))
            planning.check_network(descriptor.model)
            assert descriptor.architecture.id == architecture.id
            planned.add(architecture.id)
    assert planned == {s.architecture.id for s in registry.architectures()} - NO_DEFAULT


def test_planning_does_not_load_what_fills_tensors_on_paper() -> None:
    # torch loads its compiler, for a second, when a tensor without memory is to be drawn at random.
    code = (
        "import sys; from remend.models.checkpoints.checkpoint import open_network; "
        "from remend.app.engine.catalogue import find_model; "
        "open_network(find_model('fill', 'fill')); sys.exit('torch._inductor' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
