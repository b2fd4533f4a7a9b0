"""Reading: what is damaged, too large or no picture is refused in a sentence."""

import functools
import io
import struct
import sys
import types
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin, TiffImagePlugin

from remend.models.errors import InputError, RemendError
from remend.models.imaging.files import encode_picture, read_picture, read_size
from remend.models.imaging.header import open_picture
from remend.models.imaging.picture import Metadata, Picture
from tests.helpers.picture_files import (
    NARROW,
    PHOTOMETRIC,
    WIDE,
    encoded,
    plain_tiff,
)


def test_what_is_no_picture_is_one_sentence_that_names_the_file(tmp_path: Path):
    text, empty, missing = tmp_path / "text.png", tmp_path / "empty.jpg", tmp_path / "no.jpg"
    text.write_text("This is a shopping list.")
    empty.touch()
    for path, sentence in (
        (text, "is not a picture that Remend can read"),
        (empty, "is empty (0 bytes)"),
        (missing, "does not exist"),
        (tmp_path, "is a folder"),
        (text / "below.png", "cannot be read (Not a directory)"),
        (tmp_path / ("x" * 300 + ".png"), "cannot be read (File name too long)"),
    ):
        for read in (read_picture, read_size):
            with pytest.raises(InputError) as caught:
                read(path)
            assert str(caught.value).startswith(str(path)) and sentence in str(caught.value)
            assert "\n" not in str(caught.value)


