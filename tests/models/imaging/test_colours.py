"""Colours that a file names without a profile: real Chromium shows the result as it shows the photo."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from remend.app.batch.plan import Job
from remend.app.batch.work import OpenFiles
from remend.models.errors import InputError
from remend.models.imaging.colour.profiles import (
    SRGB_CURVE,
    SRGB_PRIMARIES,
    grey_profile,
    rgb_profile,
)
from remend.models.imaging.files import encode_picture, read_picture
from tests.helpers.picture_files import encoded
from tests.helpers.profiles import wide_gamut_profile
from tests.helpers.screen import Screen

HEIGHT, WIDTH = 64, 96
MOST_APART = 2.0  # of 255, on average
ROWS, COLUMNS = np.mgrid[:HEIGHT, :WIDTH]
RAMP = np.stack([COLUMNS * 255 // 95, ROWS * 255 // 63, (ROWS + COLUMNS) * 255 // 158], 2)
RGB = RAMP.astype(np.uint8)
P3 = (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
USUAL = (0.3127, 0.3290, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060)


def png(*chunks: tuple[bytes, bytes], depth: int = 8, grey: bool = False) -> bytes:
    samples = RGB[..., 0] if grey else RGB
    values = samples.astype(">u2") * 257 if depth == 16 else samples
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    header = struct.pack(">LLBBBBB", WIDTH, HEIGHT, depth, 0 if grey else 2, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(c)) + n + c + struct.pack(">L", zlib.crc32(n + c)) for n, c in parts
    )


def gama(share: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">L", round(share * 100_000))


def chrm(points: tuple[float, ...]) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8L", *(round(point * 100_000) for point in points))


def cicp(primaries: int, transfer: int) -> tuple[bytes, bytes]:
    return b"cICP", bytes((primaries, transfer, 0, 1))


def iccp(profile: bytes) -> tuple[bytes, bytes]:
    return b"iCCP", b"icc\0\0" + zlib.compress(profile)


def avif(primaries: int, transfer: int) -> bytes:
    content = bytearray(encoded(Image.fromarray(RGB), "AVIF", quality=95, subsampling="4:4:4"))
    struct.pack_into(">HH", content, content.index(b"colrnclx") + 8, primaries, transfer)
    return bytes(content)


def bmp(kind: bytes, profile: bytes = b"") -> bytes:
    """A BITMAPV5HEADER, its profile behind the pixels."""
    rows = b"".join(row[:, ::-1].tobytes() for row in RGB[::-1])
    info = struct.pack("<IiiHHIIiiII", 124, WIDTH, HEIGHT, 1, 24, 0, len(rows), 0, 0, 0, 0)
    info += struct.pack("<4I4s36x12xI", 0xFF0000, 0xFF00, 0xFF, 0, kind[::-1], 4)
    info += struct.pack("<III", 124 + len(rows) if profile else 0, len(profile), 0)
    start = 14 + len(info)
    whole = info + rows + profile
    return b"BM" + struct.pack("<IHHI", 14 + len(whole), 0, 0, start) + whole


def gif(profile: bytes) -> bytes:
    content = encoded(Image.fromarray(RGB).quantize(200), "GIF")
    start = 13 + 3 * 2 ** ((content[10] & 7) + 1)
    blocks = (profile[begin : begin + 255] for begin in range(0, len(profile), 255))
    packed = b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"
    return content[:start] + b"!\xff\x0bICCRGBG1012" + packed + content[start:]


PHOTOS: dict[str, tuple[str, bytes]] = {
    "gamma 1": ("png", png(gama(1))),
    "gamma 1, 16 bits": ("png", png(gama(1), depth=16)),
    "gamma 1, grey": ("png", png(gama(1), grey=True)),
    "gamma 1.8": ("png", png(gama(1 / 1.8))),
    "gamma of sRGB": ("png", png(gama(0.45455))),
    "gamma and primaries of sRGB": ("png", png(gama(0.45455), chrm(USUAL))),
    "gamma and wide primaries": ("png", png(gama(0.45455), chrm(P3))),
    "primaries alone": ("png", png(chrm(P3))),
    "sRGB before gamma": ("png", png((b"sRGB", b"\0"), gama(1), chrm(P3))),
    "profile before gamma": ("png", png(iccp(wide_gamut_profile()), gama(1))),
    "a gamma of nothing": ("png", png(gama(0))),
    "primaries of nothing": ("png", png(gama(1), chrm((0.0,) * 8))),
    **{
        f"cICP {primaries}/{transfer}": ("png", png(cicp(primaries, transfer)))
        for primaries in (1, 4, 5, 6, 8, 9, 11, 12, 22)
        for transfer in ((1, 2, 4, 5, 6, 7, 8, 13, 14, 17) if primaries in (1, 12) else (13,))
    },
    "cICP before a profile": ("png", png(cicp(12, 13), iccp(wide_gamut_profile()))),
    "cICP of sRGB before a profile": ("png", png(cicp(1, 13), iccp(wide_gamut_profile()))),
    "an unknown cICP before gamma": ("png", png(cicp(2, 2), gama(1))),
    "cICP PQ": ("png", png(cicp(9, 16))),
    "cICP PQ, 16 bits": ("png", png(cicp(9, 16), depth=16)),
    "cICP HLG, 16 bits": ("png", png(cicp(9, 18), depth=16)),
    **{
        f"nclx {primaries}/{transfer}": ("avif", avif(primaries, transfer))
        for primaries, transfer in (
            (1, 1), (1, 13), (2, 2), (12, 13), (12, 1), (12, 2), (9, 14), (9, 16), (9, 18), (1, 8),
            (1, 4), (1, 5), (5, 6),
        )
    },
    "BMP with a profile": ("bmp", bmp(b"MBED", wide_gamut_profile())),
    "BMP of sRGB": ("bmp", bmp(b"sRGB")),
}  # fmt: skip


@pytest.mark.browser
@pytest.mark.parametrize("name", PHOTOS)
def test_chromium_shows_the_result_as_it_shows_the_photo(name: str, screen: Screen):
    picture = read_picture(PHOTOS[name][1])
    results: dict[str, bytes] = {}
    for target in ("png", "webp", "jpg"):
        try:
            results[target], _ = encode_picture(picture, target, quality=100)
        except InputError as error:
            assert picture.meta.hdr and target != "png"
            assert "high dynamic range (" in str(error) and str(error).endswith("; write PNG.")
    before, *after = screen.show(PHOTOS[name], *results.items())
    for target, shown in zip(results, after, strict=True):
        apart = np.abs(shown - before).mean()
        assert apart <= MOST_APART, f"{name} as {target}: {apart:.2f} of 255"


@pytest.mark.browser
def test_the_screen_shows_that_colours_count(screen: Screen):
    names = ("gamma 1", "cICP 12/13", "nclx 9/18")
    plain, *coloured = screen.show(("png", png()), *(PHOTOS[name] for name in names))
    assert np.abs(plain - RGB).max() == 0
    assert all(np.abs(shown - plain).mean() > 5 for shown in coloured)


def test_what_means_srgb_gets_no_profile():
    for name in ("gamma of sRGB", "gamma and primaries of sRGB", "primaries alone", "nclx 1/1"):
        assert read_picture(PHOTOS[name][1]).meta.icc_profile is None


def test_the_profile_of_a_gif_is_kept_with_a_note():
    picture = read_picture(gif(wide_gamut_profile()))
    note = "Its colour profile, which browsers ignore in a GIF, was kept."
    assert picture.meta.icc_profile == wide_gamut_profile() and picture.meta.notes == (note,)
    assert read_picture(encode_picture(picture, "png")[0]).meta.icc_profile == wide_gamut_profile()


def test_damaged_colours_are_dropped_and_said_so():
    (note,) = read_picture(PHOTOS["primaries of nothing"][1]).meta.notes
    assert note == "The colours that the file names (gAMA, cHRM) are damaged; they were dropped."


@pytest.mark.parametrize("target", ["png", "jpg", "tiff", "webp"])
def test_a_high_dynamic_range_is_kept_or_refused(target: str):
    picture = read_picture(png(cicp(9, 16), depth=16))
    if target != "png":
        with pytest.raises(InputError, match=r"high dynamic range \(PQ\), which .* cannot hold"):
            encode_picture(picture, target)
        return
    for keep in (True, False):
        made, notes = encode_picture(picture, target, keep_metadata=keep)
        assert (
            notes == ()
            and made[33:49] == struct.pack(">L4s4B", 4, b"cICP", 9, 16, 0, 1) + made[45:49]
        )
        assert read_picture(made).meta.hdr == bytes((9, 16, 0, 1))
        assert np.array_equal(read_picture(made).rgb, picture.rgb)


def test_a_high_dynamic_range_is_refused_before_the_network(tmp_path: Path):
    source = tmp_path / "photo.png"
    source.write_bytes(png(cicp(9, 18), depth=16))
    files = OpenFiles()
    with pytest.raises(InputError, match=r"\(HLG\), which JPEG cannot hold"):
        files.picture(Job(source, tmp_path / "out.jpg"))
    assert files.picture(Job(source, tmp_path / "out.png")).meta.hdr == bytes((9, 18, 0, 1))


def test_a_made_profile_of_srgb_is_that_of_littlecms():
    made = ImageCms.ImageCmsProfile(io.BytesIO(rgb_profile(SRGB_PRIMARIES, SRGB_CURVE)))
    known = ImageCms.createProfile("sRGB")
    through = ImageCms.profileToProfile(Image.fromarray(RGB), made, known)  # pyright: ignore[reportArgumentType]
    assert through is not None
    assert np.abs(np.asarray(through).astype(int) - RGB).max() <= 1


def test_a_grey_profile_means_the_same_in_colour_channels():
    grey = png(gama(1), grey=True)
    picture = read_picture(grey)
    assert picture.meta.grey and picture.meta.icc_profile is not None
    for target in ("png", "webp"):  # with one channel, and with three
        made = encode_picture(picture, target, quality=100)[0]
        image = Image.open(io.BytesIO(made))
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        srgb = ImageCms.createProfile("sRGB")
        shown = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")  # pyright: ignore[reportArgumentType]
        assert shown is not None
        light = RGB[..., 0] / 255.0
        expected = np.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, 12.92 * light)
        assert np.abs(np.asarray(shown)[..., 1] / 255 - expected).mean() < 0.01
    assert grey_profile(SRGB_CURVE)[16:20] == b"GRAY"
