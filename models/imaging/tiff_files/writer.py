"""A writer of plain TIFF files: 8 or 16 bits, one to four samples, any tags.

Written because Pillow cannot write 16-bit colours and OpenCV cannot write metadata. Pillow's own
directory class writes the tags; here are only the strips: Deflate with horizontal differencing
(TIFF 6.0, section 14, and Adobe's technical note of 2002), the lossless kind that every reader of
photos knows.
"""

import io
import zlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from PIL import TiffImagePlugin, TiffTags

from remend.models.imaging.picture import Pixels

_STRIP_BYTES = 2**20  # large enough to compress well, small enough that one strip costs no memory
_LARGEST = 2**32 - 2**20  # offsets have 32 bits; 1 MiB for the directory


def encode_tiff(
    samples: Pixels, kind: Literal["L", "LA", "RGB", "RGBA"], tags: Mapping[int, Any]
) -> bytes:
    """Encode samples as a TIFF file.

    Args:
        samples: (H, W, number of letters in ``kind``), uint8 or uint16.
        kind: What the samples are; A = alpha, not premultiplied.
        tags: Further tags by number; a dictionary as value becomes a directory of its own.

    Raises:
        ValueError: The file would exceed 4 GiB.
    """
    height, width, count = samples.shape
    rows = max(1, _STRIP_BYTES // samples[0].nbytes)
    strips = [_compressed(samples[start : start + rows]) for start in range(0, height, rows)]
    lengths = [len(strip) for strip in strips]
    if sum(lengths) > _LARGEST:
        raise ValueError(f"a TIFF file holds 4 GiB, and this one has {sum(lengths) / 2**30:.1f}")

    # Little-endian: the byte order of the machines that this runs on, so that samples need no
    # turning.
    directory = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    for tag, value in tags.items():
        directory[tag] = value
    directory[TiffImagePlugin.IMAGEWIDTH] = width
    directory[TiffImagePlugin.IMAGELENGTH] = height
    directory[TiffImagePlugin.BITSPERSAMPLE] = (8 * samples.dtype.itemsize,) * count
    directory[TiffImagePlugin.COMPRESSION] = 8  # Deflate
    directory[TiffImagePlugin.PREDICTOR] = 2  # horizontal differencing
    directory[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = 2 if kind.startswith("RGB") else 1
    directory[TiffImagePlugin.SAMPLESPERPIXEL] = count
    directory[TiffImagePlugin.PLANAR_CONFIGURATION] = 1  # interleaved
    if kind.endswith("A"):
        directory[TiffImagePlugin.EXTRASAMPLES] = 2  # alpha, not premultiplied
    directory[TiffImagePlugin.ROWSPERSTRIP] = rows
    for tag in (TiffImagePlugin.STRIPOFFSETS, TiffImagePlugin.STRIPBYTECOUNTS):
        directory.tagtype[tag] = TiffTags.LONG
    directory[TiffImagePlugin.STRIPBYTECOUNTS] = tuple(lengths)
    # Counted from the end of the directory, whose writer adds its own length.
    offsets = np.cumsum([0, *lengths[:-1]]).tolist()
    directory[TiffImagePlugin.STRIPOFFSETS] = tuple(offsets)

    file = io.BytesIO()
    directory.save(file)
    file.writelines(strips)
    return file.getvalue()


def _compressed(rows: Pixels) -> bytes:
    differences = rows.astype(rows.dtype.newbyteorder("<"))
    differences[:, 1:] -= rows[:, :-1]
    # Run lengths instead of a search for repetitions: neighbouring differences of a photo repeat,
    # longer strings do not. Measured on 12 megapixels: 0.45 s and 22.1 MB against 0.9 s and 21.1 MB
    # at level 3; with 16 bits 0.7 s and 65.6 MB against 1.9 s and 66.5 MB.
    deflate = zlib.compressobj(1, strategy=zlib.Z_RLE)
    return deflate.compress(differences.data) + deflate.flush()