def test_forbidden_files_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # the tests may run as root, who may read everything
    with pytest.raises(InputError, match="may not be read"):
        read_picture(tmp_path / "photo.png")


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF"])
def test_a_truncated_file_is_refused(file_format: str, tmp_path: Path):
    smooth = np.add.outer(np.arange(60), np.arange(80)).astype(np.uint8)
    whole = encoded(Image.fromarray(np.dstack([smooth] * 3)), file_format)
    path = tmp_path / f"photo.{file_format.lower()}"
    path.write_bytes(whole[: len(whole) * 3 // 4])

    with pytest.raises(InputError, match="is cut short or damaged"):
        read_picture(path)


@pytest.mark.parametrize("target", ["png", "tiff"])
def test_a_truncated_wide_file_is_refused(target: str):
    data, _ = encode_picture(Picture(WIDE[..., :3].copy()), target)

    for length in (len(data) // 2, len(data) - 20):
        with pytest.raises(InputError, match="is cut short or damaged"):
            read_picture(data[:length])


@functools.cache
def whole_files() -> dict[str, bytes]:
    rows, columns = np.mgrid[:40, :50]
    photo = np.stack((columns * 5, rows * 6, (rows * columns) % 256), -1).astype(np.uint8)
    exif = Image.Exif()
    exif[271], exif[274] = "Cam", 6
    exif[34665] = {0x9003: "2001:02:03 04:05:06", 0x927C: b"note" * 9}
    meta = Metadata(exif=exif.tobytes()[6:], xmp=b"<x/>", dpi=(300, 300))
    files = {}
    for suffix in ("jpg", "png", "webp", "tiff"):
        for depth in (8, 16):
            rgb = photo if depth == 8 else photo.astype(np.uint16) * 257
            picture = Picture(rgb.copy(), rgb[..., 0].copy(), meta)
            files[f"{suffix} {depth}"] = encode_picture(picture, suffix)[0]
    image = Image.fromarray(photo)
    files["gif"] = encoded(image, "GIF")
    files["bmp"] = encoded(image, "BMP")
    files["avif"] = encoded(image, "AVIF", exif=exif.tobytes())
    files["cmyk"] = encoded(image.convert("CMYK"), "JPEG")
    files["palette"] = encoded(image.quantize(16), "PNG", transparency=3)
    files["lzw"] = encoded(image, "TIFF", compression="tiff_lzw")
    files["progressive"] = encoded(image, "JPEG", progressive=True, exif=exif)
    return files


@pytest.mark.parametrize("number", range(15))
def test_damage_anywhere_gives_a_sentence_or_a_picture(number: int):
    assert len(whole_files()) == 15
    whole = list(whole_files().values())[number]
    generator = np.random.default_rng(len(whole))
    for attempt in range(60):
        damaged = bytearray(whole)
        if attempt % 2:
            del damaged[generator.integers(0, len(whole)) :]
        else:  # bytes anywhere, and as often in the first 400, where the headers are
            reach = len(whole) if attempt % 4 else min(400, len(whole))
            for place in generator.integers(0, reach, 4):
                damaged[place] = generator.integers(0, 256)
        try:
            picture = read_picture(bytes(damaged), max_megapixels=2)
            for target in ("jpg", "png", "webp", "tiff"):  # what came through can be written too
                encode_picture(picture, target, quality=50)
        except RemendError as error:
            assert "\n" not in str(error) and str(error).endswith(".")


def test_too_many_megapixels_are_refused_before_they_are_decoded():
    data = encoded(Image.new("L", (2000, 1000)), "PNG")

    assert read_picture(data, max_megapixels=2).megapixels == 2
    with pytest.raises(
        InputError, match=r"2000 x 1000 pixels = 2 megapixels, more than the limit of 1.5"
    ):
        read_picture(data, max_megapixels=1.5)


@pytest.mark.parametrize(
    ("side", "sentence"),
    [(25_000, "625 megapixels, more than the limit of 400"), (100_000, "more than 800 megapixels")],
)
def test_a_file_that_lies_about_its_size_costs_nothing(side: int, sentence: str):
    header = struct.pack(">LLBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    lie = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(content))
        + kind
        + content
        + struct.pack(">L", zlib.crc32(kind + content))
        for kind, content in ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    )
    with pytest.raises(InputError, match=sentence):
        read_picture(lie)


def test_what_is_whole_but_not_read_is_named():
    grey, colour = WIDE[..., :1], WIDE[..., :3].copy()
    numbers, lab = TiffImagePlugin.SAMPLEFORMAT, {PHOTOMETRIC: 8}
    cases = [
        (plain_tiff(grey.astype(np.uint32)), "holds 32-bit samples"),
        (plain_tiff(grey.astype(np.float32), {numbers: 3}), "holds 32-bit floating-point samples"),
        (plain_tiff(grey.astype(np.float16), {numbers: 3}), "holds 16-bit floating-point samples"),
        (plain_tiff(grey.copy(), {numbers: 2}), "holds signed 16-bit samples"),
        (plain_tiff(colour, {numbers: (2, 2, 2)}), "holds signed 16-bit samples"),
        (plain_tiff(colour, lab), "holds 16-bit Lab colours"),
        (plain_tiff(colour, {TiffImagePlugin.BITSPERSAMPLE: (12, 12, 12)}), "holds 12-bit samples"),
        (plain_tiff(colour, {TiffImagePlugin.COMPRESSION: 34_661}), "is compressed with JBIG"),
        (plain_tiff(colour, {TiffImagePlugin.COMPRESSION: 4711}), "is compressed with method 4711"),
        (plain_tiff(NARROW, {PHOTOMETRIC: 32_844}), "holds colours of kind 32844"),
        (plain_tiff(NARROW[..., :3].copy(), {PHOTOMETRIC: 6}), "holds subsampled YCbCr colours"),
        (b"\xff\xd8\xff\xc1\0\x0b\x0c\0\x10\0\x10\1\1\x11\0", "is a JPEG of 12 bits a colour"),
    ]
    for data, what in cases:
        with pytest.raises(InputError) as caught:
            read_picture(data)
        assert f" cannot be read: it {what}" in str(caught.value)
        assert "; save it with 8 or 16 whole-number bits a colour" in str(caught.value)


def test_a_raw_file_is_called_one_only_where_it_is():
    grey = WIDE[..., :1].copy()
    for tags in ({PHOTOMETRIC: 32_803}, {254: 1, 50_706: b"\1\4\0\0"}, {254: 1, 330: 8}):
        with pytest.raises(InputError, match="is a camera's raw file"):
            read_picture(plain_tiff(grey, tags))


def test_the_thumbnail_of_a_raw_file_is_not_taken_for_the_photo():
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    directory[254] = 1  # NewSubfileType: a reduced picture of another one
    with pytest.raises(InputError, match=r"only a reduced copy .* or in a raw converter"):
        read_picture(encoded(Image.new("RGB", (16, 12)), "TIFF", tiffinfo=directory))


def test_16_bit_printing_colours_are_read_with_a_note():
    picture = read_picture(plain_tiff(WIDE, {PHOTOMETRIC: 5}))

    assert picture.bit_depth == 8 and "16-bit CMYK" in picture.meta.notes[0]


def test_a_long_colour_profile_or_xmp_in_a_png_is_no_bomb():
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", "x" * 3_000_000, zip=True)

    picture = read_picture(encoded(Image.new("RGB", (4, 4)), "PNG", pnginfo=text))
    assert picture.meta.xmp is not None and len(picture.meta.xmp) == 3_000_000


def test_heic_needs_its_package_and_uses_it(monkeypatch: pytest.MonkeyPatch):
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(InputError, match=r"needs the package pillow-heif; install it with"):
        read_picture(heic)

    # Here rather than in the process that decodes: that one does not see what a test puts in place.
    opened = []
    package = types.ModuleType("pillow_heif")
    package.register_heif_opener = lambda: opened.append(True)  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "pillow_heif", package)
    with pytest.raises(InputError), open_picture(io.BytesIO(heic), "photo", None):
        pass
    assert opened == [True]
