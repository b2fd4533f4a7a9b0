"""Parts of a file that are not written again: gain maps, videos, further pictures, bits beyond eight.

Each is said in a sentence. Nothing here decodes.
"""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from PIL import Image, JpegImagePlugin

from remend.models.imaging.parts import properties

_GAIN_MAP, _VIDEO = "Its gain map (HDR) was not kept.", "Its video was not kept."
_PICTURES = "The further pictures behind its own were not kept."
_ISO_GAIN_MAP = b"urn:iso:std:iso:ts:21496:-1\0"
_END_OF_IMAGE, _START_OF_SCAN = b"\xff\xd9", b"\xff\xda"
_HEAD = 2**16  # bytes in which an AVIF or HEIC names its items


def what_is_left(image: Image.Image, stream: BinaryIO, promised: Sequence[str]) -> list[str]:
    """Sentences about parts of the file that only its reader sees.

    Args:
        image: As Pillow opened it.
        stream: The whole file; its position moves.
        promised: What is known already, from the XMP packet.
    """
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        notes = [*promised, *_behind_jpeg(image, stream)]
        if _GAIN_MAP in notes:  # it is the further picture
            notes = [note for note in notes if note != _PICTURES]
        return notes[len(promised) :]
    if image.format in ("AVIF", "HEIF"):
        return list(_beside_pixels(stream))
    return []


def _behind_jpeg(image: JpegImagePlugin.JpegImageFile, stream: BinaryIO) -> Iterator[str]:
    if any(content.startswith(_ISO_GAIN_MAP) for name, content in image.applist if name == "APP2"):
        yield _GAIN_MAP
    stream.seek(0)
    content = stream.read()
    # A marker cannot occur in what was coded (T.81, B.1.1.5); thumbnails lie before the scan.
    end = content.find(_END_OF_IMAGE, content.find(_START_OF_SCAN))
    behind = content[end + 2 :].strip(b"\0\xff") if end >= 0 else b""
    if b"ftyp" in behind[:8] or b"MotionPhoto_Data" in behind:
        yield _VIDEO
    elif len(behind) > 3 and not behind.startswith(b"\xff\xd8") and not behind.startswith(b"\xd8"):
        yield f"The {len(behind)} bytes behind its picture were not kept."
    elif behind and not getattr(image, "is_animated", False):
        yield _PICTURES


def _beside_pixels(stream: BinaryIO) -> Iterator[str]:
    bits = 8
    for name, content in properties(stream):
        if name == b"pixi" and len(content) > 5:
            bits = max(bits, *content[5:])
        elif name == b"av1C" and len(content) > 2 and content[2] & 0x40:
            bits = max(bits, 12 if content[2] & 0x20 else 10)
        elif name == b"hvcC" and len(content) > 17:
            bits = max(bits, 8 + (content[17] & 7))
        elif name == b"auxC" and b"hdrgainmap" in content:
            yield _GAIN_MAP
    if bits > 8:
        yield f"Its {bits} bits a colour were read with 8."
    stream.seek(0)
    if b"tmap" in stream.read(_HEAD):
        yield _GAIN_MAP
