"""torch.compile for networks that are trained: where it is possible, and what a recipe gets where not."""

import dataclasses
from typing import Any

import torch
from torch import nn

from remend.training.recipe.schema import Recipe


def compiled(network: nn.Module, wanted: bool) -> nn.Module:
    """The network itself, or a compiled way to call it; parameters stay where they are."""
    compile_network: Any = torch.compile
    return compile_network(network) if wanted else network


def settle_compile(recipe: Recipe, device: torch.device) -> tuple[Recipe, str]:
    """Try whether ``run.compile`` is possible where it is wanted.

    Returns:
        The recipe, without ``run.compile`` where it is not possible, and a sentence that says so.
    """
    if not recipe.run.compile:
        return recipe, ""
    try:
        torch.compile(lambda x: (x + 1).sin())(torch.zeros(8, device=device))
    except Exception as error:  # whatever a missing compiler, Triton or an unknown Python raises
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
        sentence = (
            f"run.compile = true is not possible here ({reason}); training goes on without it."
        )
        run = dataclasses.replace(recipe.run, compile=False)
        return dataclasses.replace(recipe, run=run), sentence
    return recipe, ""
