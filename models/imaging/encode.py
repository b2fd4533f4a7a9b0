"""From a ``Picture`` to the bytes of a file.

Pillow encodes; OpenCV encodes 16-bit colour PNG, which Pillow cannot, and ``tiff_files.writer`` writes
TIFF. What a format cannot hold is said in a sentence, never silently lost. Use ``models.imaging.files``.
"""

import io
import zlib
from typing import Literal

import numpy as np
from PIL import Image

from remend.models.errors import InputError
from remend.models.imaging.colour.named import hdr_name
from remend.models.imaging.metadata.fit import fit_metadata, save_arguments, tiff_tags
from remend.models.imaging.opencv import load_opencv
from remend.models.imaging.parts import png_chunk
from remend.models.imaging.picture import Metadata, Picture, Pixels, to_8_bit
from remend.models.imaging.tiff_files.writer import encode_tiff

SUFFIX_FORMATS = {
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".jfif": "jpeg",
    ".png": "png",
    ".webp": "webp",
    ".tif": "tiff",
    ".tiff": "tiff",
}
"""The formats that are written, by file name suffix in small letters."""

_NAMES = {"jpeg": "JPEG", "webp": "WebP", "tiff": "TIFF"}
_LONGEST_SIDE = {"jpeg": 65_500, "webp": 16_383}  # libjpeg's and libwebp's limits, in pixels
_PNG_SIGNATURE_AND_HEADER = 8 + 25  # bytes

Kind = Literal["L", "LA", "RGB", "RGBA"]


def encode(
    picture: Picture, file_format: str, quality: int, keep_metadata: bool
) -> tuple[bytes, tuple[str, ...]]:
    """Encode a picture.

    Args:
        picture: Of any size and depth.
        file_format: A value of ``SUFFIX_FORMATS``.
        quality: For JPEG and WebP, 1 to 100; a WebP of quality 100 is lossless.
        keep_metadata: False leaves out all metadata but the colour profile.

    Returns:
        The file's bytes, and sentences about what the format could not hold.

    Raises:
        InputError: The format cannot hold a picture of this size.
    """
    check_size(picture.size, file_format)
    refuse_colours(picture.meta, file_format)
    samples, kind, notes = _fit_samples(picture, file_format)
    meta, dropped = fit_metadata(
        picture.meta, picture.size, file_format, grey=kind[0] == "L", keep=keep_metadata
    )
    try:
        if file_format == "tiff":
            data = encode_tiff(samples, kind, tiff_tags(meta))
        elif samples.dtype == np.uint16 and kind != "L":
            data = _encode_wide_png(samples, meta)
        else:
            data = _encode_by_pillow(samples, meta, file_format, quality)
        if meta.hdr:
            head, rest = data[:_PNG_SIGNATURE_AND_HEADER], data[_PNG_SIGNATURE_AND_HEADER:]
            data = head + png_chunk(b"cICP", meta.hdr) + rest
    except MemoryError as error:
        raise InputError(
            f"There is not enough memory to encode {picture.megapixels:.0f} megapixels as "
            f"{file_format.upper()}; close other programs or write a smaller picture."
        ) from error
    except Exception as error:  # each encoder raises errors of its own
        raise InputError(
            f"The picture cannot be written as {file_format.upper()} ({error}); try another format."
        ) from error
    return data, (*notes, *dropped)


def check_size(size: tuple[int, int], file_format: str) -> None:
    """Raise an InputError for a width and height that the format cannot hold."""
    longest = _LONGEST_SIDE.get(file_format)
    if longest and max(size) > longest:
        raise InputError(
            f"{size[0]} x {size[1]} pixels do not fit into {file_format.upper()}, "
            f"whose sides end at {longest}; write PNG or TIFF."
        )


def name_losses(bit_depth: int, has_alpha: bool, file_format: str) -> list[str]:
    """Sentences about what of a picture of that depth, with or without alpha, the format cannot hold."""
    notes = list[str]()
    name = {"jpeg": "JPEG", "webp": "WebP"}.get(file_format)
    if name and bit_depth == 16:
        notes.append(f"{name} holds 8 bits per colour; 16 bits are rounded.")
    if file_format == "jpeg" and has_alpha:
        notes.append("JPEG holds no transparency; the picture is laid on white.")
    return notes


