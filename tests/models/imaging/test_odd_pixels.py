"""Pixels that Pillow or OpenCV alone would lose: rare BMP, animated PNG of 16 bits, transparent greys."""

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from remend.models.errors import InputError
from remend.models.imaging.files import encode_picture, read_header, read_picture
from tests.helpers.picture_files import NARROW, WIDE, encoded, wide_png

if TYPE_CHECKING:
    from tests.helpers.screen import Screen

PALETTE = np.random.default_rng(4).integers(0, 256, (16, 3), dtype=np.uint8)
RLE4, FIELDS, ALPHA_FIELDS = 2, 3, 6


def bmp(size: tuple[int, int], bits: int, compression: int, between: bytes, pixels: bytes) -> bytes:
    """A BITMAPINFOHEADER; ``between`` it and the pixels lie masks or a palette."""
    info = struct.pack("<IiiHHIIiiII", 40, *size, 1, bits, compression, len(pixels), 0, 0, 0, 0)
    start = 14 + len(info) + len(between)
    whole = info + between + pixels
    return b"BM" + struct.pack("<IHHI", 14 + len(whole), 0, 0, start) + whole


def palette() -> bytes:
    return b"".join(bytes([*colour[::-1], 0]) for colour in PALETTE)


def runs_of(indices: NDArray[Any]) -> bytes:
    """Rows from the bottom, each as an encoded run, literal pixels (odd and even many), and single runs."""
    packed = b""
    for row in indices[::-1]:
        packed += bytes([1, row[0] << 4])
        for begin, end in ((1, 6), (6, 12), (12, 15)):
            literal = row[begin:end]
            pairs = np.append(literal, 0)[: len(literal) + len(literal) % 2].reshape(-1, 2)
            data = bytes((pairs[:, 0] << 4 | pairs[:, 1]).tolist())
            packed += bytes([0, len(literal)]) + data + bytes(len(data) % 2)
        packed += b"".join(bytes([1, index << 4]) for index in row[15:]) + b"\0\0"
    return packed + b"\0\1"


INDICES = np.random.default_rng(5).integers(0, 16, (9, 19))


def rle4_bmp() -> bytes:
    return bmp((19, 9), 4, RLE4, palette(), runs_of(INDICES))


def test_run_lengths_of_4_bits_are_read():
    picture = read_picture(rle4_bmp())
    assert np.array_equal(picture.rgb, PALETTE[INDICES]) and picture.meta.notes == ()


def test_jumps_and_alternating_runs_are_read():
    packed = bytes([5, 0x12, 0, 2, 1, 2, 3, 0x33, 0, 1])  # 1 2 1 2 1; one right, two up; 3 3 3
    indices = np.zeros((3, 9), int)
    indices[2, :5], indices[0, 6:9] = [1, 2, 1, 2, 1], 3
    picture = read_picture(bmp((9, 3), 4, RLE4, palette(), packed))
    assert np.array_equal(picture.rgb, PALETTE[indices])


def test_run_lengths_without_an_end_are_damage():
    with pytest.raises(InputError, match="cut short or damaged"):
        read_picture(bmp((19, 9), 4, RLE4, palette(), bytes([9, 0x12] * 3)))


