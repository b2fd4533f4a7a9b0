"""A picture and a mask in memory: what they refuse, that they stay as they are, and their numbers."""

import dataclasses
import sys
from typing import Any

import numpy as np
import pytest
import torch

from remend.models.errors import RequestError
from remend.models.imaging.opencv import load_opencv
from remend.models.imaging.picture import Mask, Metadata, Picture, from_unit, to_unit


def test_a_picture_tells_its_size():
    picture = Picture(np.zeros((30, 20, 3), np.uint16), np.zeros((30, 20), np.uint16))

    assert (picture.width, picture.height) == picture.size == (20, 30)
    assert picture.bit_depth == 16
    assert picture.megapixels == pytest.approx(0.0006)
    assert Picture(np.zeros((1, 1, 3), np.uint8)).bit_depth == 8


@pytest.mark.parametrize(
    ("rgb", "alpha"),
    [
        (np.zeros((4, 4), np.uint8), None),
        (np.zeros((4, 4, 4), np.uint8), None),
        (np.zeros((0, 4, 3), np.uint8), None),
        (np.zeros((4, 4, 3), np.float32), None),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5), np.uint8)),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint16)),
    ],
)
def test_a_picture_refuses_other_arrays(rgb: Any, alpha: Any):
    with pytest.raises(ValueError, match="must be"):
        Picture(rgb, alpha)


def test_nobody_can_change_a_picture_or_a_mask():
    picture = Picture(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.uint8))
    mask = Mask(np.zeros((2, 2), np.uint8))

    for array in (picture.rgb, picture.alpha, mask.values):
        assert array is not None
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        picture.meta = Metadata()  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    "values", [np.zeros((2, 2, 1), np.uint8), np.zeros((2, 2)), np.zeros((0, 2), np.uint8)]
)
def test_a_mask_refuses_other_arrays(values: Any):
    with pytest.raises(ValueError, match="must be"):
        Mask(values)


def test_a_mask_comes_from_truth_values_or_levels():
    truth = np.array([[True, False, True]])
    levels = np.array([[255, 0, 77]], np.uint8)

    assert Mask.from_array(truth).values.tolist() == [[255, 0, 255]]
    assert Mask.from_array(levels).values.tolist() == [[255, 0, 77]]
    assert Mask.from_array(levels).size == (3, 1)
    levels[0, 0] = 1  # the mask has its own copy
    assert Mask.from_array(truth).inverted().values.tolist() == [[0, 255, 0]]


def test_a_mask_knows_nothing_and_everything():
    some = np.zeros((5, 6), np.uint8)
    assert Mask(some.copy()).is_empty and not Mask(some.copy()).covers_everything
    some[2, 3] = 1
    assert not Mask(some).is_empty and not Mask(some).covers_everything
    assert Mask(np.full((5, 6), 1, np.uint8)).covers_everything  # no pixel is wholly known
    assert not Mask(np.full((5, 6), 255, np.uint8)).is_empty


@pytest.mark.parametrize("px", [1, 2, 5, 12])
def test_growing_reaches_as_far_as_it_says_and_rounds_corners(px: int):
    dot = np.zeros((41, 41), np.uint8)
    dot[20, 20] = 255
    grown = Mask(dot).grown(px).values

    rows, columns = np.nonzero(grown)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20 - px, 20 + px) * 2
    assert grown[20 - px, 20 - px] == 0
    # Between the discs whose radii are half a pixel smaller and one pixel larger.
    radius = np.hypot(*(np.mgrid[:41, :41] - 20))
    assert (grown[radius <= px - 1] == 255).all()
    assert (grown[radius > px + 1] == 0).all()


def test_growing_keeps_partly_pasted_levels_and_shrinking_undoes_it():
    values = np.zeros((30, 30), np.uint8)
    values[10:20, 12:22] = 100
    mask = Mask(values)

    assert set(np.unique(mask.grown(3).values)) == {0, 100}
    assert np.array_equal(mask.grown(3).grown(-3).values, values)
    assert np.count_nonzero(mask.grown(-2).values) < np.count_nonzero(values)
    assert mask.grown(-6).is_empty
    assert mask.grown(0) is mask


def test_shrinking_does_not_begin_at_the_border_of_the_picture():
    values = np.zeros((20, 20), np.uint8)
    values[:, :10] = 255
    shrunk = Mask(values).grown(-3).values

    assert (shrunk[:, :7] == 255).all() and (shrunk[:, 7:] == 0).all()
    assert Mask(np.full((9, 9), 255, np.uint8)).grown(-3).covers_everything


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_value_survives_the_way_to_a_network_and_back(dtype: Any):
    levels = np.arange(np.iinfo(dtype).max + 1).astype(dtype)
    crop = np.stack((levels, levels[::-1], np.roll(levels, 7)), -1).reshape(-1, 16, 3)
    unit = to_unit(crop)

    assert unit.dtype == torch.float32 and unit.shape == (1, 3, len(levels) // 16, 16)
    assert unit.is_contiguous()
    assert (unit.min().item(), unit.max().item()) == (-1.0, 1.0)
    assert unit[0, 0, 0, 0] == -1.0 and unit[0, 1, 0, 0] == 1.0
    back = from_unit(unit, dtype)
    assert back.dtype == dtype and back.flags.c_contiguous and back.flags.writeable
    assert np.array_equal(back, crop)


def test_the_middle_is_zero_and_excess_is_clipped():
    assert to_unit(np.full((1, 1, 3), 51, np.uint8)).flatten().tolist() == pytest.approx([-0.6] * 3)
    wild = torch.tensor([-9.0, 0.0, 9.0]).reshape(1, 3, 1, 1)
    assert from_unit(wild, np.uint8).tolist() == [[[0, 128, 255]]]
    assert from_unit(wild.to(torch.bfloat16), np.uint16).tolist() == [[[0, 32768, 65535]]]


def test_a_crop_of_a_read_only_picture_can_be_used():
    picture = Picture(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))
    unit = to_unit(picture.rgb[1:3, ::-1])
    unit.zero_()

    assert np.array_equal(picture.rgb, np.arange(48).reshape(4, 4, 3))


def test_a_missing_opencv_is_one_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "cv2", None)

    with pytest.raises(RequestError, match=r"OpenCV cannot be loaded .* install"):
        load_opencv()
    with pytest.raises(RequestError, match="OpenCV cannot be loaded"):
        Mask(np.zeros((4, 4), np.uint8)).grown(2)
