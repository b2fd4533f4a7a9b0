"""The parts that files are made of, in their order: chunks of PNG, blocks of GIF, boxes of AVIF and HEIC.

Only places and names; what is in a part is for others to read. A damaged file ends the walk.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CONTAINERS = {b"meta": 4, b"iprp": 0, b"ipco": 0}  # and the bytes before the first box in them


def png_chunks(stream: BinaryIO, *, longest: int = 2**24) -> Iterator[tuple[bytes, bytes]]:
    """Walk the chunks of a PNG (W3C PNG, 5.3): names and contents, those longer than ``longest`` left out.

    Args:
        stream: The file; its position moves.
        longest: In bytes.
    """
    stream.seek(len(PNG_SIGNATURE))
    while len(head := stream.read(8)) == 8:
        length, name = int.from_bytes(head[:4]), head[4:]
        if length <= longest:
            yield name, stream.read(length)
            stream.seek(4, 1)  # the checksum; Pillow looks at it
        else:
            stream.seek(length + 4, 1)
        if name == b"IEND":
            return


def png_file(chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Put chunks together to a PNG file."""
    return b"".join((PNG_SIGNATURE, *(png_chunk(*chunk) for chunk in chunks)))


def png_chunk(name: bytes, content: bytes) -> bytes:
    """Lay out one chunk, with its length and checksum."""
    check = zlib.crc32(content, zlib.crc32(name))
    return b"".join((struct.pack(">L", len(content)), name, content, struct.pack(">L", check)))


def gif_extensions(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Walk the application extensions of a GIF (GIF89a, 26): their eleven letters and their content.

    Args:
        stream: The file; its position moves.
    """
    stream.seek(10)
    flags = stream.read(3)[:1]
    if flags and flags[0] & 0x80:
        stream.seek(3 * 2 ** ((flags[0] & 7) + 1), 1)
    while kind := stream.read(1):
        if kind == b"!":
            label = stream.read(1)
            blocks = list(_blocks(stream))
            if label == b"\xff" and blocks:
                yield blocks[0], b"".join(blocks[1:])
        elif kind == b",":
            flags = stream.read(9)[8:]
            if flags and flags[0] & 0x80:
                stream.seek(3 * 2 ** ((flags[0] & 7) + 1), 1)
            stream.seek(1, 1)
            for _ in _blocks(stream):
                pass
        else:
            return


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    while length := stream.read(1):
        if length == b"\0":
            return
        yield stream.read(length[0])


def properties(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Walk the properties of the pictures of an AVIF or HEIC (ISO/IEC 23008-12, 9.3): names and contents.

    Args:
        stream: The file; its position moves.
    """
    end = stream.seek(0, 2)
    yield from _boxes(stream, 0, end)


def _boxes(stream: BinaryIO, position: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    while position + 8 <= end:
        stream.seek(position)
        head = stream.read(16)
        size, name, header = int.from_bytes(head[:4]), head[4:8], 8
        if size == 1:
            size, header = int.from_bytes(head[8:]), 16
        elif size == 0:
            size = end - position
        if size < header or position + size > end:
            return
        if name in _CONTAINERS:
            yield from _boxes(stream, position + header + _CONTAINERS[name], position + size)
        elif size < 2**22 and name not in (b"mdat", b"idat", b"moov"):
            stream.seek(position + header)
            yield name, stream.read(size - header)
        position += size
