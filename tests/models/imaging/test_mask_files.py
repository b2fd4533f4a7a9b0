"""Masks in files: their levels, what a colour or transparency means, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from remend.models.errors import InputError
from remend.models.imaging.files import (
    read_mask,
)
from tests.helpers.picture_files import encoded

LEVELS = np.array([[0, 1, 100, 200, 255]], np.uint8).repeat(16, 0).repeat(16, 1)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "BMP"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_lossless_mask_keeps_its_levels(file_format: str, mode: str):
    data = encoded(Image.fromarray(LEVELS).convert(mode), file_format)

    assert np.array_equal(read_mask(data).values, LEVELS)
    assert np.array_equal(read_mask(data, invert=True).values, 255 - LEVELS)


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP", "AVIF"])
def test_a_mask_of_a_lossy_format_is_black_or_white(file_format: str):
    mask = read_mask(encoded(Image.fromarray(LEVELS).convert("RGB"), file_format, quality=90))

    assert mask.values[8, 8::16].tolist() == [0, 0, 0, 255, 255]
    assert set(np.unique(mask.values)) == {0, 255}


def test_masks_of_one_bit_of_16_bits_and_with_a_palette():
    truth = LEVELS > 99
    wide = LEVELS.astype(np.uint16) * 257
    assert np.array_equal(read_mask(encoded(Image.fromarray(truth), "PNG")).values, truth * 255)
    assert np.array_equal(read_mask(encoded(Image.fromarray(wide), "PNG")).values, LEVELS)
    assert np.array_equal(
        read_mask(encoded(Image.fromarray(truth.astype(np.uint8)), "PNG")).values, truth * 255
    )
    palette = Image.fromarray(truth.astype(np.uint8), "P")
    palette.putpalette([0, 0, 0, 255, 255, 255])
    for file_format in ("PNG", "GIF"):
        assert np.array_equal(read_mask(encoded(palette, file_format)).values, truth * 255)


def test_a_nearly_black_jpeg_mask_is_empty():
    assert read_mask(encoded(Image.new("L", (16, 16), 1), "JPEG")).is_empty


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (255, 0, 80)])
def test_what_one_colour_painted_on_a_clear_ground_is_the_mask(colour: tuple[int, int, int]):
    layer = np.zeros((*LEVELS.shape, 4), np.uint8)
    layer[LEVELS > 0] = (*colour, 0)
    layer[..., 3] = LEVELS

    assert np.array_equal(read_mask(encoded(Image.fromarray(layer), "PNG")).values, LEVELS)


def test_transparency_beside_black_and_white_means_keep():
    samples = np.dstack((LEVELS, LEVELS, LEVELS, np.full_like(LEVELS, 255)))
    assert np.array_equal(read_mask(encoded(Image.fromarray(samples), "PNG")).values, LEVELS)
    samples[:4, :, 3] = 0
    values = read_mask(encoded(Image.fromarray(samples), "PNG")).values
    assert not values[:4].any() and np.array_equal(values[4:], LEVELS[4:])


def test_a_layer_without_a_stroke_is_an_empty_mask():
    assert read_mask(encoded(Image.new("RGBA", (8, 8)), "PNG")).is_empty


def test_a_mask_is_turned_as_its_photo_is():
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = read_mask(encoded(Image.fromarray(LEVELS), "PNG", exif=exif))

    assert np.array_equal(turned.values, np.rot90(LEVELS, -1))


def test_a_mask_that_is_no_picture_is_one_sentence(tmp_path: Path):
    (tmp_path / "mask.png").write_text("no")
    with pytest.raises(InputError, match=r"mask.png is not a picture"):
        read_mask(tmp_path / "mask.png")
