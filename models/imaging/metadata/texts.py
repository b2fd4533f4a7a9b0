"""Texts in PNG, comments, and IPTC blocks in the wrappings of JPEG, TIFF and PNG.

Sources: W3C PNG, 11.3.3; IPTC-IIM 4.2; Adobe's "Photoshop File Formats" (image resources); ImageMagick's
"Raw profile type" texts, which it and ExifTool read and write.
"""

import contextlib
import struct
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

COMMENT = "Comment"
PHOTOSHOP_PREFIX = b"Photoshop 3.0\0"
_RAW = "Raw profile type "
_RESOURCE, _IPTC = b"8BIM", 0x0404
_XMP_KEYWORD = "XML:com.adobe.xmp"

Texts = tuple[tuple[str, str], ...]
"""Keywords and texts, in the file's order; a comment has the keyword of ``COMMENT``."""


class RawProfiles(NamedTuple):
    """What ImageMagick packs into texts; an EXIF block is without its prefix."""

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    icc: bytes | None = None


def text_of(content: bytes) -> str:
    """Read a comment of unknown encoding; ``bytes_of`` gives the same bytes again."""
    return content.rstrip(b"\0").decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """The bytes that a comment had."""
    return text.encode("utf-8", "surrogateescape")


def readable(text: str) -> str:
    """The text where only Unicode can be written: bytes that are no UTF-8 count as Latin-1."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return bytes_of(text).decode("latin-1")
    return text


def texts_of_png(texts: Mapping[str, Any]) -> Texts:
    """Take the texts that people and programs wrote, without packed profiles and XMP."""
    return tuple(
        (str(key), str(text))
        for key, text in texts.items()
        if not key.startswith(_RAW) and key != _XMP_KEYWORD
    )


def raw_profiles(texts: Mapping[Any, Any]) -> RawProfiles:
    """Unpack what ImageMagick puts into texts; what is damaged is left out."""
    found: dict[str, bytes] = {}
    for key, text in texts.items():
        if isinstance(key, str) and key.startswith(_RAW):
            with contextlib.suppress(ValueError):
                content = bytes.fromhex("".join(str(text).split("\n")[3:]))
                kind = key.removeprefix(_RAW).lower()
                if kind == "app1":
                    kind = "exif" if content.startswith(b"Exif\0\0") else "xmp"
                    content = content.removeprefix(b"http://ns.adobe.com/xap/1.0/\0")
                found[{"icm": "icc", "8bim": "iptc"}.get(kind, kind)] = content
    exif, iptc = found.get("exif"), found.get("iptc")
    return RawProfiles(
        exif and exif.removeprefix(b"Exif\0\0"),
        found.get("xmp"),
        iptc and (iptc_in(iptc) if iptc.startswith(_RESOURCE) else iptc),
        found.get("icc"),
    )


def raw_profile_of(iptc: bytes) -> tuple[str, str]:
    """Pack an IPTC block as ImageMagick does: keyword and text for a PNG."""
    content = resource_of(iptc)
    lines = content.hex()
    lines = "\n".join(lines[start : start + 72] for start in range(0, len(lines), 72))
    return f"{_RAW}iptc", f"\niptc\n{len(content):8}\n{lines}\n"


def resource_of(iptc: bytes) -> bytes:
    """Wrap an IPTC block as Photoshop's image resource."""
    head = _RESOURCE + struct.pack(">HHL", _IPTC, 0, len(iptc))
    return head + iptc + bytes(len(iptc) % 2)


def iptc_in(resources: bytes) -> bytes | None:
    """Find the IPTC block among Photoshop's image resources."""
    place = 0
    while resources[place : place + 4] == _RESOURCE and place + 12 <= len(resources):
        kind, name = struct.unpack_from(">HB", resources, place + 4)
        place += 6 + (name + 2) // 2 * 2
        length = int.from_bytes(resources[place : place + 4])
        content = resources[place + 4 : place + 4 + length]
        if kind == _IPTC:
            return content or None
        place += 4 + length + length % 2
    return None


def spelled(texts: Iterable[tuple[str, str]]) -> str:
    """Name texts by their keywords, for a sentence; no more than five."""
    names = list(dict.fromkeys(key for key, _ in texts))
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
