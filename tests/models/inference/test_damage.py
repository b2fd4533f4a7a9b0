"""Damage that is drawn is found; undamaged pictures get no mask."""

import cv2
import numpy as np
import pytest

from remend.models.imaging.picture import Picture
from remend.models.inference.damage import propose_mask


def scene(height: int = 240, width: int = 320) -> np.ndarray:
    """A soft picture with a little grain."""
    y, x = np.mgrid[:height, :width]
    soft = np.stack([60 + x / 4, 80 + y / 4, 150 - x / 8], -1)
    grain = np.random.default_rng(3).normal(0, 2, (height, width, 1))
    return (soft + grain).clip(0, 255).astype(np.uint8)


def scratched(colour: int) -> tuple[Picture, np.ndarray]:
    """The scene with a crooked scratch and a speck of dust; and where they are."""
    pixels, where = scene(), np.zeros((240, 320), np.uint8)
    cv2.polylines(where, [np.array([(40, 10), (120, 90), (150, 220)], np.int32)], False, 255, 2)
    cv2.circle(where, (250, 60), 1, 255, -1)
    pixels[where > 0] = colour
    return Picture(pixels), where > 0


@pytest.mark.parametrize("colour", [250, 5])
def test_a_scratch_and_a_speck_are_found_and_little_else(colour: int):
    picture, where = scratched(colour)
    found = propose_mask(picture).values > 0
    assert found[where].mean() > 0.95
    near = cv2.dilate(where.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert found[~near].mean() < 0.001


def test_an_undamaged_picture_gets_no_mask():
    assert propose_mask(Picture(scene())).is_empty
    assert propose_mask(Picture(np.full((50, 60, 3), 128, np.uint8))).is_empty


def test_more_sensitivity_never_finds_less():
    pixels = scene()
    pixels[100:102, 50:250] += 25  # faint
    sizes = [np.count_nonzero(propose_mask(Picture(pixels), level).values) for level in (0, 0.5, 1)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_depth_does_not_matter_and_a_large_picture_gets_a_mask_of_its_size():
    picture, _ = scratched(250)
    deep = Picture(picture.rgb.astype(np.uint16) * 257)
    assert (propose_mask(deep).values == propose_mask(picture).values).all()
    pixels = np.full((1200, 3300, 3), 90, np.uint8)
    pixels[600:606, 300:3000] = 240
    mask = propose_mask(Picture(pixels))
    assert mask.size == (3300, 1200)
    assert mask.values[602, 310:2990].all()


def test_a_single_pixel_is_no_error():
    assert propose_mask(Picture(np.zeros((1, 1, 3), np.uint8))).is_empty
