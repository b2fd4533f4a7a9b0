"""How a network is laid out for training: its memory format, memory, and torch.compile where it is possible.

What is computed stays the same; only the time it takes differs.
"""

import ctypes
import dataclasses
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from remend.models.errors import RequestError
from remend.training.recipe.schema import Recipe

Network = TypeVar("Network", bound=nn.Module)
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Numbers of glibc's ``mallopt``."""
_NEVER = 2**31 - 1
_LARGEST_BYTES = 1 << 30
"""Larger tensors than that still come from the system and go back to it."""


def keep_memory() -> bool:
    """Let this process keep the memory of tensors that are gone, for those of the next step.

    glibc gives large blocks back to the system, and every step of `fill-gan` then waits for some 30,000 pages
    to be zeroed anew. Results do not change. The process holds what its largest step took, until it ends.

    Returns:
        Whether it could be asked for: with glibc alone.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        library = ctypes.CDLL("libc.so.6")
        asked = (
            library.mallopt(_MMAP_THRESHOLD, _LARGEST_BYTES),
            library.mallopt(_TRIM_THRESHOLD, _NEVER),
        )
    except (OSError, AttributeError):  # another C library
        return False
    return all(asked)


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


@contextmanager
def compiler_faults_told() -> Generator[None]:
    """Turn what torch.compile raises in a step into a sentence.

    A machine whose compiler can do a line of arithmetic, as `settle_compile` tries it, may still lack what a
    network needs; and torch compiles at the first call.

    Raises:
        RequestError: The compiler failed.
    """
    try:
        yield
    except RuntimeError as error:
        if not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
            raise
        raise RequestError(
            f"torch.compile cannot compile this network here ({first_line(error)}); set run.compile = false."
        ) from error


def first_line(error: Exception) -> str:
    """What an error says, in one line, or its name."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")


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
        sentence = (
            f"run.compile = true is not possible here ({first_line(error)}); "
            "training goes on without it."
        )
        run = dataclasses.replace(recipe.run, compile=False)
        return dataclasses.replace(recipe, run=run), sentence
    return recipe, ""
