"""BMP files that Pillow refuses or mixes up, written again as ones that it reads: RLE4, and odd bit fields.

Sources: Microsoft's "Bitmap Compression" (RLE4) and ``BITMAPV5HEADER`` (masks, profile). Browsers show both.
"""

import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_FILE_HEADER = 14
_RLE4, _FIELDS, _ALPHA_FIELDS = 2, 3, 6
_PLAIN_FIELDS = {
    16: {(0xF800, 0x7E0, 0x1F, 0), (0x7C00, 0x3E0, 0x1F, 0)},
    32: {
        (0xFF0000, 0xFF00, 0xFF, 0), (0xFF000000, 0xFF0000, 0xFF00, 0),
        (0xFF, 0xFF00, 0xFF0000, 0xFF000000), (0xFF0000, 0xFF00, 0xFF, 0xFF000000),
    },
}  # fmt: skip
_MASKS = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
_MOST_PIXELS = 800_000_000
_V3, _V4, _V5 = 56, 108, 124  # bytes of headers: with masks, with colours, with a profile


def is_bmp(head: bytes) -> bool:
    """Whether a file begins as a BMP does."""
    return head[:2] == b"BM"


def plain_bmp(content: bytes) -> bytes | None:
    """Write a whole BMP file again without what Pillow does not read; None = there is nothing of that.

    Raises:
        ValueError: The file is damaged.
    """
    if len(content) < _FILE_HEADER + 40:
        return None
    (offset, size, width, height, _, bits, compression) = struct.unpack_from(
        "<IIiiHHI", content, 10
    )
    height = abs(height)
    if size < 40 or not 0 < width * height <= _MOST_PIXELS:
        return None
    header = bytearray(content[_FILE_HEADER : _FILE_HEADER + size])
    if compression == _RLE4 and bits == 4:
        rows = _unpacked(content[offset:], width, height)
        palette = content[_FILE_HEADER + size : offset]
        struct.pack_into("<HII", header, 14, 8, 0, 0)
        struct.pack_into("<I", header, 32, 256)  # Pillow reads two greys as one bit a pixel
        return _file(header, palette[: 4 * 256].ljust(4 * 256, b"\0"), rows)
    masks = content[_FILE_HEADER + 40 : _FILE_HEADER + 40 + 16]
    if compression in (_FIELDS, _ALPHA_FIELDS) and bits in (16, 32) and len(masks) == 16:
        fields = struct.unpack("<4I", masks)
        if size < _V3 and compression == _FIELDS:
            fields = (*fields[:3], 0)
        plain = fields in _PLAIN_FIELDS[bits] and compression == _FIELDS
        if plain and not fields[3]:
            return None
        pixels = np.frombuffer(content, f"<u{bits // 8}", offset=offset)
        stride = -(-width * bits // 32) * 32 // bits
        if len(pixels) < stride * height:
            raise ValueError(f"{len(content)} bytes are too few")
        if plain and (pixels & fields[3]).any():
            return None  # else it would be all transparent, which browsers take for opaque
        rows = _separated(pixels[: stride * height].reshape(height, stride)[:, :width], fields)
        header = header.ljust(_V3, b"\0")
        struct.pack_into("<I", header, 0, len(header))
        struct.pack_into("<HII", header, 14, 32, _FIELDS, 0)
        header[40:56] = _MASKS
        if not rows[..., 3].any():
            struct.pack_into("<I", header, 52, 0)
        return _file(header, b"", rows, _profile_of(content, header))
    return None


def _profile_of(content: bytes, header: bytearray) -> bytes:
    if len(header) < _V5:
        return b""
    start, length = struct.unpack_from("<II", header, 112)
    return content[_FILE_HEADER + start :][:length]


def _file(
    header: bytearray, palette: bytes, rows: NDArray[np.uint8], profile: bytes = b""
) -> bytes:
    row_bytes = rows.reshape(len(rows), -1)
    pixels = np.pad(row_bytes, ((0, 0), (0, -row_bytes.shape[1] % 4))).tobytes()
    offset = _FILE_HEADER + len(header) + len(palette)
    if profile:
        struct.pack_into("<II", header, 112, len(header) + len(pixels), len(profile))
    content = b"".join((header, palette, pixels, profile))
    return b"BM" + struct.pack("<IHHI", _FILE_HEADER + len(content), 0, 0, offset) + content


def _separated(pixels: NDArray[np.uint16 | np.uint32], masks: tuple[int, ...]) -> NDArray[np.uint8]:
    """Take (H, W) pixels apart into (H, W, 4): blue, green, red, alpha, each scaled to 8 bits."""
    parts = np.zeros((*pixels.shape, 4), np.uint8)
    for place, mask in zip((2, 1, 0, 3), masks, strict=True):
        if mask:
            shift = (mask & -mask).bit_length() - 1
            top = mask >> shift
            values = (pixels.astype(np.uint64) & mask) >> shift
            parts[..., place] = (values * 255 + top // 2) // top
    return parts


def _unpacked(packed: bytes, width: int, height: int) -> NDArray[np.uint8]:
    """Undo run lengths of 4 bits: (H, W) indices into the palette, in the order of the file's rows."""
    rows = np.zeros((height, width), np.uint8)
    x = y = 0
    for run, indices in _runs(packed):
        if indices is None:  # a jump
            x, y = (0, y + 1) if run == (0, 1) else (x + run[0], y + run[1])
        elif y < height:
            end = min(width, x + len(indices))
            rows[y, x:end] = indices[: max(0, end - x)]
            x = end
        if y >= height:
            break
    return rows


def _runs(packed: bytes) -> Iterator[tuple[tuple[int, int], NDArray[np.uint8] | None]]:
    """Each run of indices, or None and how far to jump: (0, 1) = to the beginning of the next row."""
    place = 0
    while place + 1 < len(packed):
        count, value = packed[place : place + 2]
        place += 2
        if count:
            yield (0, 0), np.array([value >> 4, value & 15] * count, np.uint8)[:count]
        elif value == 0:
            yield (0, 1), None
        elif value == 1:
            return
        elif value == 2:
            across, down = packed[place : place + 2].ljust(2, b"\0")
            place += 2
            yield (across, down), None
        else:
            pairs = np.frombuffer(packed[place : place + (value + 1) // 2], np.uint8)
            yield (0, 0), np.dstack((pairs >> 4, pairs & 15)).astype(np.uint8).reshape(-1)[:value]
            place += -(-value // 4) * 2  # whole words
    raise ValueError("its run lengths have no end")