def fields_bmp(
    bits: int, widths: tuple[int, ...], order: str, topmost_first: bool = False
) -> tuple[bytes, list[tuple[int, Any]]]:
    """A BMP whose colours (red, green, blue, alpha) have so many bits; and each colour's values, 0 to 255."""
    masks, words, shift = {}, np.zeros((9, 7), np.uint64), 0
    stored = np.random.default_rng(6).integers(0, 2**16, (9, 7, 4)).astype(np.uint64)
    expected = []
    for place, width in sorted(enumerate(widths), key=lambda part: order.index("rgba"[part[0]])):
        top = 2**width - 1
        masks[place] = top << shift
        value = stored[..., place] & top
        words |= value << shift
        expected.append((place, value * 255 / top if top else None))
        shift += width
    rows = words if topmost_first else words[::-1]
    raw = b"".join(
        row.astype(f"<u{bits // 8}").tobytes().ljust(-(-7 * bits // 32) * 4, b"\0") for row in rows
    )
    alpha = widths[3] > 0
    between = struct.pack("<4I", *(masks[n] for n in range(4)))[: 16 if alpha else 12]
    kind = ALPHA_FIELDS if alpha else FIELDS
    return bmp((7, -9 if topmost_first else 9), bits, kind, between, raw), expected


@pytest.mark.parametrize(
    ("bits", "widths"),
    [
        (16, (5, 6, 5, 0)),
        (16, (5, 5, 5, 0)),
        (16, (4, 4, 4, 4)),
        (16, (5, 5, 5, 1)),
        (16, (2, 3, 4, 0)),
        (32, (8, 8, 8, 8)),
        (32, (8, 8, 8, 0)),
        (32, (10, 10, 10, 2)),
        (32, (9, 11, 12, 0)),
    ],
)
@pytest.mark.parametrize("order", ["rgba", "bgra", "abgr"])
@pytest.mark.parametrize("topmost_first", [False, True])
def test_bit_fields_are_read(bits: int, widths: tuple[int, ...], order: str, topmost_first: bool):
    content, expected = fields_bmp(bits, widths, order, topmost_first)
    picture = read_picture(content)
    assert (picture.alpha is not None) == (widths[3] > 0)
    for place, values in expected:
        if values is not None:
            found = picture.alpha if place == 3 else picture.rgb[..., place]
            assert found is not None and np.abs(found - values).max() <= 1
    assert picture.meta.notes == ()


@pytest.mark.parametrize("order", [(2, 1, 0, 3), (0, 1, 2, 3), (1, 2, 0, 3)])
@pytest.mark.parametrize("alpha", [0, 7])
def test_what_is_all_transparent_is_opaque_as_in_browsers(order: tuple[int, ...], alpha: int):
    pixels = NARROW.copy()
    pixels[..., 3] = alpha
    masks = [0xFF << 8 * order.index(place) for place in range(4)]
    info = struct.pack("<IiiHHIIiiII", 56, 7, -9, 1, 32, FIELDS, 0, 0, 0, 0, 0)
    info += struct.pack("<4I", *masks)
    content = b"BM" + struct.pack("<IHHI", 70 + pixels.nbytes, 0, 0, 70) + info
    picture = read_picture(content + pixels[..., order].tobytes())
    assert np.array_equal(picture.rgb, NARROW[..., :3])
    assert (picture.alpha is None) if alpha == 0 else (picture.alpha == 7).all()


def chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">L", len(content)) + name + content + struct.pack(">L", check)


def test_an_animated_png_of_16_bits_is_read_as_its_first_picture():
    still = wide_png(WIDE, 6)
    data = still[still.index(b"IDAT") + 4 : -16]
    control = struct.pack(">LLLLHHBB", 7, 9, 0, 0, 1, 10, 0, 0)
    other = zlib.compress(bytes(9 * (1 + 7 * 8)))
    animated = (
        still[:33]
        + chunk(b"acTL", struct.pack(">LL", 2, 0))
        + chunk(b"fcTL", bytes(4) + control)
        + chunk(b"IDAT", data)
        + chunk(b"fcTL", struct.pack(">L", 1) + control)
        + chunk(b"fdAT", struct.pack(">L", 2) + other)
        + chunk(b"IEND", b"")
    )
    picture = read_picture(animated)
    assert picture.alpha is not None
    assert np.array_equal(np.dstack((picture.rgb, picture.alpha)), WIDE)
    assert picture.meta.notes == ("Only the first of its pictures (frames, pages) was read.",)


def transparent_grey(bits: int) -> tuple[bytes, NDArray[Any], int]:
    """A PNG, its greys, and the one that is transparent."""
    values = np.random.default_rng(7).integers(0, 2**bits, (8, 16))
    if bits == 16:
        rows = [row.astype(">u2").tobytes() for row in values]
    else:
        spread = np.unpackbits(values[..., None].astype(np.uint8), axis=2)[..., 8 - bits :]
        rows = [bytes(row) for row in np.packbits(spread.reshape(8, -1), axis=1)]
    clear = int(values[3, 3])
    content = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">LLBBBBB", 16, 8, bits, 0, 0, 0, 0))
        + chunk(b"tRNS", struct.pack(">H", clear))
        + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
        + chunk(b"IEND", b"")
    )
    return content, values, clear


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_one_grey_is_transparent_in_every_depth(bits: int):
    content, values, clear = transparent_grey(bits)
    picture = read_picture(content)
    top = 65_535 if bits == 16 else 255
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, np.where(values == clear, 0, top))
    assert np.array_equal(picture.rgb[..., 0], values * top // (2**bits - 1))


SHOWN: dict[str, tuple[str, bytes]] = {
    "RLE4": ("bmp", rle4_bmp()),
    "5-6-5": ("bmp", fields_bmp(16, (5, 6, 5, 0), "bgra")[0]),
    "4-4-4": ("bmp", fields_bmp(16, (4, 4, 4, 0), "rgba")[0]),
    "2-3-4": ("bmp", fields_bmp(16, (2, 3, 4, 0), "abgr")[0]),
    "8-8-8": ("bmp", fields_bmp(32, (8, 8, 8, 0), "rgba")[0]),
    "10-10-10": ("bmp", fields_bmp(32, (10, 10, 10, 0), "bgra")[0]),
    "16 bits": ("png", wide_png(WIDE, 6)),
    "16 bits, opaque": ("png", wide_png(WIDE[..., :3].copy(), 2)),
    **{f"transparent grey of {bits}": ("png", transparent_grey(bits)[0]) for bits in (1, 2, 4, 8, 16)},
}  # fmt: skip


@pytest.mark.browser
@pytest.mark.parametrize("name", SHOWN)
def test_chromium_shows_the_same_pixels(name: str, screen: "Screen"):
    made, _ = encode_picture(read_picture(SHOWN[name][1]), "png")
    before, after = screen.show(SHOWN[name], ("png", made))
    assert before.shape == after.shape and np.ptp(before) > 100
    assert np.abs(before - after).max() <= 1  # rounding to 8 bits


def test_the_header_of_a_rewritten_file_is_that_of_its_picture(tmp_path: Any):
    path = tmp_path / "photo.bmp"
    path.write_bytes(bmp((19, 9), 4, RLE4, palette(), runs_of(np.zeros((9, 19), int))))
    assert read_header(path) == ((19, 9), 8, False)
    plain = encoded(Image.fromarray(NARROW[..., :3].copy()), "BMP")
    assert np.array_equal(read_picture(io.BytesIO(plain)).rgb, NARROW[..., :3])
