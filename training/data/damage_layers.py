"""A layer of damage over a batch of photos, and what kinds of damage draw it from."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from remend.training.data.draws import clouds, uniform


class Layer(NamedTuple):
    """One kind of damage on every sample of a batch."""

    opacity: Tensor
    """(B, 1, S, S), 0 = the photo, 1 = what covers it."""
    colour: Tensor
    """(B, 3, 1, 1) or (B, 3, S, S), what covers it, 0 to 255."""
    light: Tensor | float = 0.0
    """(B, 1, S, S), added to both, in units of 1/255: relief and shading."""


def colours(batch: int, random: torch.Generator, bright_share: float = 0.6) -> Tensor:
    """Paper, dust and emulsion that is gone: nearly white or nearly black, a little warm; (B, 3, 1, 1)."""
    bright = uniform(random, (batch, 1, 1, 1), 0, 1) < bright_share
    level = torch.where(
        bright,
        uniform(random, (batch, 1, 1, 1), 170, 255),
        uniform(random, (batch, 1, 1, 1), 0, 75),
    )
    warm = uniform(random, (batch, 1, 1, 1), 0, 1) ** 2 * 0.2
    return level * (1 - warm * warm.new_tensor((0.0, 0.35, 1.0)).view(1, 3, 1, 1))


def mixed_colours(batch: int, size: int, random: torch.Generator, bright_share: float) -> Tensor:
    """In half of the samples one of `colours` everywhere, else two in places a few px wide; (B, 3, S, S)."""
    first, second = (colours(batch, random, bright_share) for _ in range(2))
    other = (clouds(random, batch, size, size // 8) > 0.6) & (each(random, batch, 0, 1) < 0.5)
    return torch.where(other, second, first)


def each(random: torch.Generator, batch: int, low: float, high: float) -> Tensor:
    """One draw for each sample, (B, 1, 1, 1)."""
    return uniform(random, (batch, 1, 1, 1), low, high)


def line_distances(
    batch: int, size: int, random: torch.Generator, reach: float
) -> tuple[Tensor, Tensor]:
    """Distances in px across and along a random straight line, each (B, 1, S, S).

    ``reach`` is how far from the middle the line may pass, as a share of the side.
    """
    angle = each(random, batch, 0, 2 * math.pi)
    offset = each(random, batch, -reach, reach) * size
    at = torch.arange(size, device=random.device) - (size - 1) / 2
    x, y = at.view(1, 1, 1, -1), at.view(1, 1, -1, 1)
    return x * angle.cos() + y * angle.sin() - offset, y * angle.cos() - x * angle.sin()
