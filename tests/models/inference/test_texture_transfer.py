"""Texture from known surroundings: what is copied, from where, and what stays as it was."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from remend.models.inference.known.texture_transfer import (
    NODE_PX,
    WINDOW_PX,
    find_sources,
    measure_roughness,
    transfer_texture,
)


def stripes(height: int, width: int, period: float) -> Tensor:
    """Fine vertical stripes, which a reduction by two takes away."""
    wave = 0.4 * torch.sin(torch.arange(width) * 2 * torch.pi / period)
    return wave.expand(1, 3, height, width).clone()


def square_hole(height: int, width: int, start: int, stop: int) -> Tensor:
    hole = torch.zeros(1, 1, height, width)
    hole[..., start:stop, start:stop] = 1
    return hole


def rms(values: Tensor, where: Tensor) -> float:
    return float(((values.square() * where).sum() / (values.shape[1] * where.sum())).sqrt())


def test_a_fine_texture_comes_back_with_its_strength() -> None:
    truth = stripes(320, 320, 4.0)
    hole = square_hole(320, 320, 120, 200)
    fill = torch.zeros(1, 3, 160, 160)  # as the reduced photo is: the stripes are gone
    small = F.max_pool2d(hole, 2)
    filled = transfer_texture(truth * (1 - hole) + 0.9 * hole, hole, fill, small)
    assert rms(filled, hole) == pytest.approx(rms(truth, hole), rel=0.25)
    # Without the transfer nothing would be there.
    assert rms(transfer_texture(truth, hole, fill, small, detail=0.0), hole) < 1e-6


def test_detail_is_a_linear_dial() -> None:
    torch.manual_seed(0)
    photo, hole = torch.rand(1, 3, 240, 240) - 0.5, square_hole(240, 240, 90, 150)
    fill, small = F.avg_pool2d(photo, 2), F.max_pool2d(hole, 2)
    none, half, full = (transfer_texture(photo, hole, fill, small, d) for d in (0.0, 0.5, 1.0))
    torch.testing.assert_close(half, (none + full) / 2)
    assert rms(full - none, hole) > 0.1


def test_what_lies_in_the_hole_is_not_looked_at() -> None:
    torch.manual_seed(0)
    photo, hole = torch.rand(1, 3, 230, 250) - 0.5, square_hole(230, 250, 80, 140)
    fill = F.interpolate(photo, (100, 108), mode="area")
    small = F.adaptive_max_pool2d(hole, (100, 108))
    changed = torch.where(hole > 0, 1 - photo, photo)
    one, two = (transfer_texture(p, hole, fill, small) for p in (photo, changed))
    assert (one == two).all()


def test_each_source_is_known_throughout() -> None:
    dice = np.random.default_rng(0)
    low = dice.normal(size=(141, 150, 3)).astype(np.float32)
    unknown = np.zeros((141, 150), bool)
    unknown[60:90, 50:100] = True
    unknown[100:, 140:] = True
    offsets = find_sources(low, unknown, np.zeros(unknown.shape, np.float32))
    assert offsets is not None
    moved = np.argwhere(offsets.any(2))
    assert len(moved) >= (30 // NODE_PX) * (50 // NODE_PX)
    half = WINDOW_PX // 2
    for row, column in moved:
        y, x = np.array([row, column]) * NODE_PX + offsets[row, column]
        assert half <= y <= 141 - half and half <= x <= 150 - half
        assert not unknown[y - half : y + half, x - half : x + half].any()


def test_neighbours_copy_from_neighbouring_places_where_all_match_alike() -> None:
    unknown = np.zeros((160, 160), bool)
    unknown[60:100, 60:100] = True
    low = np.zeros((160, 160, 3), np.float32)
    offsets = find_sources(low, unknown, low[..., 0])
    assert offsets is not None
    used = {tuple(o) for o in offsets[offsets.any(2)].tolist()}
    assert len(used) <= 6  # of 36 nodes


def test_rough_surroundings_are_continued_from_rough_places() -> None:
    """Left smooth, right grainy, all of the same mean colour; the hole is on the right."""
    torch.manual_seed(0)
    photo, hole = torch.zeros(1, 3, 200, 200), torch.zeros(1, 1, 200, 200)
    photo[..., 100:] = 0.3 * torch.randn(1, 1, 200, 100)
    hole[..., 80:120, 140:180] = 1
    roughness = measure_roughness(photo, hole, (200, 200))
    assert roughness[100, 160] == pytest.approx(roughness[20, 160], abs=0.5)
    filled = transfer_texture(photo, hole, photo * (1 - hole), hole)
    assert rms(filled, hole) > 0.2  # of 0.3: half of what a mean of patches takes is not given back


def test_a_constant_photo_stays_constant() -> None:
    photo, hole = torch.full((1, 3, 200, 200), 0.25), square_hole(200, 200, 70, 120)
    filled = transfer_texture(
        photo, hole, torch.full((1, 3, 100, 100), 0.25), F.max_pool2d(hole, 2)
    )
    torch.testing.assert_close(filled, photo)


@pytest.mark.parametrize("size", [(1, 2), (7, 90), (40, 30)])
def test_where_nothing_large_enough_is_known_the_fill_is_only_enlarged(
    size: tuple[int, int],
) -> None:
    height, width = size
    photo, hole = torch.rand(1, 3, height, width), torch.zeros(1, 1, height, width)
    hole[..., width // 2 :] = 1
    small = F.adaptive_max_pool2d(hole, (height, width))
    filled = transfer_texture(photo, hole, photo, small)
    assert filled.shape == photo.shape and (filled == photo).all()
    assert filled is not photo
