"""How a network is laid out for training: its memory format, and torch.compile where it is possible.

What is computed stays the same; only the time it takes differs.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from remend.training.recipe.schema import Recipe

Network = TypeVar("Network", bound=nn.Module)


def place(network: Network, device: torch.device) -> Network:
    """Move a network to a device, in the memory format in which convolutions are fast."""
    layout: Any = {"memory_format": torch.channels_last}  # which the signature of `to` leaves out
    return network.to(device, **layout)


def compiled(network: nn.Module, wanted: bool) -> nn.Module:
    """The network itself, or a compiled way to call it; parameters stay where they are."""
    return _compile(network) if wanted else network


def _compile(code: Any) -> Any:
    compile_code: Callable[[Any], Any] = vars(torch)["compile"]  # its own signature is half typed
    return compile_code(code)


def settle_compile(recipe: Recipe, device: torch.device) -> tuple[Recipe, str]:
    """Try whether ``run.compile`` is possible where it is wanted.

    Returns:
        The recipe, without ``run.compile`` where it is not possible, and a sentence that says so.
    """
    if not recipe.run.compile:
        return recipe, ""

    def probe(x: Tensor) -> Tensor:
        return (x + 1).sin()

    try:
        _compile(probe)(torch.zeros(8, device=device))
    except Exception as error:  # whatever a missing compiler, Triton or an unknown Python raises
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
        sentence = (
            f"run.compile = true is not possible here ({reason}); training goes on without it."
        )
        run = dataclasses.replace(recipe.run, compile=False)
        return dataclasses.replace(recipe, run=run), sentence
    return recipe, ""
