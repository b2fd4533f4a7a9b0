"""Low-rank adapters: a small trainable change beside every convolution, added in any share.

An adapter is a parametrisation of the weight (``torch.nn.utils.parametrize``): the network's code does not
know of it, and merged it costs nothing. How it is trained is not decided here.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from remend.models.errors import RequestError


class LowRank(nn.Module):
    """``W + strength . up . down`` (LoRA, Hu et al. 2022), W a convolution's weight as (out, in·k·k).

    ``up`` starts at zero, so a new adapter changes nothing.

    Args:
        weight: The weight (out, in, k, k) that it goes beside.
        rank: Rows of ``down``; at most what the weight has.
    """

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        rows, columns = weight.flatten(1).shape
        rank = min(rank, rows, columns)
        self.down = nn.Parameter(torch.randn(rank, columns) / columns**0.5)
        self.up = nn.Parameter(torch.zeros(rows, rank))
        self.strength = 1.0

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.strength * (self.up @ self.down).view_as(weight)


def add_lora(network: nn.Module, rank: int) -> None:
    """Put an adapter beside every convolution and freeze all the rest; rank 0 leaves the network alone.

    Raises:
        RequestError: A norm with running statistics, which training changes and no adapter can undo.
    """
    if not rank:
        return
    if any(name.endswith("running_mean") for name, _ in network.named_buffers()):
        raise RequestError(
            "An adapter cannot go beside batch statistics, which training changes for good; "
            "fine-tune without an adapter."
        )
    network.requires_grad_(False)
    for layer in [module for module in network.modules() if isinstance(module, nn.Conv2d)]:
        parametrize.register_parametrization(layer, "weight", LowRank(layer.weight, rank))


def merge_lora(network: nn.Module, strength: float) -> None:
    """Add every adapter to its weight, ``strength`` times, and leave plain convolutions.

    Strength 0 gives the weights without adapter exactly, 1 those that were trained.
    """
    for layer in [module for module in network.modules() if parametrize.is_parametrized(module)]:
        added = cast("nn.ModuleList", cast("nn.ModuleDict", layer.parametrizations)["weight"])
        for adapter in added:
            if isinstance(adapter, LowRank):
                adapter.strength = strength
                with torch.no_grad():
                    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
                break


def merged_tensors(network: nn.Module) -> dict[str, Tensor]:
    """The state of a network as `merge_lora` at 1 would leave it; the network itself stays as it is."""
    mark = ".parametrizations."
    tensors: dict[str, Tensor] = {}
    for name, tensor in network.state_dict().items():
        layer, adapted, rest = name.partition(mark)
        if not adapted:
            tensors[name] = tensor
        elif rest.endswith(".original"):
            part = rest.removesuffix(".original")
            tensors[f"{layer}.{part}"] = getattr(network.get_submodule(layer), part)
    return tensors
