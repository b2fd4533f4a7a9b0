"""Small corrections to an EXIF block in place: orientation, thumbnail, pixel size.

Written because Pillow can only take an EXIF block apart and build a new one, which moves every
value (camera makers' notes hold offsets from the block's beginning and break) and turns letters
that are not ASCII into question marks. Here nothing moves. It is no EXIF reader; Pillow is.

The layout is that of TIFF 6.0, section 2: a header, then directories (IFD) of 12-byte entries.
"""

import struct
from typing import NamedTuple

_ORIENTATION = 0x0112
_EXIF_IFD = 0x8769
# Width and height as the picture's directory and the camera's (Exif) directory call them.
_WIDTHS, _HEIGHTS = (0x0100, 0xA002), (0x0101, 0xA003)
_THUMBNAIL_START, _THUMBNAIL_LENGTH = 0x0201, 0x0202
_LONG = 4


class _Entry(NamedTuple):
    position: int
    tag: int
    value: int  # of a SHORT or LONG; an offset otherwise


class _Directory(NamedTuple):
    position: int
    entries: list[_Entry]
    next_position: int  # where the offset of the next directory is written


def upright_exif(exif: bytes) -> bytes:
    """Remove the orientation and the thumbnail of an EXIF block.

    Args:
        exif: A TIFF-structured block without the ``Exif`` prefix.

    Returns:
        The block with every other value where it was; empty if nothing else was in it.

    Raises:
        ValueError: The block is damaged.
    """
    block = bytearray(exif)
    order = _byte_order(block)
    first = _directory(block, order, _number(block, order + "L", 4))
    _remove_thumbnail(block, order, first)
    for entry in first.entries:
        if entry.tag == _ORIENTATION:
            # The entries behind it and the link to the next directory move up; twelve spare bytes
            # stay.
            end = first.next_position + 4
            block[entry.position : end] = block[entry.position + 12 : end] + bytes(12)
            struct.pack_into(order + "H", block, first.position, len(first.entries) - 1)
            break
    return bytes(block) if _number(block, order + "H", first.position) else b""


def exif_of_size(exif: bytes, width: int, height: int) -> bytes:
    """Correct the pixel size wherever an EXIF block names it; nothing is added.

    Args:
        exif: A TIFF-structured block without the ``Exif`` prefix.
        width: Of the picture that the block goes with, in pixels.
        height: Likewise.

    Raises:
        ValueError: The block is damaged.
    """
    block = bytearray(exif)
    order = _byte_order(block)
    entries = _directory(block, order, _number(block, order + "L", 4)).entries
    for camera in [entry.value for entry in entries if entry.tag == _EXIF_IFD][:1]:
        entries = entries + _directory(block, order, camera).entries
    for entry in entries:
        if entry.tag in _WIDTHS + _HEIGHTS:
            size = width if entry.tag in _WIDTHS else height
            struct.pack_into(order + "HLL", block, entry.position + 2, _LONG, 1, size)
    return bytes(block)


def _remove_thumbnail(block: bytearray, order: str, first: _Directory) -> None:
    """Unlink the second directory and erase the thumbnail it points to."""
    position = _number(block, order + "L", first.next_position)
    struct.pack_into(order + "L", block, first.next_position, 0)
    try:
        second = {entry.tag: entry.value for entry in _directory(block, order, position).entries}
    except ValueError:
        return  # no second directory, or a broken one: unlinked is all it can be
    start, length = second.get(_THUMBNAIL_START, 0), second.get(_THUMBNAIL_LENGTH, 0)
    if start > first.next_position:
        length = max(0, min(length, len(block) - start))
        block[start : start + length] = bytes(length)
        if start + length == len(block):
            del block[start:]


def _byte_order(block: bytearray) -> str:
    orders = {b"II*\0": "<", b"MM\0*": ">"}
    order = orders.get(bytes(block[:4]))
    if order is None:
        raise ValueError("the EXIF block does not begin as one")
    return order


def _directory(block: bytearray, order: str, position: int) -> _Directory:
    if position < 8:
        raise ValueError("an EXIF directory lies inside the header")
    count = _number(block, order + "H", position)
    entries: list[_Entry] = []
    for start in range(position + 2, position + 2 + 12 * count, 12):
        tag, kind = _number(block, order + "H", start), _number(block, order + "H", start + 2)
        value = _number(block, order + ("L" if kind != 3 else "H"), start + 8)
        entries.append(_Entry(start, tag, value))
    next_position = position + 2 + 12 * count
    _number(block, order + "L", next_position)
    return _Directory(position, entries, next_position)


def _number(block: bytearray, kind: str, position: int) -> int:
    try:
        return struct.unpack_from(kind, block, position)[0]
    except struct.error as error:
        raise ValueError(f"the EXIF block ends before byte {position}") from error
