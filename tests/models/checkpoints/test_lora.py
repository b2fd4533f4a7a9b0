"""Adapters: nothing at first, exactly taken out at strength 0, and nothing else is trained."""

import copy
import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from remend.models.checkpoints.checkpoint import Card, open_network, save_network
from remend.models.checkpoints.lora import LowRank, add_lora, merge_lora
from remend.models.checkpoints.registry import build_network
from remend.models.errors import RequestError

CONFIG = {"scale": 2, "width": 8, "blocks": 1}


def trained(network: nn.Module, rank: int = 2) -> nn.Module:
    """A copy with adapters that have moved away from zero."""
    torch.manual_seed(3)
    child = copy.deepcopy(network)
    add_lora(child, rank)
    with torch.no_grad():
        for module in child.modules():
            if isinstance(module, LowRank):
                module.up.normal_(std=0.1)
    return child


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


@pytest.mark.parametrize("name", ["upscale", "inpaint"])
def test_a_new_adapter_changes_nothing_and_alone_is_trained(name: str) -> None:
    small = {"coarse_width": 8, "coarse_blocks": 1, "width": 8, "half_blocks": 1}
    network = build_network(name, CONFIG if name == "upscale" else {**small, "quarter_blocks": 1})
    x = torch.rand(1, 3, 32, 32)
    mask = (torch.rand(1, 1, 32, 32) > 0.8).float()
    inputs = (x,) if name == "upscale" else (x * (1 - mask), mask)
    before = network(*inputs).refined
    add_lora(network, 2)
    assert torch.equal(network(*inputs).refined, before)
    free = {name for name, p in network.named_parameters() if p.requires_grad}
    assert free and all(name.rpartition(".")[2] in ("up", "down") for name in free)
    convolutions = sum(isinstance(module, nn.Conv2d) for module in network.modules())
    assert len(free) == 2 * convolutions


def test_the_weights_are_linear_in_the_strength() -> None:
    network = build_network("upscale", CONFIG)
    parent = weights_of(network)
    merged = {}
    for strength in (0.0, 0.5, 1.0):
        child = trained(network)
        merge_lora(child, strength)
        merged[strength] = weights_of(child)
        assert merged[strength].keys() == parent.keys()
    assert all(torch.equal(merged[0.0][name], value) for name, value in parent.items())
    for name, value in parent.items():
        torch.testing.assert_close(merged[0.5][name], (value + merged[1.0][name]) / 2)
    changed = {name for name, value in parent.items() if not torch.equal(value, merged[1.0][name])}
    assert changed == {name for name, value in parent.items() if value.ndim == 4}


def test_the_change_has_the_rank_that_was_asked_for() -> None:
    network = build_network("upscale", CONFIG)
    before = network.get_parameter("body.0.project.weight").detach().clone()
    child = trained(network, rank=3)
    merge_lora(child, 1)
    change = child.get_parameter("body.0.project.weight").detach() - before
    assert torch.linalg.matrix_rank(change.flatten(1), rtol=1e-3) == 3


def test_a_file_with_an_adapter_can_be_dialled_and_one_without_cannot(tmp_path: Path) -> None:
    network = build_network("upscale", CONFIG)
    plain = tmp_path / "plain.safetensors"
    card = Card("upscale", "upscale", CONFIG, scale=2)
    save_network(plain, network, card)
    child = trained(open_network(plain)[0])
    dialled = tmp_path / "dialled.safetensors"
    save_network(dialled, child, dataclasses.replace(card, adapter=2))
    parent = weights_of(open_network(plain)[0])
    none = weights_of(open_network(dialled, strength=0)[0])
    full = weights_of(open_network(dialled)[0])
    assert all(torch.equal(none[name], value) for name, value in parent.items())
    assert not torch.equal(full["head.weight"], parent["head.weight"])
    with pytest.raises(RequestError, match=r"plain\.safetensors, which has no adapter"):
        open_network(plain, strength=0.5)
    open_network(plain, strength=1)


def test_running_statistics_are_refused() -> None:
    network = build_network("upscale", {**CONFIG, "norm": "batch"})
    with pytest.raises(RequestError, match="batch statistics"):
        add_lora(network, 2)
