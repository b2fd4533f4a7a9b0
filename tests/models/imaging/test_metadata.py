"""Metadata through real files: orientation is applied once, everything else arrives, damage costs nothing."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from remend.models.imaging.files import (
    encode_picture,
    open_photo,
    read_picture,
    read_size,
    write_picture,
)
from remend.models.imaging.metadata.collect import metadata_of
from remend.models.imaging.picture import Metadata, Picture
from tests.helpers.picture_files import encoded
from tests.helpers.profiles import wide_gamut_profile

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GPS = {1: "N", 2: (48.0, 8.0, 30.5), 3: "E", 4: (11.0, 34.0, 0.0)}
MAKER_NOTE = b"Maker\0" + bytes(range(90))
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description dc:title="Z\xc3\xbcrich"%s/></x:xmpmeta>'
)


def exif_with(orientation: int | None = None) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Cam"
    exif[ExifTags.Base.Artist] = "Ada"
    exif[ExifTags.IFD.Exif] = {0x9003: "2001:02:03 04:05:06", 0xA002: 9, 0xA003: 9}
    exif[ExifTags.IFD.Exif][ExifTags.Base.MakerNote] = MAKER_NOTE
    exif[ExifTags.IFD.GPSInfo] = GPS
    if orientation is not None:
        exif[ExifTags.Base.Orientation] = orientation
    return exif


def small_photo(width: int = 24, height: int = 16) -> np.ndarray[Any, np.dtype[np.uint8]]:
    rows, columns = np.mgrid[:height, :width]
    return np.stack((columns * 9, rows * 14, 255 - columns * 5), -1).astype(np.uint8)


def assert_exif_whole(exif: Image.Exif, size: tuple[int, int]) -> None:
    assert exif[ExifTags.Base.Make] == "Cam"
    assert ExifTags.Base.Orientation not in exif
    camera = exif.get_ifd(ExifTags.IFD.Exif)
    assert camera[0x9003] == "2001:02:03 04:05:06"
    assert camera[ExifTags.Base.MakerNote] == MAKER_NOTE
    assert (camera[0xA002], camera[0xA003]) == size
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    assert {
        tag: tuple(map(float, value)) if tag in (2, 4) else value for tag, value in gps.items()
    } == GPS


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_every_orientation_is_applied_once(file_format: str, orientation: int, tmp_path: Path):
    stored = Image.fromarray(small_photo())
    arguments = {
        "JPEG": {"quality": 100, "subsampling": 0},
        "AVIF": {"quality": 100, "subsampling": "4:4:4"},
        "WEBP": {"lossless": True},
    }.get(file_format, {})
    path = tmp_path / f"photo.{file_format.lower()}"
    stored.save(path, file_format, exif=exif_with(orientation).tobytes(), **arguments)
    # What the orientations mean: Exif 2.32, tag 0x0112; Pillow names the turns.
    turns = Image.Transpose
    turn = [
        None,
        None,
        turns.FLIP_LEFT_RIGHT,
        turns.ROTATE_180,
        turns.FLIP_TOP_BOTTOM,
        turns.TRANSPOSE,
        turns.ROTATE_270,
        turns.TRANSVERSE,
        turns.ROTATE_90,
    ][orientation]
    upright = np.asarray(stored if turn is None else stored.transpose(turn)).astype(int)

    picture = read_picture(path)
    assert picture.size == read_size(path) == upright.shape[1::-1]
    assert np.abs(picture.rgb - upright).max() <= (8 if file_format in ("JPEG", "AVIF") else 0)

    again = tmp_path / "again.png"
    write_picture(picture, again)
    assert np.array_equal(read_picture(again).rgb, picture.rgb)
    with Image.open(again) as image:
        assert_exif_whole(image.getexif(), picture.size)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("target", ["jpg", "png", "webp", "tiff"])
@pytest.mark.parametrize("origin", ["jpg", "png", "webp", "tiff"])
def test_metadata_goes_from_every_format_to_every_format(origin: str, target: str, depth: int):
    rgb = small_photo() if depth == 8 else small_photo().astype(np.uint16) * 257
    meta = Metadata(
        icc_profile=wide_gamut_profile(),
        exif=exif_with().tobytes()[6:],
        xmp=XMP % b' exif:PixelXDimension="9" tiff:ImageLength="9"',
        dpi=(300.0, 150.0),
    )
    first, _ = encode_picture(Picture(rgb, meta=meta), origin)
    read = read_picture(first)
    enlarged = Picture(np.repeat(read.rgb, 2, axis=0), meta=read.meta)
    second, notes = encode_picture(enlarged, target)

    with Image.open(io.BytesIO(second)) as image:
        image.load()
        assert image.size == (24, 32)
        assert image.info["icc_profile"] == wide_gamut_profile()
        assert_exif_whole(image.getexif(), (24, 32))
        assert image.info["xmp"] == XMP % b' exif:PixelXDimension="24" tiff:ImageLength="32"'
        if "webp" not in (origin, target):
            assert tuple(map(float, image.info["dpi"])) == pytest.approx((300, 150), abs=0.02)
    assert not any("dropped" in note for note in notes)
    again = read_picture(second).meta
    assert (again.icc_profile, again.xmp) == (wide_gamut_profile(), image.info["xmp"])


@pytest.mark.parametrize("target", ["jpg", "png", "webp", "tiff"])
def test_metadata_is_left_out_on_request_but_not_what_the_colours_mean(target: str):
    meta = Metadata(wide_gamut_profile(), exif_with().tobytes()[6:], XMP % b"", (300.0, 300.0))
    data, notes = encode_picture(Picture(small_photo(), meta=meta), target, keep_metadata=False)

    read = read_picture(data).meta
    assert (read.exif, read.xmp, read.dpi, notes) == (None, None, None, ())
    assert read.icc_profile == wide_gamut_profile()
    assert b"Cam" not in data and b"rich" not in data


def test_text_that_is_not_ascii_survives_jpeg_and_tiff():
    name = "Jörg Weiß"
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = name.encode()  # EXIF says ASCII; cameras write UTF-8
    photo = read_picture(encoded(Image.fromarray(small_photo()), "JPEG", exif=exif))

    for target in ("jpg", "tiff", "png"):
        data, _ = encode_picture(photo, target)
        assert name.encode() in data
        with Image.open(io.BytesIO(data)) as image:
            assert image.getexif()[ExifTags.Base.Artist].encode("latin-1").decode() == name


def with_xmp(file_format: str, xmp: bytes, **arguments: Any) -> bytes:
    arguments |= {"tiffinfo": {700: xmp}} if file_format == "TIFF" else {"xmp": xmp}
    if file_format == "WEBP":
        arguments["lossless"] = True
    return encoded(Image.fromarray(small_photo()), file_format, **arguments)


@pytest.mark.parametrize("file_format", ["WEBP", "AVIF", "TIFF", "JPEG"])
def test_an_orientation_in_xmp_alone_turns_nothing_as_in_browsers(file_format: str):
    for text in (
        b' tiff:Orientation="6"',
        b"><tiff:Orientation>6</tiff:Orientation></rdf:Description",
    ):
        content = with_xmp(file_format, XMP % text)
        picture = read_picture(content)
        assert picture.size == read_size_of(content) == (24, 16)
        off_by = 0 if file_format in ("WEBP", "TIFF") else 40
        assert np.abs(picture.rgb.astype(int) - small_photo()).max() <= off_by
        # Programs that go by it turn the result as they turned the photo.
        assert picture.meta.xmp == XMP % text


@pytest.mark.parametrize("orientation", [1, 6])
def test_where_exif_names_an_orientation_xmp_keeps_none(orientation: int):
    xmp = XMP % b' tiff:Orientation="6"'
    turned = {700: xmp, 274: orientation}
    for content in (
        with_xmp("WEBP", xmp, exif=exif_with(orientation).tobytes()),
        encoded(Image.fromarray(small_photo()), "TIFF", tiffinfo=turned),
    ):
        picture = read_picture(content)
        assert picture.size == ((24, 16) if orientation == 1 else (16, 24))
        assert picture.meta.xmp is not None
        assert picture.meta.xmp.replace(b" />", b"/>") == XMP % b""


def read_size_of(content: bytes) -> tuple[int, int]:
    with open_photo(content) as photo:
        return photo.header.size


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("exif_is_early", [False, True])
def test_metadata_behind_the_pixels_of_a_png_is_found(depth: int, exif_is_early: bool):
    def chunks(**arguments: Any) -> bytes:
        tagged = encoded(Image.new("L", (1, 1)), "PNG", **arguments)
        return tagged[33 : tagged.rindex(b"IDAT") - 4]  # what lies between header and pixels

    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP % b"")
    early, late = chunks(exif=exif_with(6)), chunks(pnginfo=text)
    if not exif_is_early:
        early, late = b"", early + late
    rgb = small_photo() if depth == 8 else small_photo().astype(np.uint16) * 257
    data, _ = encode_picture(Picture(rgb), "png")
    end = data.rindex(b"IEND") - 4
    picture = read_picture(data[:33] + early + data[33:end] + late + data[end:])

    assert picture.size == (16, 24)
    assert picture.meta.xmp == XMP % b""
    assert picture.meta.exif is not None and b"Cam" in picture.meta.exif


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_damaged_metadata_is_dropped_and_said_so(file_format: str):
    image = Image.fromarray(small_photo())
    damaged = encoded(
        image, file_format, exif=b"Exif\0\0II*\0\xff\xff\xff\x7f", icc_profile=b"?" * 200
    )
    picture = read_picture(damaged)

    assert picture.size == image.size
    assert (picture.meta.exif, picture.meta.icc_profile) == (None, None)
    assert sorted(picture.meta.notes) == [
        "The EXIF data is damaged; it was dropped.",
        "The colour profile is damaged or not for these pixels; it was dropped.",
    ]


def test_exif_that_pillow_cannot_write_is_dropped_from_a_tiff():
    # The GPS version as text instead of bytes: Pillow's reader accepts that, its writer does not.
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Cam"
    exif[ExifTags.IFD.GPSInfo] = {0: b"\2\3\0\0"}
    block = exif.tobytes()[6:]
    as_bytes, as_text = (struct.pack(">HHL", 0, kind, 4) for kind in (1, 2))
    assert block.count(as_bytes) == 1
    picture = Picture(small_photo(), meta=Metadata(exif=block.replace(as_bytes, as_text)))

    for target in ("jpg", "png", "webp"):
        data, notes = encode_picture(picture, target)
        assert read_picture(data).meta.exif == picture.meta.exif and notes == ()
    data, notes = encode_picture(picture, "tiff")
    assert notes == ("The EXIF data is damaged; it was dropped.",)
    assert np.array_equal(read_picture(data).rgb, picture.rgb)


def test_metadata_too_long_for_a_jpeg_is_dropped_and_said_so():
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "x" * 70_000
    meta = Metadata(exif=exif.tobytes()[6:], xmp=b"<x>" + b"y" * 70_000 + b"</x>")
    picture = Picture(small_photo(), meta=meta)
    data, notes = encode_picture(picture, "jpg")

    assert notes == ("The EXIF data is longer than a JPEG can hold (64 KiB); it was dropped.",)
    assert read_picture(data).meta.exif is None
    assert read_picture(data).meta.xmp_extension == meta.xmp  # which is as long as one likes
    for target in ("png", "tiff", "webp"):
        data, notes = encode_picture(picture, target)
        assert notes == () and read_picture(data).meta.xmp == meta.xmp


def test_webp_says_that_it_holds_no_resolution():
    picture = Picture(small_photo(), meta=Metadata(dpi=(300.0, 300.0)))
    _, notes = encode_picture(picture, "webp")

    assert notes == ("WebP holds no resolution; the dpi value was dropped.",)


@pytest.mark.parametrize("dpi", [(0, 0), (float("nan"), 72), (1e9, 1e9)])
def test_a_nonsensical_resolution_is_dropped(dpi: tuple[float, float]):
    stored = encoded(Image.fromarray(small_photo()), "TIFF")
    with Image.open(io.BytesIO(stored)) as image:
        image.info["dpi"] = dpi
        assert metadata_of(image, io.BytesIO(stored), grey=False).dpi is None
