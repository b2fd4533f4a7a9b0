"""Reading: every kind of file that cameras, scanners and programs write."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image, TiffImagePlugin

from remend.models.errors import InputError
from remend.models.imaging.files import read_picture, read_size, write_picture
from remend.models.imaging.picture import Picture
from tests.helpers.picture_files import (
    GENERATOR,
    NARROW,
    PHOTOMETRIC,
    WIDE,
    encoded,
    plain_tiff,
    wide_png,
)


def test_narrow_pictures_of_every_kind_hold_what_pillow_holds():
    colour, alpha = NARROW[..., :3].copy(), NARROW[..., 3].copy()
    for file_format in ("PNG", "TIFF", "BMP"):
        picture = read_picture(encoded(Image.fromarray(colour), file_format))
        assert np.array_equal(picture.rgb, colour) and picture.alpha is None
        assert (picture.meta.source_format, picture.meta.grey) == (file_format.lower(), False)
        grey = read_picture(encoded(Image.fromarray(alpha), file_format))
        assert np.array_equal(grey.rgb, np.dstack([alpha] * 3)) and grey.meta.grey
        truth = read_picture(encoded(Image.fromarray(alpha > 99), file_format))
        assert np.array_equal(truth.rgb[..., 1], np.where(alpha > 99, 255, 0)) and truth.meta.grey
    for file_format, arguments in (
        ("PNG", {}),
        ("TIFF", {}),
        ("WEBP", {"lossless": True, "exact": True}),
    ):
        both = read_picture(encoded(Image.fromarray(NARROW), file_format, **arguments))
        assert np.array_equal(both.rgb, colour)
        assert both.alpha is not None and np.array_equal(both.alpha, alpha)
    grey_alpha = Image.fromarray(np.dstack((alpha, colour[..., 0])))
    for file_format in ("PNG", "TIFF"):
        both = read_picture(encoded(grey_alpha, file_format))
        assert both.meta.grey and np.array_equal(both.rgb[..., 2], alpha)
        assert both.alpha is not None and np.array_equal(both.alpha, colour[..., 0])


def test_large_pictures_are_put_together_without_a_seam():
    tall = GENERATOR.integers(0, 256, (700, 5, 4), dtype=np.uint8)  # more than one band of rows
    picture = read_picture(encoded(Image.fromarray(tall), "PNG"))

    assert np.array_equal(picture.rgb, tall[..., :3])
    assert picture.alpha is not None and np.array_equal(picture.alpha, tall[..., 3])


@pytest.mark.parametrize(
    ("colour_type", "channels"), [(0, [0]), (2, [0, 1, 2]), (4, [0, 3]), (6, [0, 1, 2, 3])]
)
def test_wide_png_keeps_its_16_bits(colour_type: int, channels: list[int]):
    picture = read_picture(wide_png(WIDE[..., channels], colour_type))

    grey = colour_type in (0, 4)
    assert picture.bit_depth == 16 and picture.meta.grey == grey
    assert np.array_equal(picture.rgb, WIDE[..., [0, 0, 0]] if grey else WIDE[..., :3])
    if 3 in channels:
        assert picture.alpha is not None and np.array_equal(picture.alpha, WIDE[..., 3])
    else:
        assert picture.alpha is None


@pytest.mark.parametrize(("colour_type", "channels"), [(0, [0]), (2, [0, 1, 2])])
def test_the_clear_colour_of_a_wide_png_becomes_alpha(colour_type: int, channels: list[int]):
    clear = b"".join(struct.pack(">H", WIDE[4, 5, channel]) for channel in channels)
    picture = read_picture(wide_png(WIDE[..., channels], colour_type, (b"tRNS", clear)))

    expected = np.full((9, 7), 65_535)
    expected[4, 5] = 0
    assert picture.alpha is not None and np.array_equal(picture.alpha, expected)
    assert np.array_equal(picture.rgb[..., 0], WIDE[..., 0])


def test_wide_tiff_keeps_its_16_bits():
    colour = read_picture(plain_tiff(WIDE[..., :3].copy()))
    both = read_picture(plain_tiff(WIDE, {TiffImagePlugin.EXTRASAMPLES: 2}))
    other = read_picture(
        plain_tiff(WIDE, {TiffImagePlugin.EXTRASAMPLES: 0})
    )  # a fourth channel that is no alpha
    grey = read_picture(plain_tiff(WIDE[..., :1].copy()))
    negative = read_picture(plain_tiff(WIDE[..., :1].copy(), {PHOTOMETRIC: 0}))

    for picture in (colour, both, other):
        assert np.array_equal(picture.rgb, WIDE[..., :3]) and not picture.meta.grey
    assert colour.alpha is None and other.alpha is None
    assert both.alpha is not None and np.array_equal(both.alpha, WIDE[..., 3])
    assert grey.meta.grey and np.array_equal(grey.rgb[..., 1], WIDE[..., 0])
    assert np.array_equal(negative.rgb[..., 1], 65_535 - WIDE[..., 0])  # white is zero


@pytest.mark.parametrize("compression", [1, 5, 8])  # none, LZW, Deflate
def test_wide_tiff_written_by_opencv_is_read(compression: int, tmp_path: Path):
    path = str(tmp_path / "photo.tiff")
    bgr = np.ascontiguousarray(WIDE[..., [2, 1, 0]])
    assert cv2.imwrite(path, bgr, [cv2.IMWRITE_TIFF_COMPRESSION, compression])

    assert np.array_equal(read_picture(Path(path)).rgb, WIDE[..., :3])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_wide_tiff_is_turned_as_a_narrow_one_is(orientation: int):
    tags = {int(ExifTags.Base.Orientation): orientation}
    for channels in (1, 3, 4):
        samples = WIDE[..., :channels].copy()
        narrow = read_picture(plain_tiff((samples >> 8).astype(np.uint8), tags))
        wide = read_picture(plain_tiff(samples, tags))
        assert wide.bit_depth == 16 and np.array_equal(wide.rgb >> 8, narrow.rgb)


def test_premultiplied_colours_are_divided_by_their_alpha():
    rgb = np.array([[[60_000, 30_000, 7]]], np.uint16)
    half = np.dstack((rgb // 2, np.full((1, 1), 32_768, np.uint16)))
    picture = read_picture(plain_tiff(half, {TiffImagePlugin.EXTRASAMPLES: 1}))
    clear = read_picture(
        plain_tiff(np.zeros((1, 1, 4), np.uint16), {TiffImagePlugin.EXTRASAMPLES: 1})
    )

    assert np.abs(picture.rgb.astype(int) - rgb).max() <= 2
    assert clear.rgb.tolist() == [[[0, 0, 0]]]


def test_palettes_become_colours_and_their_clear_entries_alpha():
    indices = GENERATOR.integers(0, 4, (6, 5), dtype=np.uint8)
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 8, 7]], np.uint8)
    image = Image.fromarray(indices, "P")
    image.putpalette(colours.tobytes())

    opaque = read_picture(encoded(image, "PNG"))
    clear = read_picture(encoded(image, "PNG", transparency=2))
    partly = read_picture(encoded(image, "PNG", transparency=bytes((255, 128, 0, 30))))
    gif = read_picture(encoded(image, "GIF", transparency=2))
    for picture in (opaque, clear, partly, gif):
        assert np.array_equal(picture.rgb, colours[indices])
    assert opaque.alpha is None
    assert partly.alpha is not None
    assert np.array_equal(partly.alpha, np.array([255, 128, 0, 30])[indices])
    for picture in (clear, gif):
        assert picture.alpha is not None
        assert np.array_equal(picture.alpha, np.where(indices == 2, 0, 255))


def test_the_clear_colour_of_a_narrow_png_becomes_alpha():
    rgb = NARROW[..., :3].copy()
    red, green, blue = (int(level) for level in rgb[3, 3])
    colour = read_picture(encoded(Image.fromarray(rgb), "PNG", transparency=(red, green, blue)))
    grey = read_picture(encoded(Image.fromarray(rgb[..., 0]), "PNG", transparency=red))

    expected = np.full((9, 7), 255)
    expected[3, 3] = 0
    assert colour.alpha is not None and np.array_equal(colour.alpha, expected)
    assert grey.alpha is not None and grey.meta.grey
    assert np.array_equal(grey.alpha, np.where(rgb[..., 0] == red, 0, 255))


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "TIFF", "WEBP"])
def test_of_many_pictures_the_first_is_read_and_a_note_says_so(file_format: str):
    first, second = Image.new("RGB", (8, 6), (250, 0, 0)), Image.new("RGB", (8, 6), (0, 0, 250))
    arguments = {"lossless": True} if file_format == "WEBP" else {}
    several = encoded(first, file_format, save_all=True, append_images=[second], **arguments)
    picture = read_picture(several)

    assert (picture.rgb == (250, 0, 0)).all()
    assert picture.meta.notes == ("Only the first of its pictures (frames, pages) was read.",)


def test_small_and_narrow_pictures_and_odd_names(tmp_path: Path):
    for size in ((1, 1), (1, 40), (40, 1)):
        for suffix in ("jpg", "png", "webp", "tiff"):
            path = tmp_path / f"Zürich 東京 {'x' * 200}.{suffix}"
            assert write_picture(Picture(np.full((*size, 3), 90, np.uint8)), path) == ()
            picture = read_picture(path)
            assert picture.rgb.shape == (*size, 3)
            assert np.abs(picture.rgb.astype(int) - 90).max() <= 2
            assert read_size(path) == size[::-1]


def test_sources_are_paths_bytes_and_streams(tmp_path: Path):
    data = encoded(Image.fromarray(NARROW), "PNG")
    path = tmp_path / "photo.png"
    path.write_bytes(data)

    with path.open("rb") as stream:
        pictures = [read_picture(path), read_picture(data), read_picture(stream)]
    assert all(np.array_equal(picture.rgb, NARROW[..., :3]) for picture in pictures)
    with pytest.raises(InputError, match=r"^The picture is empty"):
        read_picture(b"")
