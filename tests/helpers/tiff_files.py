"""TIFF files laid out by hand (TIFF 6.0), from known samples: every layout, compression and colour."""

import itertools
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[Any]


@dataclass(frozen=True)
class Layout:
    """How samples become a file.

    Attributes:
        bits: To a sample: 1, 2, 4, 8, 16 or 32.
        planes: Each colour by itself rather than pixel by pixel.
        tiled: Tiles of 16 pixels rather than strips of 5 rows.
        compression: 1 none, 5 LZW, 8 Deflate, 32773 PackBits.
        predictor: 2 = differences of neighbours.
        order: ``<`` or ``>``.
        tags: Further tags: type (3 = SHORT, 4 = LONG) and values.
    """

    bits: int = 8
    planes: bool = False
    tiled: bool = False
    compression: int = 1
    predictor: int = 1
    order: Literal["<", ">"] = "<"
    tags: Mapping[int, tuple[int, Sequence[int]]] = field(default_factory=dict)


def tiff_file(samples: Samples, photometric: int, layout: Layout = Layout()) -> bytes:
    """Lay out (H, W, C) samples as a TIFF file."""
    height, width, count = samples.shape
    planes = [samples[..., n : n + 1] for n in range(count)] if layout.planes else [samples]
    pieces = [
        _compressed(_packed(piece, layout), layout.compression)
        for plane in planes
        for piece in _pieces(plane, layout.tiled)
    ]
    tags: dict[int, tuple[int, Sequence[int]]] = {
        256: (3, [width]),
        257: (3, [height]),
        258: (3, [layout.bits] * count),
        259: (3, [layout.compression]),
        262: (3, [photometric]),
        277: (3, [count]),
        284: (3, [1 + layout.planes]),
        **({317: (3, [layout.predictor])} if layout.predictor > 1 else {}),
        **({322: (3, [16]), 323: (3, [16])} if layout.tiled else {278: (3, [5])}),
        **layout.tags,
    }
    offsets, lengths = (324, 325) if layout.tiled else (273, 279)
    tags[lengths] = (4, [len(piece) for piece in pieces])
    places = [8, *itertools.accumulate((len(piece) for piece in pieces), initial=8)][1:-1]
    tags[offsets] = (4, places)
    pixels = b"".join(pieces)
    mark = b"II*\0" if layout.order == "<" else b"MM\0*"
    begin = 8 + len(pixels) + len(pixels) % 2
    head = mark + struct.pack(layout.order + "L", begin) + pixels + bytes(len(pixels) % 2)
    return head + _directory(tags, begin, layout.order)


def linked(first: bytes, second: bytes) -> bytes:
    """Make one file whose first page is ``first``'s and whose next one is ``second``'s."""
    moved = bytearray(second)
    base = len(first) + len(first) % 2
    begin = struct.unpack_from("<L", moved, 4)[0]
    number = struct.unpack_from("<H", moved, begin)[0]
    for entry in range(begin + 2, begin + 2 + 12 * number, 12):
        tag, kind, count, value = struct.unpack_from("<HHLL", moved, entry)
        if {3: 2, 4: 4}[kind] * count > 4:
            struct.pack_into("<L", moved, entry + 8, value + base)
            if tag in (273, 324):
                for place in range(value, value + 4 * count, 4):
                    offset = struct.unpack_from("<L", moved, place)[0]
                    struct.pack_into("<L", moved, place, offset + base)
        elif tag in (273, 324):
            struct.pack_into("<L", moved, entry + 8, value + base)
    head = bytearray(first.ljust(base, b"\0"))
    begin_first = struct.unpack_from("<L", head, 4)[0]
    number = struct.unpack_from("<H", head, begin_first)[0]
    struct.pack_into("<L", head, begin_first + 2 + 12 * number, begin + base)
    return bytes(head + moved)


def _directory(tags: dict[int, tuple[int, Sequence[int]]], begin: int, order: str) -> bytes:
    entries, values = b"", b""
    behind = begin + 2 + 12 * len(tags) + 4
    for tag, (kind, numbers) in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(numbers)}{'?BxHL'[kind]}", *numbers)
        if len(packed) > 4:
            where = struct.pack(order + "L", behind + len(values))
            values += packed + bytes(len(packed) % 2)
        else:
            where = packed.ljust(4, b"\0")
        entries += struct.pack(order + "HHL", tag, kind, len(numbers)) + where
    return struct.pack(order + "H", len(tags)) + entries + bytes(4) + values


def _pieces(plane: Samples, tiled: bool) -> Iterator[Samples]:
    height, width = plane.shape[:2]
    if not tiled:
        yield from (plane[top : top + 5] for top in range(0, height, 5))
        return
    whole = np.pad(plane, ((0, -height % 16), (0, -width % 16), (0, 0)), mode="edge")
    for top, left in itertools.product(range(0, height, 16), range(0, width, 16)):
        yield whole[top : top + 16, left : left + 16]


def _packed(piece: Samples, layout: Layout) -> bytes:
    piece = piece.copy()
    if layout.predictor == 2:
        piece[:, 1:] -= piece[:, :-1].copy()
    rows = piece.reshape(len(piece), -1)
    if layout.bits >= 8:
        return rows.astype(rows.dtype.newbyteorder(layout.order)).tobytes()
    bits = np.unpackbits(rows[..., None].astype(np.uint8), axis=2)[..., 8 - layout.bits :]
    return np.packbits(bits.reshape(len(rows), -1), axis=1).tobytes()


def _compressed(content: bytes, compression: int) -> bytes:
    match compression:
        case 5:  # literal codes of nine bits, and a new table before they would get ten
            codes = [256]
            for number, byte in enumerate(content):
                codes += [byte] if number % 200 else [256, byte]
            bits = "".join(f"{code:09b}" for code in (*codes, 257))
            return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8))
        case 8:
            return zlib.compress(content)
        case 32773:  # nothing but literal runs
            runs = (content[begin : begin + 128] for begin in range(0, len(content), 128))
            return b"".join(bytes([len(run) - 1]) + run for run in runs)
    return content
