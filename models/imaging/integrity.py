"""Damage that decoders do not report: it is found in the file itself and said in a sentence.

Decoders return a whole picture for many damaged files, its lower half grey or shifted, and report
nothing. Here JPEG is read again by libjpeg-turbo in its strict way (at an eighth of the size, a third of
the time), the checksums of TIFF's deflated strips are looked at, and formats that say how long they are,
are measured. PNG's own decoder looks at checksums; WebP, GIF and other TIFF files hold nothing that
could be checked.
"""

import importlib
import zlib
from typing import Any, BinaryIO

from PIL import BmpImagePlugin, ImageFile, JpegImagePlugin, TiffImagePlugin

from remend.models.imaging.frame import jpeg_frame

_simplejpeg: Any = importlib.import_module("simplejpeg")  # has no types
# Of libjpeg's warnings, those about the picture; the others are about versions and oddities.
_LOSSES = ("corrupt jpeg data", "premature end", "inconsistent progression")
_TIFF_COMPRESSION, _TIFF_DEFLATE = 259, (8, 32_946)
_TIFF_PIECES = ((273, 279), (324, 325))  # offsets and lengths of strips, and of tiles
_BOX_HEADER, _LONG_BOX_HEADER = 8, 16


def check_decoded(image: ImageFile.ImageFile, stream: BinaryIO) -> str | None:
    """A sentence for a file that was decoded but is damaged; None = no damage is found.

    Args:
        image: Decoded or not.
        stream: The whole file; its position moves.
    """
    stream.seek(0)
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        what = _warning_of_jpeg(stream, image.mode)
    elif isinstance(image, BmpImagePlugin.BmpImageFile):
        what = _length_of_bmp(stream.read())
    elif isinstance(image, TiffImagePlugin.TiffImageFile):
        what = _checksum_of_tiff(image, stream)
    elif image.format in ("AVIF", "HEIF"):
        what = _length_of_boxes(stream)
    else:
        what = None
    return what and f"The file is damaged ({what}); check whether parts of the picture are wrong."


def _warning_of_jpeg(stream: BinaryIO, mode: str) -> str | None:
    frame = jpeg_frame(stream)
    if not (frame and frame.is_plain):
        # A lossless JPEG (SOF3 and its kin) has no smaller sizes: libjpeg-turbo writes the whole picture
        # into the buffer of the small one.
        return None
    stream.seek(0)
    kind = "CMYK" if mode == "CMYK" else "GRAY"
    try:
        _simplejpeg.decode_jpeg(
            stream.read(), kind, fastdct=True, min_height=1, min_width=1, min_factor=8
        )
    except ValueError as error:
        what = str(error)
        return what if what.lower().startswith(_LOSSES) else None
    return None


def _length_of_bmp(content: bytes) -> str | None:
    claimed = int.from_bytes(content[2:6], "little")  # some programs write 0
    if content[:2] == b"BM" and claimed and claimed != len(content):
        return f"{len(content)} bytes instead of {claimed}"
    return None


def _checksum_of_tiff(image: TiffImagePlugin.TiffImageFile, stream: BinaryIO) -> str | None:
    """Inflate all strips or tiles: libtiff stops before the checksum at their end."""
    if image.tag_v2.get(_TIFF_COMPRESSION) not in _TIFF_DEFLATE:
        return None
    for offsets, lengths in _TIFF_PIECES:
        pieces = zip(image.tag_v2.get(offsets, ()), image.tag_v2.get(lengths, ()), strict=False)
        for number, (offset, length) in enumerate(pieces, 1):
            stream.seek(offset)
            inflating = zlib.decompressobj()
            try:
                content = stream.read(length)
                while content and not inflating.eof:
                    inflating.decompress(content, 2**20)
                    content = inflating.unconsumed_tail
            except zlib.error:
                return f"piece {number} of its pixels is not what its checksum says"
            if not inflating.eof:
                return f"piece {number} of its pixels is cut short"
    return None


def _length_of_boxes(stream: BinaryIO) -> str | None:
    """Walk the boxes of an ISO base media file (ISO/IEC 14496-12, 4.2), which fill it without a gap."""
    end = stream.seek(0, 2)
    position = 0
    while position < end:
        stream.seek(position)
        head = stream.read(_LONG_BOX_HEADER)
        size = int.from_bytes(head[:4])
        if size == 1:
            size = int.from_bytes(head[_BOX_HEADER:])
        elif size == 0:
            size = end - position
        if size < _BOX_HEADER or position + size > end or not head[4:8].isalnum():
            return f"byte {position} is not the beginning of a part"
        position += size
    return None
