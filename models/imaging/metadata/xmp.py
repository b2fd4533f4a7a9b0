"""XMP packets as text: orientation, pixel size, promises that no longer hold, and the extension of a JPEG.

A packet is never parsed and written anew, which would rename and reorder what programs have put there; what
must change is changed in place. Source: Adobe's XMP specification, part 3, 1.1.3.1 (extended XMP).
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

JPEG_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION_PREFIX = b"http://ns.adobe.com/xmp/extension/\0"
_EXTENSION_HEAD = len(EXTENSION_PREFIX) + 32 + 4 + 4  # name, whole length, offset
_CHUNK = 65_400  # bytes of an extension to a segment, as Adobe writes them

_ORIENTATION = re.compile(
    rb"\s*tiff:Orientation=(?:\"[^\"]*\"|'[^']*')|<tiff:Orientation>[^<]*</tiff:Orientation>"
)
_WIDTH = re.compile(rb"((?:exif:PixelXDimension|tiff:ImageWidth)(?:=[\"']|>))\d+")
_HEIGHT = re.compile(rb"((?:exif:PixelYDimension|tiff:ImageLength)(?:=[\"']|>))\d+")
_HAS_EXTENSION = re.compile(rb"xmpNote:HasExtendedXMP(?:=[\"']|>)([0-9A-Fa-f]{32})")
_NOTE_OF_EXTENSION = re.compile(
    rb"\s*xmpNote:HasExtendedXMP=(?:\"[^\"]*\"|'[^']*')"
    rb"|<xmpNote:HasExtendedXMP>[^<]*</xmpNote:HasExtendedXMP>"
)
_RDF = re.compile(rb"<rdf:RDF[^>]*>(.*)</rdf:RDF>", re.DOTALL)

_GAIN_MAP, _VIDEO = "Its gain map (HDR) was not kept.", "Its video was not kept."
_PROMISES = {
    b"http://ns.adobe.com/hdr-gain-map/1.0/": _GAIN_MAP,
    b"http://ns.apple.com/HDRGainMap/1.0/": _GAIN_MAP,
    b"http://ns.google.com/photos/1.0/container/": "",
    b"http://ns.google.com/photos/1.0/container/item/": "",
    b"http://ns.google.com/photos/1.0/camera/": _VIDEO,
}
_CAMERA = rb"(?:MotionPhoto|MicroVideo)\w*"  # its other properties are about the photo
_GAIN_ITEM, _VIDEO_ITEM = (
    re.compile(rb"[\"'>]GainMap[\"'<]"),
    re.compile(rb"[\"'>]MotionPhoto[\"'<]"),
)


class Promises(NamedTuple):
    """A packet without what belonged to parts that are gone, and sentences about those."""

    packet: bytes
    notes: tuple[str, ...]


def without_orientation(packet: bytes) -> bytes:
    """Leave out the orientation, for pixels that are upright."""
    return _ORIENTATION.sub(b"", packet)


def of_size(packet: bytes, width: int, height: int) -> bytes:
    """Correct the pixel size wherever the packet names it."""
    packet = _WIDTH.sub(rb"\g<1>%d" % width, packet)
    return _HEIGHT.sub(rb"\g<1>%d" % height, packet)


def without_promises(packet: bytes) -> Promises:
    """Leave out gain maps, motion videos and directories of further pictures, which are not written."""
    notes: list[str] = []
    for pattern, note in ((_GAIN_ITEM, _GAIN_MAP), (_VIDEO_ITEM, _VIDEO)):
        if pattern.search(packet):
            notes.append(note)
    for address, note in _PROMISES.items():
        found = re.search(rb"xmlns:([\w.-]+)=[\"']" + re.escape(address) + rb"[\"']", packet)
        if not found:
            continue
        names = _CAMERA if note == _VIDEO else rb"[\w.-]+"
        name = re.escape(found[1]) + b":" + names
        shorter = re.sub(
            rb"\s+" + name + rb"\s*=\s*(?:\"[^\"]*\"|'[^']*')"
            rb"|<(" + name + rb")(?:\s[^>]*)?(?:/>|>.*?</\1\s*>)",
            b"",
            packet,
            flags=re.DOTALL,
        )
        if shorter != packet and note:
            notes.append(note)
        packet = shorter
    return Promises(packet, tuple(dict.fromkeys(notes)))


def extension_of(packet: bytes, segments: Iterable[bytes]) -> bytes | None:
    """Join the parts of a JPEG's extension that the packet names; None = it names none, or parts are missing.

    Args:
        packet: The main packet.
        segments: Contents of the JPEG's APP1 segments.
    """
    named = _HAS_EXTENSION.search(packet)
    if not named:
        return None
    parts: dict[int, bytes] = {}
    length = 0
    for segment in segments:
        if segment.startswith(EXTENSION_PREFIX + named[1]):
            numbers = segment[_EXTENSION_HEAD - 8 : _EXTENSION_HEAD]
            length = int.from_bytes(numbers[:4])
            parts[int.from_bytes(numbers[4:])] = segment[_EXTENSION_HEAD:]
    whole = b"".join(parts[offset] for offset in sorted(parts))
    return whole if whole and len(whole) == length else None


def jpeg_segments(packet: bytes, extension: bytes | None) -> Iterator[bytes]:
    """Lay a packet out as the contents of APP1 segments; a packet that is too long becomes an extension."""
    if extension is None and len(JPEG_PREFIX + packet) > 65_533:
        extension = packet
        packet = (
            b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
            b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
            b'rdf:about="" xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="%s"/>'
            b"</rdf:RDF></x:xmpmeta>"
        ) % _name(extension)
    yield JPEG_PREFIX + packet
    for start in range(0, len(extension or b""), _CHUNK):
        assert extension is not None
        numbers = len(extension).to_bytes(4) + start.to_bytes(4)
        yield EXTENSION_PREFIX + _name(extension) + numbers + extension[start : start + _CHUNK]


def merged(packet: bytes, extension: bytes) -> bytes | None:
    """Put the descriptions of an extension into the packet; None = they cannot be found.

    An extension is a packet of its own with the same name, so its descriptions stand beside the others.
    """
    more, end = _RDF.search(extension), packet.rfind(b"</rdf:RDF>")
    if more is None or end < 0:
        return None
    return _NOTE_OF_EXTENSION.sub(b"", packet[:end] + more[1] + packet[end:])


def renamed(packet: bytes, extension: bytes) -> bytes:
    """Name a changed extension in the packet; the name is a checksum."""
    return _HAS_EXTENSION.sub(
        lambda found: found[0].replace(found[1], _name(extension)), packet, count=1
    )


def _name(extension: bytes) -> bytes:
    return hashlib.md5(extension, usedforsecurity=False).hexdigest().upper().encode()
