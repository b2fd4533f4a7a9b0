"""Random numbers in batches, from a `torch.Generator` and on its device; what for is not known here."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def uniform(random: torch.Generator, shape: tuple[int, ...], low: float, high: float) -> Tensor:
    """Draws from [low, high) on the generator's device."""
    return low + (high - low) * torch.rand(shape, generator=random, device=random.device)


def log_uniform(random: torch.Generator, shape: tuple[int, ...], low: float, high: float) -> Tensor:
    """Draws whose logarithm is uniform between those of ``low`` and ``high``."""
    return uniform(random, shape, math.log(low), math.log(high)).exp()


def normal(random: torch.Generator, shape: tuple[int, ...], std: float) -> Tensor:
    """Draws from N(0, std²)."""
    return torch.randn(shape, generator=random, device=random.device) * std


def first_few(random: torch.Generator, shape: tuple[int, ...], among: int) -> Tensor:
    """True for a random number (at least one) of the first of ``among`` things: (*shape, among)."""
    count = torch.randint(1, among + 1, (*shape, 1), generator=random, device=random.device)
    return torch.arange(among, device=random.device) < count


def clouds(random: torch.Generator, batch: int, size: int, cells: int, octaves: int = 1) -> Tensor:
    """Smooth noise of zero mean and about unit variance: (batch, 1, size, size).

    Args:
        random: Source of all randomness.
        batch: How many.
        size: Side in px.
        cells: Independent values along a side of the coarsest octave.
        octaves: Each further one has half the strength and cells half as large: a rougher outline.
    """
    total = torch.zeros(batch, 1, size, size, device=random.device)
    for octave in range(octaves):
        side = min(cells << octave, size)
        grid = torch.randn(batch, 1, side, side, generator=random, device=random.device)
        fine = F.interpolate(grid, size, mode="bicubic", align_corners=False)
        total += fine * 0.5**octave
    # Bicubic interpolation between independent values keeps two thirds of their standard deviation.
    return total * (1.5 / math.sqrt(sum(0.25**octave for octave in range(octaves))))
