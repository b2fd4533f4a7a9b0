"""Tiles: they cover everything once, and the halo is as wide as the network sees."""

import numpy as np
import pytest
import torch
from torch import nn

from remend.models.generators.upscale import Upscale, UpscaleConfig, Upscaled
from remend.models.inference.tiling import measure_halo, plan_tiles


@pytest.mark.parametrize(
    ("width", "height", "core"), [(1, 1, 8), (7, 1, 4), (33, 20, 8), (64, 64, 0), (100, 3, 32)]
)
def test_cores_cover_every_pixel_once_inside_their_windows(
    width: int, height: int, core: int
) -> None:
    covered = np.zeros((height, width), int)
    for tile in plan_tiles(width, height, core, 5):
        covered[tile.core.slices] += 1
        inner = tile.core.inside(tile.window)
        assert inner.left >= 0 and inner.top >= 0
        assert tile.window.right <= width and tile.window.bottom <= height
        assert tile.window.left == max(0, tile.core.left - 5)
    assert (covered == 1).all()


class Shift(nn.Module):
    """Sees exactly ``reach`` pixels to the left."""

    def __init__(self, reach: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, (1, 2 * reach + 1), padding=(0, reach), groups=3, bias=False)
        nn.init.zeros_(self.conv.weight)
        with torch.no_grad():
            self.conv.weight[..., 0] = 1

    def forward(self, x: torch.Tensor) -> Upscaled:
        shifted = self.conv(x)
        return Upscaled(shifted, shifted)


@pytest.mark.parametrize(("reach", "halo"), [(3, 4), (4, 4), (5, 8), (9, 12)])
def test_the_halo_reaches_as_far_as_the_network_sees(reach: int, halo: int) -> None:
    assert measure_halo(Shift(reach), 20, 1) == halo


def test_the_halo_never_exceeds_the_receptive_radius() -> None:
    torch.manual_seed(0)
    network = Upscale(UpscaleConfig(2, 8, 1)).eval()
    assert 0 < measure_halo(network, network.receptive_radius, 2) <= network.receptive_radius
