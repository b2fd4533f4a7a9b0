"""From a picture file's bytes to the arrays of a ``Picture``.

Pillow reads every header and most pixels; OpenCV reads the pixels of 16-bit colour PNG and TIFF,
which Pillow would cut to 8 bits. No other module decodes a file. The sentences for damaged input
are made here, around everything that a damaged file can make the two libraries raise. Use
``models.imaging.files``.
"""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import (
    Image,
    ImageCms,
    ImageFile,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
)

from remend.models.errors import InputError, RemendError
from remend.models.imaging.integrity import check_decoded
from remend.models.imaging.metadata import metadata_of, orientation_of, profile_space
from remend.models.imaging.opencv import load_opencv
from remend.models.imaging.picture import Picture, Pixels
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

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF")
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_TIFF_SUBFILE, _TIFF_BITS, _TIFF_PHOTOMETRIC = 254, 258, 262
_TIFF_PLANES, _TIFF_EXTRA_SAMPLES = 284, 338
_BAND_ROWS = 256  # rows converted at a time, where a conversion needs wider numbers than the pixels


class OpenPicture(NamedTuple):
    """A picture whose header was read and found good, and the stream that holds it."""

    image: ImageFile.ImageFile
    stream: BinaryIO


@contextmanager
def open_picture(source: Source, max_megapixels: float | None = None) -> Iterator[OpenPicture]:
    """Open a source for the time of a ``with`` and check its header.

    Whatever goes wrong inside the ``with`` leaves it as a ``RemendError``.

    Raises:
        InputError: The source cannot be opened, is no picture, is too large, or is damaged.
    """
    name = str(source) if isinstance(source, AnyPath) else "The picture"
    try:
        # Both libraries want to seek, which a pipe cannot; uploads are in memory anyway.
        content = source if isinstance(source, bytes | AnyPath) else source.read()
        with (
            content.open("rb") if isinstance(content, AnyPath) else io.BytesIO(content) as stream,
            _open_header(stream, name) as image,
        ):
            _check_header(image, name, max_megapixels or LARGEST_MEGAPIXELS)
            yield OpenPicture(image, stream)
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
            import pillow_heif  # pyright: ignore[reportMissingImports] - an optional extra
        except ImportError as error:
            raise InputError(
                f"{name} is a HEIC picture, which needs the package pillow-heif; "
                "install it with: pip install 'remend[heic]'"
            ) from error
        pillow_heif.register_heif_opener()
        formats = ("HEIF",)
    return Image.open(stream, formats=formats)


def _check_header(image: ImageFile.ImageFile, name: str, limit: float) -> None:
    width, height = image.size
    if width * height > limit * 1e6:
        raise InputError(
            f"{name} has {width} x {height} pixels = {width * height / 1e6:.0f} megapixels, more "
            f"than the limit of {limit:g}; make it smaller or raise the limit."
        )
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        bits = _most_bits(image)
        if image.tag_v2.get(_TIFF_SUBFILE, 0) & 1:
            # Camera raw files are TIFFs that begin with a thumbnail.
            raise InputError(f"{name} is a camera's raw file; save it as TIFF in a raw converter.")
        if image.mode in ("I", "F") or bits == 12:
            raise InputError(
                f"{name} holds {bits}-bit or signed samples, and Remend reads 8 and 16 bits; "
                "save it as 16-bit TIFF."
            )
        if _is_wide_colour(image) and image.tag_v2.get(_TIFF_PLANES) == 2:
            raise InputError(
                f"{name} keeps its 16-bit colours in separate planes, which Remend cannot read; "
                "save it with interleaved colours or as PNG."
            )


def decode(opened: OpenPicture) -> Picture:
    """Decode the pixels (of the first frame or page) and set them upright.

    Call it inside the ``with`` of ``open_picture``, which words what goes wrong.
    """
    image = opened.image
    notes: list[str] = []
    if image.mode == "CMYK" and _most_bits(image) == 16:
        notes.append("Its 16-bit CMYK colours were read with 8 bits.")
    if getattr(image, "is_animated", False):
        notes.append("Only the first of its pictures (frames, pages) was read.")
    wide = _is_wide_colour(image)
    has_alpha = image.has_transparency_data
    grey = image.mode in ("1", "L", "LA", "La") or image.mode.startswith("I;16")
    if wide and image.format == "PNG":
        grey = str(image.tile[0].args).startswith("LA")  # which Pillow opens as RGBA
    if not wide or image.format == "PNG":
        # A PNG may keep metadata behind its pixels, which Pillow reads only after decoding them.
        # Decoding a rare kind of file twice costs less than lost metadata.
        image.load()
    if damage := check_decoded(image, opened.stream):
        notes.append(damage)
    meta = metadata_of(image, grey=grey)
    orientation = orientation_of(image)
    if wide:
        # Frees Pillow's pixels; the close() of an ImageFile would close the stream as well.
        Image.Image.close(image)
        rgb, alpha = _decode_wide_colour(opened, has_alpha)
    elif image.mode.startswith("I;16"):
        rgb, alpha = _split_wide_grey(image)
    else:
        rgb, alpha = _split_narrow(image, notes)
        Image.Image.close(image)
    if alpha is not None:
        alpha = _upright(alpha, orientation)
    return Picture(_upright(rgb, orientation), alpha, replace(meta, notes=(*notes, *meta.notes)))


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Apply an EXIF orientation (Exif 2.32, tag 0x0112) to (H, W, ...) pixels."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _is_wide_colour(image: ImageFile.ImageFile) -> bool:
    """Whether the file holds 16-bit colours, which Pillow would cut to 8 bits."""
    return image.mode in ("RGB", "RGBA", "LA") and _most_bits(image) == 16


