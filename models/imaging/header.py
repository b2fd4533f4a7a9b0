"""The header of a picture file: open it, check it, and word what can be wrong with it.

Pillow reads the headers. What is damaged, too large or not supported is refused here, before a pixel is
decoded. The sentences for damaged files are made here too, around everything that a damaged file can make
Pillow and OpenCV raise. ``decode`` reads the pixels; callers use ``files``.
"""

import importlib
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple

from PIL import Image, ImageFile, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError

from remend.models.errors import InputError, RemendError
from remend.models.imaging.bmp import is_bmp, plain_bmp
from remend.models.imaging.frame import jpeg_frame
from remend.models.imaging.metadata.collect import orientation_of
from remend.models.imaging.tiff_files.kinds import (
    alpha_of,
    bits_of,
    find_photo,
    first_tags,
    is_raw,
    what_is_unread,
)
from remend.models.storage.remote import AnyPath

Source = AnyPath | bytes | BinaryIO

LARGEST_MEGAPIXELS = 400.0
"""Larger pictures are refused unless a caller says otherwise; twice that in any case."""

# Pillow's own limits are too low for photos: it warns from 89 megapixels and refuses the double,
# and it refuses a PNG whose colour profile or XMP has more than 1 MiB.
Image.MAX_IMAGE_PIXELS = int(LARGEST_MEGAPIXELS * 1e6)
PngImagePlugin.MAX_TEXT_CHUNK = 16 * 2**20
# Pillow prints a warning for each oddity of a file; what matters becomes a sentence or a note here.
warnings.filterwarnings("ignore", module=r"PIL\.")

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "DIB")
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


class Header(NamedTuple):
    """What is known of a picture before its pixels are decoded.

    Attributes:
        size: Width and height of the upright picture. A PNG that keeps its orientation behind its pixels
            is the one exception: only decoding finds it.
        bit_depth: Bits per sample of the decoded picture: 8 or 16.
        has_alpha: Whether the picture has transparency.
    """

    size: tuple[int, int]
    bit_depth: int
    has_alpha: bool


class OpenPicture(NamedTuple):
    """A picture whose header was read and found good, and the stream that holds it."""

    image: ImageFile.ImageFile
    stream: BinaryIO


@contextmanager
def open_picture(
    stream: BinaryIO, name: str, max_megapixels: float | None
) -> Generator[OpenPicture]:
    """Read and check the header of a whole file, from its beginning, for the time of a ``with``.

    Whatever goes wrong inside the ``with`` leaves it as an ``InputError``. The stream stays open.

    Args:
        stream: The file; it can seek.
        name: What messages call the file.
        max_megapixels: Larger pictures are refused; None = ``LARGEST_MEGAPIXELS``.

    Raises:
        InputError: The file is no picture, is too large, or is damaged.
    """
    with worded_errors(name):
        stream.seek(0)
        if is_bmp(stream.read(2)):
            stream.seek(0)
            if (plain := plain_bmp(stream.read())) is not None:
                stream = BytesIO(plain)
        stream.seek(0)
        with _open_header(stream, name) as image:
            if isinstance(image, TiffImagePlugin.TiffImageFile):
                _check_tiff(image, name)
            _check_header(image, name, max_megapixels or LARGEST_MEGAPIXELS)
            yield OpenPicture(image, stream)


@contextmanager
def worded_errors(name: str) -> Generator[None]:
    """Make an ``InputError`` of whatever goes wrong with the file ``name`` inside a ``with``."""
    try:
        yield
    except RemendError:
        raise
    except Exception as error:  # a damaged file makes the decoders raise almost anything
        raise InputError(_reason(name, error)) from error


