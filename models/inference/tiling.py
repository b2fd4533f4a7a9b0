"""Running a network on a large picture tile by tile, with the same result as in one piece.

A tile is a core that is kept and a halo that only gives context. With a halo as wide as what the network
really sees, the cores fit together without blending; where that is not known, neighbours fade
into each other over a part of the halo. At the picture's own border a tile ends where the
picture does, so the border is the same with and without tiles.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from remend.models.imaging.picture import Pixels
from remend.models.inference.contracts import Network
from remend.models.inference.regions import Box, grow_box

HALO_TOLERANCE = 0.1 / 127.5
"""Largest change of an output in [-1, 1] that pixels beyond the halo may make: a tenth of 1/255."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """How a network's pictures are cut: sides in low-resolution pixels.

    Attributes:
        core_px: Side of a core; 0 = the whole picture.
        halo_px: Context on each side of a core.
        blend_px: How far into the halo a tile fades; 0 where the halo holds all that the network sees.
        is_fixed: Whether the network accepts no larger tiles.
    """

    core_px: int
    halo_px: int
    blend_px: int = 0
    is_fixed: bool = False

    def choose_core(self, asked_px: int | None) -> int:
        """The side of a core where a person asked for one; None = did not ask, 0 = the whole picture."""
        if asked_px is None or (self.is_fixed and not 0 < asked_px < self.core_px):
            return self.core_px
        return asked_px


@dataclass(frozen=True, slots=True)
class Tile:
    """Low-resolution pixels: ``window`` is what the network gets, ``core`` what is kept."""

    core: Box
    window: Box


def plan_tiles(width: int, height: int, core_px: int, halo_px: int) -> list[Tile]:
    """Cover a picture with cores of at most ``core_px`` a side (0 = one tile), row by row."""
    core_px = core_px or max(width, height)
    tiles: list[Tile] = []
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


def paste_tile(large: Pixels, enlarged: Pixels, tile: Tile, scale: int, blend_px: int = 0) -> None:
    """Copy a tile into the large picture; tiles come row by row, each over the edges of those before.

    Args:
        large: (scale·H, scale·W, 3); changed in place.
        enlarged: The tile's whole window, enlarged.
        tile: Which part of the picture it is.
        scale: Output pixels to an input pixel.
        blend_px: See `Tiling`; at most the halo.
    """
    reach = grow_box(tile.core, blend_px, tile.window)
    inner, outer = _times(reach.inside(tile.window), scale), _times(reach, scale)
    part = enlarged[inner.slices]
    shares = _fade(reach.top, tile.core.top, reach.height, blend_px, scale)[:, None, None]
    shares = shares * _fade(reach.left, tile.core.left, reach.width, blend_px, scale)[:, None]
    if (shares < 1).any():
        below = large[outer.slices].astype(np.float32)
        part = (below + shares * (part - below)).round().astype(large.dtype)
    large[outer.slices] = part


def _times(box: Box, scale: int) -> Box:
    return Box(box.left * scale, box.top * scale, box.right * scale, box.bottom * scale)


def _fade(start: int, core: int, length: int, blend_px: int, scale: int) -> NDArray[np.float32]:
    """A tile's share along one axis: from 0 to 1 across the near border of its core, 1 from there on."""
    shares = np.ones(length * scale, np.float32)
    if start < core:  # there is a tile before this one
        width = (core - start + blend_px) * scale
        ramp = (np.arange(width, dtype=np.float32) + 0.5) / width
        shares[:width] = ramp[: len(shares)]
    return shares


@torch.inference_mode()
def measure_halo(network: Network, radius: int, scale: int) -> int:
    """Smallest halo that makes tiles agree with the whole, measured on noise.

    The theoretical receptive field counts every kernel's corner; trained networks hardly look that far,
    and a halo costs the square of its width.

    Args:
        network: In float32.
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
        stages = network(window)
        return [picture[..., inner, inner] for picture in (stages.coarse, stages.refined)]

    whole = centre(radius)
    for halo in range(4, radius, 4):
        differences = [(a - b).abs().max() for a, b in zip(centre(halo), whole, strict=True)]
        if max(map(float, differences)) < HALO_TOLERANCE:
            return halo
    return radius
