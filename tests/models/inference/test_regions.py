"""Plans of crops: every missing pixel once, context in sight, nothing larger than the network may see."""

import numpy as np
import pytest

from remend.models.imaging.picture import Mask
from remend.models.inference.regions import (
    CONTEXT_PX,
    THICK_PX,
    WORK_PX,
    Box,
    Region,
    composite,
    feather_mask,
    grow_box,
    plan_regions,
)


def mask_of(width: int, height: int, *holes: tuple[int, int, int, int]) -> Mask:
    values = np.zeros((height, width), bool)
    for left, top, right, bottom in holes:
        values[top:bottom, left:right] = True
    return Mask.from_array(values)


def specks(width: int, height: int, count: int) -> Mask:
    dice = np.random.default_rng(0)
    values = np.zeros((height, width), bool)
    for y, x in dice.integers(0, (height - 6, width - 6), (count, 2)):
        values[y : y + 6, x : x + 6] = True
    return Mask.from_array(values)


def diagonal() -> Mask:
    values = np.zeros((1500, 2000), bool)
    for x in range(1400):
        values[x : x + 8, x + 100 : x + 108] = True
    return Mask.from_array(values)


MASKS = {
    "a blob": mask_of(4000, 3000, (1000, 900, 1300, 1200)),
    "a blob at the corner": mask_of(700, 600, (0, 0, 300, 300)),
    "a scratch across a large photo": mask_of(3000, 1000, (0, 500, 3000, 506)),
    "a diagonal scratch": diagonal(),
    "five hundred specks": specks(2000, 1500, 500),
    "almost everything": mask_of(1100, 900, (0, 0, 1100, 899)),
    "all but a corner": mask_of(90, 70, (1, 0, 90, 70), (0, 1, 90, 70)),
    "two pixels, one missing": mask_of(2, 1, (0, 0, 1, 1)),
    "both ends": mask_of(600, 1, (0, 0, 1, 1), (599, 0, 600, 1)),
}


@pytest.mark.parametrize("name", MASKS)
def test_each_missing_pixel_has_one_owner_and_each_crop_fits(name: str) -> None:
    mask = MASKS[name]
    times = np.zeros(mask.values.shape, int)
    known = mask.values == 0
    for region in plan_regions(mask):
        times[region.hole.slices] += 1
        assert region.fits and region.reduction >= 1
        crop, hole = region.crop, region.hole
        assert 0 <= crop.left <= hole.left < hole.right <= crop.right <= mask.size[0]
        assert 0 <= crop.top <= hole.top < hole.bottom <= crop.bottom <= mask.size[1]
        assert known[crop.slices].any()
        # The hole's box is tight, so that a patch holds no more than it must.
        inside = ~known[hole.slices]
        assert inside[0].any() and inside[-1].any()
        assert inside[:, 0].any() and inside[:, -1].any()
    assert (times[~known] == 1).all()
    assert times.max() == 1


def plan(mask: Mask) -> list[Region]:
    return plan_regions(mask)


def test_thickness_and_not_length_decides_the_reduction() -> None:
    scratches = plan(MASKS["a scratch across a large photo"])
    assert len(scratches) > 1
    assert {region.reduction for region in scratches} == {1.0}
    (blob,) = plan(MASKS["a blob"])
    assert blob.reduction == pytest.approx(300 / THICK_PX, rel=0.05)


def test_holes_whose_crops_overlap_share_one() -> None:
    near = mask_of(2000, 1000, (500, 500, 520, 520), (560, 500, 580, 520))
    (region,) = plan(near)
    assert region.hole == Box(500, 500, 580, 520)
    assert region.crop == grow_box(region.hole, CONTEXT_PX, Box(0, 0, 2000, 1000))
    assert len(plan(mask_of(2000, 1000, (100, 500, 120, 520), (1800, 500, 1820, 520)))) == 2


def test_many_specks_cost_less_than_a_crop_each() -> None:
    regions = plan(MASKS["five hundred specks"])
    alone = 500 * (2 * CONTEXT_PX + 6) ** 2
    assert sum(region.cost for region in regions) < 0.75 * alone


def test_a_speck_beside_a_large_hole_keeps_its_full_size_and_comes_first() -> None:
    regions = plan(mask_of(4000, 3000, (1000, 900, 1600, 1500), (1640, 1200, 1646, 1206)))
    reductions = [region.reduction for region in regions]
    assert reductions == [1.0, pytest.approx(600 / THICK_PX, rel=0.05)]


def test_a_cut_goes_between_holes_and_not_through_them() -> None:
    holes = [(left, 500, left + 40, 540) for left in range(0, 1960, 100)]
    for region in plan(mask_of(2000, 1000, *holes)):
        assert any(region.hole.left == hole[0] for hole in holes)
        assert any(region.hole.right == hole[2] for hole in holes)


def test_no_crop_reduces_a_photo_below_what_the_network_may_see() -> None:
    (region,) = plan(MASKS["almost everything"])
    assert region.crop == Box(0, 0, 1100, 900)
    assert region.reduction == pytest.approx(1100 / WORK_PX)


def test_a_feather_is_soft_outside_and_changes_nothing_inside() -> None:
    mask = mask_of(60, 40, (20, 10, 30, 20))
    soft = feather_mask(mask, 4).values.astype(int)
    assert (soft[mask.values > 0] == 255).all()
    row = soft[15, 30:36].tolist()
    assert row == [204, 153, 102, 51, 0, 0]
    assert feather_mask(mask, 0) is mask


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_composite_keeps_bits_where_the_mask_is_black_and_the_fill_where_it_is_white(
    dtype: type[np.uint8] | type[np.uint16],
) -> None:
    top = np.iinfo(dtype).max
    dice = np.random.default_rng(1)
    original = dice.integers(0, top + 1, (30, 40, 3)).astype(dtype)
    fill = dice.integers(0, top + 1, (30, 40, 3)).astype(dtype)
    values = dice.choice(np.array([0, 51, 255], np.uint8), (30, 40))
    mixed = composite(original, fill, values)
    assert mixed.dtype == dtype
    assert (mixed[values == 0] == original[values == 0]).all()
    assert (mixed[values == 255] == fill[values == 255]).all()
    between = 0.8 * original[values == 51] + 0.2 * fill[values == 51]
    assert np.abs(mixed[values == 51] - between).max() <= 0.51
