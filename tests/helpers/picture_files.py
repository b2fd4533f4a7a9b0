"""Picture files laid out by hand, or saved by Pillow, for tests of the decoder."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image, TiffImagePlugin

PHOTOMETRIC = TiffImagePlugin.PHOTOMETRIC_INTERPRETATION
GENERATOR = np.random.default_rng(20)
WIDE = GENERATOR.integers(0, 65_536, (9, 7, 4), dtype=np.uint16)
NARROW = GENERATOR.integers(0, 256, (9, 7, 4), dtype=np.uint8)


def encoded(image: Image.Image, file_format: str, **arguments: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **arguments)
    return file.getvalue()


def wide_png(
    samples: np.ndarray[Any, Any], colour_type: int, *chunks: tuple[bytes, bytes]
) -> bytes:
    """Lay out a 16-bit PNG by hand (W3C PNG, section 11), interlaced or filtered in no way."""
    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    header = struct.pack(">LLBBBBB", width, height, 16, colour_type, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(content))
        + name
        + content
        + struct.pack(">L", zlib.crc32(name + content))
        for name, content in parts
    )


def plain_tiff(samples: np.ndarray[Any, Any], tags: dict[int, Any] | None = None) -> bytes:
    """Lay out an uncompressed TIFF of one strip, with these tags beside or instead of the usual ones."""
    height, width, count = samples.shape
    directory = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    directory[TiffImagePlugin.IMAGEWIDTH] = width
    directory[TiffImagePlugin.IMAGELENGTH] = height
    directory[TiffImagePlugin.BITSPERSAMPLE] = (8 * samples.dtype.itemsize,) * count
    directory[TiffImagePlugin.COMPRESSION] = 1
    directory[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = 2 if count > 2 else 1
    directory[TiffImagePlugin.SAMPLESPERPIXEL] = count
    for tag, value in (tags or {}).items():
        directory[tag] = value
    directory.tagtype[TiffImagePlugin.STRIPOFFSETS] = 4
    directory[TiffImagePlugin.STRIPOFFSETS] = 0
    directory[TiffImagePlugin.STRIPBYTECOUNTS] = samples.nbytes
    file = io.BytesIO()
    directory.save(file)
    return file.getvalue() + samples.tobytes()
