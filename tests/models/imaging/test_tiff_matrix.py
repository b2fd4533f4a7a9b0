"""TIFF: colours x depth x transparency x layout x compression x byte order, each read to the samples written.

The files are laid out by ``tests/helpers/tiff_files.py``, which shares nothing with the decoder.
"""

import io
import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from remend.models.errors import InputError
from remend.models.imaging.files import encode_picture, read_header, read_picture
from remend.models.imaging.picture import Metadata, Picture
from tests.helpers.picture_files import NARROW, WIDE, encoded
from tests.helpers.tiff_files import Layout, linked, tiff_file

HEIGHT, WIDTH = 21, 37  # neither is whole in strips of 5 rows, nor in tiles of 16
WHITE_ZERO, BLACK_ZERO, RGB, CMYK, YCBCR = 0, 1, 2, 5, 6
COLOURS = {WHITE_ZERO: 1, BLACK_ZERO: 1, RGB: 3, CMYK: 4, YCBCR: 3}
NONE, LZW, DEFLATE, PACK_BITS = 1, 5, 8, 32773
ORDERS: tuple[Literal["<", ">"], ...] = ("<", ">")

KINDS = [
    *((grey, bits, None) for grey in (WHITE_ZERO, BLACK_ZERO) for bits in (1, 2, 4, 8, 16)),
    *((BLACK_ZERO, bits, extra) for bits in (8, 16) for extra in (0, 1, 2)),
    *((WHITE_ZERO, bits, 0) for bits in (8, 16)),
    *((RGB, bits, extra) for bits in (8, 16) for extra in (None, 0, 1, 2)),
    *((CMYK, bits, None) for bits in (8, 16)),
]


def layouts(bits: int, one_sample: bool) -> list[Layout]:
    every = itertools.product((False, True), (False, True), (NONE, LZW, DEFLATE, PACK_BITS), (1, 2))
    return [
        Layout(bits, planes, tiled, compression, predictor, order)
        for planes, tiled, compression, predictor in every
        for order in ORDERS
        if not (planes and one_sample)
        and (predictor == 1 or (compression in (LZW, DEFLATE) and bits >= 8))
    ]  # fmt: skip


def number_of_files() -> int:
    return sum(
        len(layouts(bits, COLOURS[colours] + (extra is not None) == 1))
        for colours, bits, extra in KINDS
    )


def test_the_matrix_is_wide():
    assert number_of_files() >= 300


def samples_of(count: int, bits: int, extra: int | None) -> NDArray[Any]:
    slope = np.add.outer(np.arange(HEIGHT) * 9, np.arange(WIDTH) * 5)[..., None]
    values = slope * np.array([1, 2, 3, 5])[:count] + np.arange(count) * 40
    if bits == 16:
        values = values * 257 + np.random.default_rng(1).integers(0, 256, values.shape)
    samples = (values % 2**bits).astype(np.uint16 if bits == 16 else np.uint8)
    if extra == 1:  # colours multiplied by a share are not larger than it
        samples[..., -1] = np.maximum(samples[..., -1], 40)
        samples[..., :-1] = np.minimum(samples[..., :-1], samples[..., -1:])
    return samples


