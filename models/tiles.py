"""Running a network on a large picture tile by tile, with the same result as in one piece.

A tile is a core that is kept and a halo that only gives context. With a halo as wide as what the network
really sees, the cores fit together without blending. At the picture's own border a tile ends where the
picture does, so the border is the same with and without tiles.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.regions import Box

HALO_TOLERANCE = 0.1 / 127.5
"""Largest change of an output in [-1, 1] that pixels beyond the halo may make: a tenth of 1/255."""


@dataclass(frozen=True, slots=True)
class Tile:
    """Low-resolution pixels: ``window`` is what the network gets, ``core`` what is kept."""

    core: Box
    window: Box


def plan_tiles(width: int, height: int, core_px: int, halo_px: int) -> list[Tile]:
    """Cover a picture with cores of at most ``core_px`` a side (0 = one tile), row by row."""
    core_px = core_px or max(width, height)
    tiles = []
    for top in range(0, height, core_px):
        for left in range(0, width, core_px):
            core = Box(left, top, min(left + core_px, width), min(top + core_px, height))
            window = Box(
                max(0, core.left - halo_px),
                max(0, core.top - halo_px),
                min(width, core.right + halo_px),
                min(height, core.bottom + halo_px),
            )
            tiles.append(Tile(core, window))
    return tiles


@torch.inference_mode()
def measure_halo(network: nn.Module, radius: int, scale: int) -> int:
    """Smallest halo that makes tiles agree with the whole, measured on noise.

    The theoretical receptive field counts every kernel's corner; trained networks hardly look that far,
    and a halo costs the square of its width.

    Args:
        network: Maps (1, 3, h, w) to a tuple of pictures (1, 3, scale·h, scale·w), float32.
        radius: The theoretical receptive radius in low-resolution pixels; never exceeded.
        scale: Output pixels to an input pixel.

    Returns:
        A multiple of 4 low-resolution pixels, or ``radius``.
    """
    kept = 16
    side = kept + 2 * radius
    device = next(network.parameters()).device
    random = torch.Generator().manual_seed(0)
    noise = (torch.rand(1, 3, side, side, generator=random) * 2 - 1).to(device)

    def centre(halo: int) -> list[Tensor]:
        cut = radius - halo
        window = noise[..., cut : side - cut, cut : side - cut]
        inner = slice(scale * halo, scale * (halo + kept))
        return [picture[..., inner, inner] for picture in network(window)]

    whole = centre(radius)
    for halo in range(4, radius, 4):
        differences = [(a - b).abs().max() for a, b in zip(centre(halo), whole, strict=True)]
        if max(map(float, differences)) < HALO_TOLERANCE:
            return halo
    return radius
