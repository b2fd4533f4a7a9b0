"""The samples of TIFF pages that Pillow cuts or mixes up: 16 bits, planes, grey with further samples.

libtiff undoes tiles, strips and compression, through Pillow, for a twin of the file: the same bytes with
another directory, by which each row of ``width`` pixels of C samples is a row of ``width * C`` grey pixels,
or each plane a grey picture. So every layout that libtiff knows is read in one way.
"""

import io
import struct
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, cast

import numpy as np
from PIL import TiffImagePlugin

from remend.models.imaging.picture import Pixels
from remend.models.imaging.tiff_files.kinds import FILL_ORDER, PLANES, PREDICTOR, bits_of

_STRIPS, _TILES = (273, 279), (324, 325)  # offsets and lengths
_WIDTH, _HEIGHT, _ROWS, _TILE_WIDTH, _TILE_HEIGHT = 256, 257, 278, 322, 323


def read_samples(image: TiffImagePlugin.TiffImageFile, stream: BinaryIO) -> Pixels:
    """Read all samples of the page where ``image`` stands.

    Args:
        image: Opened, with samples of 8 or of 16 bits each.
        stream: The whole file; its position moves.

    Returns:
        (H, W, C), uint8 or uint16, as stored: not upright, alpha multiplied or not, white 0 or not.

    Raises:
        ValueError, OSError: The file is damaged.
    """
    tags = image.tag_v2
    count, planes = len(bits_of(tags)), tags.get(PLANES, 1) == 2 and len(bits_of(tags)) > 1
    width, height = tags[_WIDTH], tags[_HEIGHT]
    stream.seek(0)
    content = stream.read()
    if planes:
        parts = [_grey(content, tags, plane, count, 1) for plane in range(count)]
        return np.stack(parts, axis=2)
    samples = _grey(content, tags, 0, 1, count).reshape(height, width, count)
    if tags.get(PREDICTOR, 1) == 2 and count > 1:  # each is the difference from its left neighbour
        step = tags.get(_TILE_WIDTH, width)
        samples = samples.copy()  # Pillow's is read-only
        for left in range(0, width, step):
            part = samples[:, left : left + step]
            np.add.accumulate(part, axis=1, dtype=part.dtype, out=part)
    return samples


def _grey(content: bytes, tags: Mapping[int, Any], plane: int, planes: int, samples: int) -> Pixels:
    """Decode one of several planes as a grey picture with ``samples`` pixels for each pixel."""
    offsets, lengths = _TILES if _TILES[0] in tags else _STRIPS
    pieces = len(tags[offsets]) // planes
    kept = slice(plane * pieces, (plane + 1) * pieces)
    plain = {
        _WIDTH: tags[_WIDTH] * samples,
        _HEIGHT: tags[_HEIGHT],
        258: bits_of(tags)[0],
        259: tags.get(259, 1),
        262: 1,
        FILL_ORDER: tags.get(FILL_ORDER, 1),
        277: 1,
        PREDICTOR: tags.get(PREDICTOR, 1) if samples == 1 else 1,
        offsets: tags[offsets][kept],
    }
    if lengths in tags:
        plain[lengths] = tags[lengths][kept]
    if _ROWS in tags:
        plain[_ROWS] = tags[_ROWS]
    if _TILE_WIDTH in tags:
        plain[_TILE_WIDTH] = tags[_TILE_WIDTH] * samples
        plain[_TILE_HEIGHT] = tags[_TILE_HEIGHT]
    order = "<" if content[:2] == b"II" else ">"
    begin = len(content) + len(content) % 2
    head = content[:2] + struct.pack(order + "HL", 42, begin)
    rest = memoryview(content)[len(head) :]
    twin = b"".join((head, rest, bytes(begin - len(content)), _directory(plain, begin, order)))
    # Not by Image.open, which would count the samples as pixels.
    with TiffImagePlugin.TiffImageFile(io.BytesIO(twin)) as grey:
        pixels = np.asarray(grey)
    if pixels.shape != (plain[_HEIGHT], plain[_WIDTH]):
        raise ValueError(f"its pixels are {pixels.shape}")
    return pixels.astype(np.uint16 if plain[258] == 16 else np.uint8, copy=False)


def _directory(tags: Mapping[int, Any], begin: int, order: str) -> bytes:
    """Pack a directory that lies at ``begin``, every value as a LONG (TIFF 6.0, section 2)."""
    entries, values = b"", b""
    behind = begin + 2 + 12 * len(tags) + 4
    for tag, value in sorted(tags.items()):
        numbers = cast("Sequence[int]", value if isinstance(value, Sequence) else (value,))
        packed = struct.pack(f"{order}{len(numbers)}L", *numbers)
        if len(packed) > 4:
            packed, values = struct.pack(order + "L", behind + len(values)), values + packed
        entries += struct.pack(order + "HHL", tag, 4, len(numbers)) + packed
    return struct.pack(order + "H", len(tags)) + entries + bytes(4) + values
