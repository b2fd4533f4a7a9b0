"""Reading: every kind of file that cameras, scanners and programs write, and every kind of damage."""

import functools
import io
import struct
import sys
import types
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

from remend.models.errors import InputError, RemendError
from remend.models.imaging.files import encode_picture, read_picture, read_size, write_picture
from remend.models.imaging.picture import Metadata, Picture

PHOTOMETRIC = TiffImagePlugin.PHOTOMETRIC_INTERPRETATION
GENERATOR = np.random.default_rng(20)
WIDE = GENERATOR.integers(0, 65_536, (9, 7, 4), dtype=np.uint16)
NARROW = GENERATOR.integers(0, 256, (9, 7, 4), dtype=np.uint8)


def encoded(image: Image.Image, file_format: str, **arguments: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **arguments)
    return file.getvalue()


def wide_png(
    samples: np.ndarray[Any, Any], colour_type: int, *chunks: tuple[bytes, bytes]
) -> bytes:
    """Lay out a 16-bit PNG by hand (W3C PNG, section 11), interlaced or filtered in no way."""
    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    header = struct.pack(">LLBBBBB", width, height, 16, colour_type, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(content))
        + name
        + content
        + struct.pack(">L", zlib.crc32(name + content))
        for name, content in parts
    )


def plain_tiff(samples: np.ndarray[Any, Any], tags: dict[int, Any] | None = None) -> bytes:
    """Lay out an uncompressed TIFF of one strip, with these tags beside or instead of the usual ones."""
    height, width, count = samples.shape
    directory = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    directory[TiffImagePlugin.IMAGEWIDTH] = width
    directory[TiffImagePlugin.IMAGELENGTH] = height
    directory[TiffImagePlugin.BITSPERSAMPLE] = (8 * samples.dtype.itemsize,) * count
    directory[TiffImagePlugin.COMPRESSION] = 1
    directory[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = 2 if count > 2 else 1
    directory[TiffImagePlugin.SAMPLESPERPIXEL] = count
    for tag, value in (tags or {}).items():
        directory[tag] = value
    directory.tagtype[TiffImagePlugin.STRIPOFFSETS] = 4
    directory[TiffImagePlugin.STRIPOFFSETS] = 0
    directory[TiffImagePlugin.STRIPBYTECOUNTS] = samples.nbytes
    file = io.BytesIO()
    directory.save(file)
    return file.getvalue() + samples.tobytes()


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


def test_tiffs_of_other_kinds_are_refused_with_a_reason():
    grey = WIDE[..., :1]
    cases = [
        (plain_tiff(grey.astype(np.uint32)), "32-bit"),
        (plain_tiff(grey.astype(np.float32), {TiffImagePlugin.SAMPLEFORMAT: 3}), "32-bit"),
        (plain_tiff(grey.copy(), {TiffImagePlugin.SAMPLEFORMAT: 2}), "signed samples"),
        (
            plain_tiff(WIDE[..., :3].copy(), {TiffImagePlugin.PLANAR_CONFIGURATION: 2}),
            "separate planes",
        ),
    ]
    for data, reason in cases:
        with pytest.raises(InputError, match=reason):
            read_picture(data)


def test_the_thumbnail_of_a_raw_file_is_not_taken_for_the_photo():
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    directory[254] = 1  # NewSubfileType: a reduced picture of another one
    with pytest.raises(InputError, match="raw"):
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

    opened = []
    package = types.ModuleType("pillow_heif")
    package.register_heif_opener = lambda: opened.append(True)  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "pillow_heif", package)
    with pytest.raises(InputError):
        read_picture(heic)
    assert opened == [True]