def _reason(name: str, error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return f"{name} does not exist; check the path."
        case IsADirectoryError():
            return f"{name} is a folder, not a picture; name a file in it."
        case PermissionError():
            return f"{name} may not be read (permission denied); change its permissions."
        case Image.DecompressionBombError():
            limit = f"{2 * LARGEST_MEGAPIXELS:g} megapixels"
            return f"{name} claims to have more than {limit}, the limit; make it smaller first."
        case UnidentifiedImageError():
            return (
                f"{name} is not a picture that Remend can read, or its beginning is damaged; it "
                "reads JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF and HEIC of 8 or 16 bits."
            )
        case MemoryError():
            return f"{name} does not fit into memory; close other programs or make it smaller."
        case OSError() if error.errno is not None:
            return f"{name} cannot be read ({error.strerror}); check the disk and the path."
        case _:
            detail = f" ({error})" if any(letter.isalpha() for letter in str(error)) else ""
            return f"{name} is cut short or damaged{detail}; get a whole copy of it."


def _open_header(stream: BinaryIO, name: str) -> ImageFile.ImageFile:
    head = stream.read(64)
    stream.seek(0)
    if not head:
        raise InputError(f"{name} is empty (0 bytes); get a whole copy of it.")
    formats = _FORMATS
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS and b"avif" not in head:
        try:
            heif: Any = importlib.import_module("pillow_heif")
        except ImportError as error:
            raise InputError(
                f"{name} is a HEIC picture, which needs the package pillow-heif; "
                "install it with: pip install 'remend[heic]'"
            ) from error
        heif.register_heif_opener()
        formats = ("HEIF",)
    try:
        return Image.open(stream, formats=formats)
    except UnidentifiedImageError:
        _name_kind(stream, name)
        raise


def _check_header(image: ImageFile.ImageFile, name: str, limit: float) -> None:
    width, height = image.size
    if width * height > limit * 1e6:
        raise InputError(
            f"{name} has {width} x {height} pixels = {width * height / 1e6:.0f} megapixels, more "
            f"than the limit of {limit:g}; make it smaller or raise the limit."
        )


def _check_tiff(image: TiffImagePlugin.TiffImageFile, name: str) -> None:
    """Go to the page that is the photo; refuse what is not read."""
    first = image.tag_v2
    if is_raw(first):
        raise InputError(f"{name} is a camera's raw file; save it as TIFF in a raw converter.")
    if not find_photo(image):
        raise InputError(
            f"{name} holds only a reduced copy of a picture that can be read; save it as TIFF in the "
            "program that made it, or in a raw converter."
        )
    if problem := what_is_unread(image.tag_v2):
        raise InputError(_unread(name, problem))


def _unread(name: str, problem: str) -> str:
    return (
        f"{name} cannot be read: it {problem}; save it with 8 or 16 whole-number bits a colour, as TIFF "
        "or PNG."
    )


def _name_kind(stream: BinaryIO, name: str) -> None:
    """Say what a file is that Pillow does not open, where its first bytes tell.

    Raises:
        InputError: They do.
    """
    tags = first_tags(stream)
    if tags is not None:
        if is_raw(tags):
            raise InputError(f"{name} is a camera's raw file; save it as TIFF in a raw converter.")
        problem = what_is_unread(tags) or "is a TIFF file of a rare layout"
        raise InputError(_unread(name, problem))
    frame = jpeg_frame(stream)
    if frame and frame.precision != 8:
        raise InputError(_unread(name, f"is a JPEG of {frame.precision} bits a colour"))


def header_of(image: ImageFile.ImageFile) -> Header:
    """Collect what the header of an opened picture says."""
    width, height = image.size
    size = (width, height) if orientation_of(image) < 5 else (height, width)
    return Header(size, bit_depth_of(image), has_alpha(image))


def has_alpha(image: ImageFile.ImageFile) -> bool:
    """Whether the picture has transparency; a TIFF only where a tag says so."""
    if isinstance(image, TiffImagePlugin.TiffImageFile) and image.mode not in ("P", "PA"):
        return alpha_of(image.tag_v2) > 0
    return image.mode not in ("CMYK", "LAB") and bool(image.has_transparency_data)


def is_wide_colour(image: ImageFile.ImageFile) -> bool:
    """Whether the file holds 16-bit colours, or grey with transparency, which Pillow would cut to 8 bits."""
    return image.mode in ("RGB", "RGBA", "LA") and most_bits(image) == 16


def bit_depth_of(image: ImageFile.ImageFile) -> int:
    """How many bits a sample of the decoded picture has: 8 or 16."""
    return 16 if is_wide_colour(image) or image.mode.startswith("I;16") else 8


def most_bits(image: ImageFile.ImageFile) -> int:
    """Read from the header how many bits a sample has, where it may be more than 8."""
    if isinstance(image, PngImagePlugin.PngImageFile):
        return 16 if ";16" in str(image.tile[0].args) else 8
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return max(bits_of(image.tag_v2))
    return 8