def bit_depth_of(image: ImageFile.ImageFile) -> int:
    """How many bits a sample of the decoded picture has: 8 or 16."""
    return 16 if _is_wide_colour(image) or image.mode.startswith("I;16") else 8


def _most_bits(image: ImageFile.ImageFile) -> int:
    """Read from the header how many bits a sample has, where it may be more than 8."""
    if isinstance(image, PngImagePlugin.PngImageFile):
        return 16 if ";16" in str(image.tile[0].args) else 8
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return max(image.tag_v2.get(_TIFF_BITS, (1,)))
    return 8


def _decode_wide_colour(opened: OpenPicture, has_alpha: bool) -> tuple[Pixels, Pixels | None]:
    """Decode 16-bit colours with OpenCV."""
    opened.stream.seek(0)
    cv2 = load_opencv()
    content = np.frombuffer(opened.stream.read(), np.uint8)
    decoded = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    if decoded is None:
        raise ValueError("OpenCV cannot decode it")
    expected = (opened.image.height, opened.image.width)
    if decoded.shape[:2] != expected or decoded.shape[2] < 3 + has_alpha:
        raise ValueError(f"its header says {expected}, but its pixels are {decoded.shape}")
    decoded = decoded.astype(np.uint16, casting="no", copy=False)
    rgb = np.ascontiguousarray(decoded[..., 2::-1])
    alpha = np.ascontiguousarray(decoded[..., 3]) if has_alpha else None
    premultiplied = (
        isinstance(opened.image, TiffImagePlugin.TiffImageFile)
        and opened.image.tag_v2.get(_TIFF_EXTRA_SAMPLES, (0,))[0] == 1
    )
    if premultiplied and alpha is not None:
        _divide_by_alpha(rgb, alpha)
    return rgb, alpha


def _divide_by_alpha(rgb: NDArray[np.uint16], alpha: NDArray[np.uint16]) -> None:
    """Undo premultiplication in place (TIFF 6.0, ExtraSamples = 1), as Pillow does for 8 bits."""
    for start in range(0, len(rgb), _BAND_ROWS):
        band = rgb[start : start + _BAND_ROWS]
        share = np.maximum(alpha[start : start + _BAND_ROWS, :, None], 1).astype(np.uint32)
        band[...] = np.minimum((band * np.uint32(65_535) + share // 2) // share, 65_535)


def _split_wide_grey(image: ImageFile.ImageFile) -> tuple[Pixels, Pixels | None]:
    values = np.asarray(image).astype(np.uint16)
    if isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2[_TIFF_PHOTOMETRIC] == 0:
        values = 65_535 - values  # white is zero; Pillow turns that round for 8 bits only
    clear = image.info.get("transparency")
    alpha = None if clear is None else np.where(values == clear, 0, 65_535).astype(np.uint16)
    return np.repeat(values[..., None], 3, axis=2), alpha


def _split_narrow(image: Image.Image, notes: list[str]) -> tuple[Pixels, Pixels | None]:
    """Bring whatever 8-bit mode Pillow decoded to RGB and alpha, band by band to save memory."""
    has_alpha = image.has_transparency_data and image.mode not in ("CMYK", "LAB")
    to_rgb = _srgb_conversion(image, notes) if image.mode in ("CMYK", "LAB") else None
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    alpha = np.empty((image.height, image.width), np.uint8) if has_alpha else None
    for start in range(0, image.height, _BAND_ROWS):
        rows = slice(start, min(start + _BAND_ROWS, image.height))
        band = image.crop((0, rows.start, image.width, rows.stop))
        if to_rgb is not None:
            rgb[rows] = np.asarray(to_rgb(band))
        elif alpha is None:
            rgb[rows] = np.asarray(band if band.mode == "RGB" else band.convert("RGB"))
        else:
            values = np.asarray(band if band.mode == "RGBA" else band.convert("RGBA"))
            rgb[rows], alpha[rows] = values[..., :3], values[..., 3]
    return rgb, alpha


def _srgb_conversion(image: Image.Image, notes: list[str]) -> Callable[[Image.Image], Image.Image]:
    """Choose how CMYK (by the file's own profile) or Lab colours become sRGB."""
    kind = "Lab" if image.mode == "LAB" else image.mode
    profile: Any = image.info.get("icc_profile")
    try:
        if image.mode == "LAB":
            origin = ImageCms.createProfile("LAB")
        elif profile_space(profile) == "CMYK":
            origin = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        else:
            raise ImageCms.PyCMSError("no profile of these colours")
        transform = ImageCms.buildTransform(
            origin,
            ImageCms.createProfile("sRGB"),
            image.mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError):
        notes.append(f"Its {kind} colours have no usable profile and became sRGB by plain sums.")
        return lambda band: band.convert("RGB")
    notes.append(f"Its {kind} colours were converted to sRGB through their profile.")
    return transform.apply