def refuse_colours(meta: Metadata, file_format: str) -> None:
    """Refuse colours that the format cannot hold.

    Args:
        meta: Of the picture to be written.
        file_format: A value of ``SUFFIX_FORMATS``.

    Raises:
        InputError: They are of a high dynamic range, and the format is not PNG.
    """
    if meta.hdr and file_format != "png":
        raise InputError(
            f"The photo's colours are of a high dynamic range ({hdr_name(meta.hdr)}), which "
            f"{_NAMES[file_format]} cannot hold; write PNG."
        )


def _fit_samples(picture: Picture, file_format: str) -> tuple[Pixels, Kind, list[str]]:
    """Arrange the samples as the format wants them: (H, W, channels)."""
    rgb, alpha = picture.rgb, picture.alpha
    notes = name_losses(picture.bit_depth, alpha is not None, file_format)
    if file_format in ("jpeg", "webp"):
        rgb, alpha = to_8_bit(rgb), None if alpha is None else to_8_bit(alpha)
    if file_format == "jpeg" and alpha is not None:
        white = Image.new("RGB", picture.size, "white")
        white.paste(Image.fromarray(rgb), mask=Image.fromarray(alpha))
        rgb, alpha = np.asarray(white), None
    grey = picture.meta.grey and file_format != "webp"
    if picture.meta.grey and file_format == "webp":
        notes.append("WebP has no greys; the picture was written in colour channels.")
    if grey and alpha is not None and picture.bit_depth == 16 and file_format != "tiff":
        grey = False  # no library here writes such a PNG
        notes.append("A grey picture with transparency and 16 bits was written in colour channels.")
    if not grey:
        return (rgb, "RGB", notes) if alpha is None else (np.dstack((rgb, alpha)), "RGBA", notes)
    values = grey_of(rgb)
    if alpha is None:
        return values[..., None], "L", notes
    return np.dstack((values, alpha)), "LA", notes


def grey_of(rgb: Pixels) -> Pixels:
    """Weigh (H, W, 3) colours to (H, W) grey of the same type; equal colours stay as they are.

    Source: ITU-R BT.601, luma, in the 16-bit fixed point that Pillow uses.
    """
    grey = np.empty(rgb.shape[:2], rgb.dtype)
    for start in range(0, len(rgb), 256):  # in bands: the sums need 32 bits
        red, green, blue = np.moveaxis(rgb[start : start + 256].astype(np.uint32), 2, 0)
        grey[start : start + 256] = (red * 19_595 + green * 38_470 + blue * 7_471 + 32_768) >> 16
    return grey


def _encode_by_pillow(samples: Pixels, meta: Metadata, file_format: str, quality: int) -> bytes:
    arguments = save_arguments(meta, file_format)
    if file_format == "jpeg":
        # Colour at full resolution: halved colour smears thin repairs and upscaled edges.
        arguments |= {"quality": quality, "subsampling": 0}
    elif file_format == "webp":
        # exact: colours under full transparency stay, as in every other format.
        # method 2: half the time of the default 4 for one percent more bytes.
        arguments |= {"quality": quality, "lossless": quality == 100, "exact": True, "method": 2}
    else:
        # Measured on 12 megapixels of photos: level 1 1.0 s and 21.0 MB, level 3 1.5 s and 20.6 MB,
        # level 6 3.1 s and 20.2 MB, but level 1 that looks for run lengths only 0.8 s and 20.6 MB.
        arguments |= {"compress_level": 1, "compress_type": zlib.Z_RLE}
    file = io.BytesIO()
    image = Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples)
    image.save(file, file_format, **arguments)
    return file.getvalue()


def _encode_wide_png(samples: Pixels, meta: Metadata) -> bytes:
    """Encode 16-bit colours with OpenCV, metadata with Pillow (into a PNG of one pixel)."""
    cv2 = load_opencv()
    turn = cv2.COLOR_RGB2BGR if samples.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    # OpenCV's defaults are the ones measured to be good: level 1, run lengths, 16-bit differences.
    done, pixels = cv2.imencode(".png", cv2.cvtColor(samples, turn))
    if not done:
        raise ValueError("OpenCV cannot encode it")
    small = _encode_by_pillow(np.zeros((1, 1, 3), np.uint8), meta, "png", quality=100)
    # Everything between the header and the pixels, whose chunk begins four bytes before its name.
    chunks = small[_PNG_SIGNATURE_AND_HEADER : small.rindex(b"IDAT") - 4]
    head, rest = np.split(pixels, [_PNG_SIGNATURE_AND_HEADER])
    return b"".join((head.data, chunks, rest.data))
