"""Colour profiles through real files: kept, or used to convert; a useless one costs no picture."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from remend.models.imaging.files import encode_picture, read_picture
from remend.models.imaging.picture import Metadata, Picture
from tests.helpers.picture_files import encoded
from tests.helpers.profiles import cmyk_profile, grey_profile, wide_gamut_profile
from tests.models.imaging.test_metadata import small_photo


@pytest.mark.parametrize("target", ["jpg", "png", "webp", "tiff"])
def test_pixels_keep_their_own_wide_gamut(target: str):
    rgb = np.full((8, 8, 3), (0, 255, 0), np.uint8)  # a green that sRGB does not have
    data, _ = encode_picture(
        Picture(rgb, meta=Metadata(icc_profile=wide_gamut_profile())), target, quality=100
    )
    read = read_picture(data)

    assert np.abs(read.rgb.astype(int) - rgb).max() <= (2 if target == "jpg" else 0)
    assert read.meta.icc_profile == wide_gamut_profile()
    assert read.meta.notes == ()


@pytest.mark.parametrize("file_format", ["JPEG", "TIFF"])
def test_printing_colours_are_converted_through_their_own_profile(file_format: str):
    # Full cyan, which this press prints as middle grey; by plain sums it would be (0, 255, 255).
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    arguments = {"quality": 100} if file_format == "JPEG" else {}
    picture = read_picture(encoded(cyan, file_format, icc_profile=cmyk_profile(), **arguments))
    plain = read_picture(encoded(cyan, file_format, **arguments))

    assert np.abs(picture.rgb.astype(int) - 128).max() <= 2
    assert picture.meta.icc_profile is None
    assert picture.meta.notes == ("Its CMYK colours were converted to sRGB through their profile.",)
    assert np.abs(plain.rgb.astype(int) - (0, 255, 255)).max() <= 2
    assert plain.meta.notes == (
        "Its CMYK colours have no usable profile and became sRGB by plain sums.",
    )


@pytest.mark.parametrize("profile", [b"nonsense" * 40, wide_gamut_profile(), cmyk_profile()[:300]])
def test_a_useless_profile_of_printing_colours_costs_no_picture(profile: bytes):
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    picture = read_picture(encoded(cyan, "TIFF", icc_profile=profile))

    assert picture.rgb[0, 0].tolist() == [0, 255, 255]
    assert picture.meta.icc_profile is None
    assert "no usable profile" in picture.meta.notes[0]


def test_lab_becomes_srgb():
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    muted = (
        80 + small_photo() // 4
    )  # 8-bit Lab is coarse, most of all where a colour channel is dark
    stored = ImageCms.profileToProfile(Image.fromarray(muted), srgb, lab, outputMode="LAB")
    assert stored is not None
    picture = read_picture(encoded(stored, "TIFF"))

    assert np.abs(picture.rgb.astype(int) - muted).max() <= 3
    assert picture.meta.notes == ("Its Lab colours were converted to sRGB through their profile.",)


@pytest.mark.parametrize("target", ["jpg", "png", "tiff"])
def test_a_grey_profile_stays_with_grey_pixels(target: str):
    grey = Image.new("L", (8, 8), 99)
    picture = read_picture(encoded(grey, "PNG", icc_profile=grey_profile()))
    data, notes = encode_picture(picture, target)

    assert picture.meta.grey and notes == ()
    assert read_picture(data).meta.icc_profile == grey_profile()
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == "L"


def test_a_grey_profile_never_goes_with_colour_channels():
    picture = read_picture(encoded(Image.new("L", (8, 8)), "PNG", icc_profile=grey_profile()))
    data, notes = encode_picture(picture, "webp")
    channels = "WebP has no greys; the picture was written in colour channels."

    made = read_picture(data).meta.icc_profile
    assert made is not None and made[16:20] == b"RGB " and notes == (channels,)
    without = grey_profile().replace(b"kTRC", b"none")
    odd = read_picture(encoded(Image.new("L", (8, 8)), "PNG", icc_profile=without))
    data, notes = encode_picture(odd, "webp")
    assert read_picture(data).meta.icc_profile is None
    assert notes == (
        channels,
        "The grey profile does not fit the colour channels written; it was dropped.",
    )
    wrong = read_picture(encoded(Image.new("RGB", (8, 8)), "PNG", icc_profile=grey_profile()))
    assert wrong.meta.icc_profile is None
    assert "not for these pixels" in wrong.meta.notes[0]
