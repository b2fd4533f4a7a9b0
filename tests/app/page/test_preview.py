"""What the browser is shown of a photo: previews, patches, overlays."""

import io

import numpy as np
import pytest
from PIL import Image

from remend.app.page import preview
from remend.models.imaging.picture import Mask, Picture
from remend.models.inference.regions import Box
from tests.helpers.visiting import RANDOM, photo_of


@pytest.mark.parametrize("size", [(4000, 3000), (640, 480), (1, 1)])
def test_a_photo_within_the_limit_is_shown_as_it_is(size: tuple[int, int]):
    assert preview.preview_size(size) == size


@pytest.mark.parametrize("size", [(4032, 3024), (8000, 6000), (100_000, 400)])
def test_a_larger_photo_is_shown_with_at_most_twelve_megapixels(size: tuple[int, int]):
    width, height = preview.preview_size(size)
    assert 11.5e6 < width * height <= 12e6
    assert width / height == pytest.approx(size[0] / size[1], rel=0.05)


@pytest.mark.parametrize("megapixels", [1.0, 0.013, 0.004])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_patch_is_a_piece_of_the_whole_preview(
    monkeypatch: pytest.MonkeyPatch, megapixels: float, kind: type
):
    monkeypatch.setattr(preview, "PREVIEW_MEGAPIXELS", megapixels)
    picture = photo_of(173, 131, kind)
    _, everything = preview.encode_patch(picture, Box(0, 0, 173, 131))
    whole = np.asarray(Image.open(io.BytesIO(everything)))
    for changed in (Box(40, 30, 61, 77), Box(0, 0, 5, 5), Box(160, 120, 173, 131)):
        box, patch = preview.encode_patch(picture, changed)
        off = np.asarray(Image.open(io.BytesIO(patch))).astype(int) - whole[box.slices]
        assert np.abs(off).max() <= 1  # Pillow rounds the box's place


def test_a_patch_covers_all_that_a_change_shows_in_the_preview(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(preview, "PREVIEW_MEGAPIXELS", 0.005)
    before = photo_of(173, 131)
    pixels = before.rgb.copy()
    changed = Box(50, 41, 64, 52)
    pixels[changed.slices] = 255 - pixels[changed.slices]
    shown = [
        np.asarray(Image.open(io.BytesIO(preview.encode_patch(picture, Box(0, 0, 173, 131))[1])))
        for picture in (before, Picture(pixels))
    ]
    box, _ = preview.encode_patch(before, changed)
    different = (shown[0] != shown[1]).any(axis=-1)
    assert different[box.slices].any()
    different[box.slices] = False
    assert not different.any()


def test_paint_on_a_reduced_preview_covers_the_same_part_of_the_photo(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(preview, "PREVIEW_MEGAPIXELS", 0.0012)  # 40 x 30
    painted = np.zeros((12, 10), np.uint8)
    painted[1:11, 1:9] = 255
    whole = preview.enlarge_mask(Mask(painted), 7, 9, (400, 300)).values
    assert whole.shape == (300, 400)
    assert set(np.unique(whole)) == {0, 255}
    rows, columns = np.nonzero(whole)
    assert abs(rows.min() - 100) <= 3 and abs(rows.max() - 199) <= 3
    assert abs(columns.min() - 80) <= 3 and abs(columns.max() - 159) <= 3


def test_an_overlay_is_opaque_where_the_mask_is_white():
    values = RANDOM.integers(0, 256, (20, 30), np.uint8)
    image = Image.open(io.BytesIO(preview.encode_overlay(Mask(values))))
    assert (np.asarray(image.getchannel("A")) == values).all()