def truth(samples: NDArray[Any], colours: int, bits: int, extra: int | None) -> NDArray[Any]:
    """What the samples mean, (H, W, 3 or 4), by the words of TIFF 6.0; CMYK in 8 bits, by plain sums."""
    top = 2**bits - 1
    values = samples.astype(np.int64)
    rgb = values[..., : COLOURS[colours]]
    if colours == WHITE_ZERO:
        rgb = top - rgb
    if colours == CMYK:
        inks = rgb * 255 // top
        rgb = (255 - inks[..., :3]) * (255 - inks[..., 3:]) // 255
    rgb = np.repeat(rgb, 3, axis=2) if rgb.shape[2] == 1 else rgb
    if bits < 8:
        rgb = rgb * 255 // top
    if not extra:
        return rgb
    alpha = values[..., COLOURS[colours] :]
    if extra == 1:
        rgb = np.minimum((rgb * top + alpha // 2) // alpha, top)
    return np.dstack((rgb, alpha))


@pytest.mark.parametrize(("colours", "bits", "extra"), KINDS)
def test_every_layout_is_read_to_the_same_pixels(colours: int, bits: int, extra: int | None):
    count = COLOURS[colours] + (extra is not None)
    samples = samples_of(count, bits, extra)
    expected = truth(samples, colours, bits, extra)
    off_by = 2 if colours == CMYK or (extra == 1 and bits == 8) else 0  # Pillow rounds these
    for layout in layouts(bits, count == 1):
        tags = {} if extra is None else {338: (3, [extra])}
        whole = replace(layout, tags=tags)
        try:
            picture = read_picture(tiff_file(samples, colours, whole))
        except InputError as error:  # bare planes of 8 bits, one of them without meaning
            assert (extra, bits, layout.planes, layout.compression) == (0, 8, True, NONE)
            assert "is a TIFF file of a rare layout" in str(error)
            continue
        parts = (picture.rgb,) if picture.alpha is None else (picture.rgb, picture.alpha)
        found = np.dstack(parts).astype(int)
        assert found.shape == expected.shape, layout
        assert np.abs(found - expected).max() <= off_by, layout
        assert picture.bit_depth == (16 if bits == 16 and colours != CMYK else 8)
        further = any("further samples" in note for note in picture.meta.notes)
        assert further == (extra == 0)


@pytest.mark.parametrize(("colours", "bits", "extra"), KINDS)
def test_tifffile_finds_the_same_samples_in_the_files(colours: int, bits: int, extra: int | None):
    """So the files say what they are meant to say; what ours makes of them is tested above."""
    count = COLOURS[colours] + (extra is not None)
    samples = samples_of(count, bits, extra)
    for layout in layouts(bits, count == 1):
        tags = {} if extra is None else {338: (3, [extra])}
        file = tiff_file(samples, colours, replace(layout, tags=tags))
        found = np.asarray(tifffile.imread(io.BytesIO(file)))
        if layout.planes:
            found = np.moveaxis(found, 0, -1)
        assert np.array_equal(found.reshape(samples.shape).astype(samples.dtype), samples), layout


@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("compression", [NONE, LZW, DEFLATE])
def test_ycbcr_is_converted(planes: bool, compression: int):
    slope = np.add.outer(np.arange(HEIGHT) * 5, np.arange(WIDTH) * 3)[..., None]
    samples = (slope * [1, 0, 0] + [30, 100, 150]).astype(np.uint8)
    bright, blue, red = np.moveaxis(samples.astype(float), 2, 0)
    blue, red = blue - 128, red - 128
    expected = [bright + 1.402 * red, bright - 0.3441 * blue - 0.7141 * red, bright + 1.772 * blue]
    layout = Layout(planes=planes, compression=compression, tags={530: (3, [1, 1])})
    found = read_picture(tiff_file(samples, YCBCR, layout)).rgb
    assert np.abs(found - np.clip(np.stack(expected, 2).round(), 0, 255)).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_samples_are_turned_upright_as_pillow_turns(orientation: int):
    turned = {274: (3, [orientation])}
    narrow = read_picture(tiff_file(NARROW[..., :3], RGB, Layout(tags=turned)))
    content = tiff_file(NARROW[..., :3], RGB, Layout(planes=True, tags=turned))
    assert np.array_equal(read_picture(content).rgb, narrow.rgb)


def test_a_further_sample_is_transparency_only_with_its_tag(tmp_path: Path):
    for bits, samples in ((8, NARROW), (16, WIDE)):
        path = tmp_path / f"{bits}.tif"
        path.write_bytes(tiff_file(samples, RGB, Layout(bits)))
        picture = read_picture(path)
        assert picture.alpha is None and not read_header(path).has_alpha
        assert np.array_equal(picture.rgb, samples[..., :3])
        assert picture.meta.notes == (
            "It holds further samples, such as infrared (1 a pixel), which were not read.",
        )


@pytest.mark.parametrize("compression", ["zstd", "tiff_lzma"])
def test_16_bits_are_read_from_newer_compressions(compression: str):
    # A grey picture twice as wide has the bytes of one with two samples a pixel.
    grey = WIDE[..., :2].copy().reshape(len(WIDE), -1)
    content = bytearray(encoded(Image.fromarray(grey), "TIFF", compression=compression))
    assert np.array_equal(read_picture(bytes(content)).rgb[..., 0], grey)


@pytest.mark.parametrize("big_tiff", [False, True])
def test_tiff_of_64_bit_offsets_is_read(big_tiff: bool):
    grey = Image.fromarray(WIDE[..., 0].copy())
    content = encoded(grey, "TIFF", big_tiff=big_tiff)
    assert (content[2] == 43) == big_tiff
    assert np.array_equal(read_picture(content).rgb[..., 0], WIDE[..., 0])


def test_grey_with_transparency_stays_so_in_16_bits():
    alpha = np.ascontiguousarray(WIDE[..., 1])
    picture = Picture(np.repeat(WIDE[..., :1], 3, 2), alpha, Metadata(grey=True))
    content, notes = encode_picture(picture, "tiff")
    again = read_picture(content)
    assert notes == () and again.meta.grey and again.alpha is not None
    assert np.array_equal(again.rgb, picture.rgb) and np.array_equal(again.alpha, alpha)


def test_a_thumbnail_before_the_photo_is_passed_over():
    whole = tiff_file(NARROW[..., :3], RGB)
    small = tiff_file(NARROW[:2, :3, :3], RGB, Layout(tags={254: (4, [1])}))
    # The small page behind the whole file, its offsets moved, and a link from it to the photo.
    picture = read_picture(linked(small, whole))
    assert np.array_equal(picture.rgb, NARROW[..., :3]) and picture.meta.notes == ()
    wide = tiff_file(WIDE[..., :3], RGB, Layout(16))
    assert np.array_equal(read_picture(linked(small, wide)).rgb, WIDE[..., :3])
