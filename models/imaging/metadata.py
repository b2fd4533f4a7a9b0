"""What a picture file says beside its pixels: collected when read, fitted to the format written.

Bad metadata never stops a picture: a part that is damaged, or that a format cannot hold, is dropped
and a sentence says so. Pixels are not touched here. IPTC blocks and comments are not
kept.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

from remend.models.imaging.exif import exif_of_size, upright_exif
from remend.models.imaging.picture import Metadata

# What a TIFF file's own directory says about the photo rather than about how its pixels are stored.
_DESCRIBING_TAGS = frozenset(
    {
        ExifTags.Base.DocumentName,
        ExifTags.Base.ImageDescription,
        ExifTags.Base.Make,
        ExifTags.Base.Model,
        ExifTags.Base.PageName,
        ExifTags.Base.Software,
        ExifTags.Base.DateTime,
        ExifTags.Base.Artist,
        ExifTags.Base.HostComputer,
        ExifTags.Base.Copyright,
        ExifTags.Base.Rating,
        ExifTags.Base.RatingPercent,
        *range(ExifTags.Base.XPTitle, ExifTags.Base.XPSubject + 1),
        ExifTags.IFD.Exif,
        ExifTags.IFD.GPSInfo,
    }
)
_EXIF_PREFIX = b"Exif\0\0"
_JPEG_SEGMENT = 65_533  # bytes that one marker segment holds (JPEG, T.81, B.1.1.4)
_XMP_ORIENTATION = re.compile(
    rb"\s*tiff:Orientation=(?:\"[^\"]*\"|'[^']*')|<tiff:Orientation>[^<]*</tiff:Orientation>"
)
_XMP_WIDTH = re.compile(rb"((?:exif:PixelXDimension|tiff:ImageWidth)(?:=[\"']|>))\d+")
_XMP_HEIGHT = re.compile(rb"((?:exif:PixelYDimension|tiff:ImageLength)(?:=[\"']|>))\d+")


def orientation_of(image: Image.Image) -> int:
    """Read the EXIF orientation that has still to be applied to what Pillow decodes: 1 to 8."""
    if image.format == "TIFF":
        return 1  # both Pillow and OpenCV apply a TIFF's orientation themselves
    try:
        # The base class's method: that of PNG decodes the whole picture first, to look behind it.
        orientation = Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1)
    except Exception:  # whatever a damaged block makes Pillow raise
        return 1
    return orientation if orientation in range(1, 9) else 1


def metadata_of(image: Image.Image, *, grey: bool) -> Metadata:
    """Collect what an opened file says beside its pixels.

    Args:
        image: As Pillow opened it; a PNG decoded too, for what lies behind its pixels.
        grey: Whether its pixels have one colour channel.
    """
    notes: list[str] = []
    source_format = {"MPO": "jpeg"}.get(image.format or "", (image.format or "").lower()) or None
    return Metadata(
        icc_profile=_fitting_profile(image, grey, notes),
        exif=_upright_block(image, notes),
        xmp=_upright_packet(image),
        dpi=_usable_dpi(image.info.get("dpi")),
        source_format=source_format,
        grey=grey,
        notes=tuple(notes),
    )


def _fitting_profile(image: Image.Image, grey: bool, notes: list[str]) -> bytes | None:
    profile = image.info.get("icc_profile")
    if not profile or image.mode in ("CMYK", "LAB"):  # the conversion to sRGB uses that one up
        return None
    space = profile_space(profile)
    if space == "RGB" or (space == "GRAY" and grey):
        return profile
    notes.append("The colour profile is damaged or not for these pixels; it was dropped.")
    return None


def profile_space(profile: Any) -> str | None:
    """Name the colour space of an ICC profile (``RGB``, ``GRAY``, ``CMYK``, ...).

    Source: ICC.1:2022, table 17 (header: signature at byte 36, data colour space at byte 16).
    """
    if not isinstance(profile, bytes) or len(profile) < 132 or profile[36:40] != b"acsp":
        return None
    return profile[16:20].decode("latin-1").strip()


def _upright_block(image: Image.Image, notes: list[str]) -> bytes | None:
    try:
        block = image.info.get("exif")
        if block is None:  # a TIFF has these tags in its own directory, an old PNG has them as text
            block = _rebuilt_block(image.getexif())
        while block.startswith(_EXIF_PREFIX):
            block = block.removeprefix(_EXIF_PREFIX)
        return (block and upright_exif(block)) or None
    except Exception:  # whatever a damaged block makes Pillow raise
        notes.append("The EXIF data is damaged; it was dropped.")
        return None


def _parsed(block: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(block)
    return exif


def _rebuilt_block(exif: Image.Exif) -> bytes:
    kept = _describing_tags(exif)
    if not kept:
        return b""
    rebuilt = Image.Exif()
    for tag, value in kept.items():
        rebuilt[tag] = value
    return rebuilt.tobytes()


def _describing_tags(exif: Image.Exif) -> dict[int, Any]:
    """Pick the tags that describe the photo; the Exif and GPS directories become dictionaries."""
    kept: dict[int, Any] = {}
    for tag in _DESCRIBING_TAGS.intersection(exif):
        if tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            directory = exif.get_ifd(tag)
            kept[tag] = {
                key: _raw_text(value)
                for key, value in directory.items()
                if key != ExifTags.IFD.Interop  # an offset into the old file
            }
        else:
            kept[tag] = _raw_text(exif[tag])
    return kept


def _raw_text(value: Any) -> Any:
    """Give back the bytes of text that is not ASCII, where Pillow would write question marks."""
    return value.encode("latin-1") if isinstance(value, str) and not value.isascii() else value


def _upright_packet(image: Image.Image) -> bytes | None:
    packet: Any = image.info.get("xmp")
    if isinstance(packet, tuple):
        packet = next(iter(cast("tuple[object, ...]", packet)), None)
    return _XMP_ORIENTATION.sub(b"", packet) if isinstance(packet, bytes) and packet else None


def _usable_dpi(dpi: Any) -> tuple[float, float] | None:
    try:
        # A hundredth: PNG counts whole pixels per metre, and 300 dpi come back as 299.9994.
        across, down = round(float(dpi[0]), 2), round(float(dpi[1]), 2)
    except (TypeError, ValueError, IndexError, ArithmeticError):
        return None
    # Pillow gives 1 x 1 for a TIFF that says nothing; JPEG ends at 65 535.
    return (across, down) if 1 < across <= 65_535 and 1 < down <= 65_535 else None


def fit_metadata(
    meta: Metadata, size: tuple[int, int], file_format: str, *, grey: bool, keep: bool
) -> tuple[Metadata, tuple[str, ...]]:
    """Make metadata right for a file of this size and format.

    Args:
        meta: Of the picture to be written.
        size: Its width and height in pixels.
        file_format: ``jpeg``, ``png``, ``webp`` or ``tiff``.
        grey: Whether the file gets one colour channel.
        keep: False leaves out all but the colour profile, without which the colours would change.

    Returns:
        What the file can hold, and sentences about what was dropped.
    """
    notes: list[str] = []
    profile, exif, xmp, dpi = meta.icc_profile, meta.exif, meta.xmp, meta.dpi
    if not keep:
        exif = xmp = dpi = None
    if profile and not grey and profile_space(profile) == "GRAY":
        profile = None
        notes.append("The grey profile does not fit the colour channels written; it was dropped.")
    if exif:
        try:
            exif = exif_of_size(exif, *size)
            if file_format == "tiff":
                _rebuilt_block(_parsed(exif))  # for the proof that Pillow can write what it reads
        except Exception:  # whatever a damaged block makes Pillow raise
            exif = None
            notes.append("The EXIF data is damaged; it was dropped.")
    if xmp:
        xmp = _XMP_WIDTH.sub(rb"\g<1>%d" % size[0], xmp)
        xmp = _XMP_HEIGHT.sub(rb"\g<1>%d" % size[1], xmp)
    if file_format == "jpeg":
        if exif and len(_EXIF_PREFIX + exif) > _JPEG_SEGMENT:
            exif = None
            notes.append("The EXIF data is longer than a JPEG can hold (64 KiB); it was dropped.")
        if xmp and len(xmp) > _JPEG_SEGMENT - 29:  # 29 bytes name the segment
            xmp = None
            notes.append("The XMP data is longer than a JPEG can hold (64 KiB); it was dropped.")
    if file_format == "webp" and dpi:
        if exif is None:
            notes.append("WebP holds no resolution; the dpi value was dropped.")
        dpi = None
    return replace(meta, icc_profile=profile, exif=exif, xmp=xmp, dpi=dpi), tuple(notes)


def save_arguments(meta: Metadata, file_format: str) -> dict[str, Any]:
    """Turn fitted metadata into the arguments of Pillow's ``Image.save`` for JPEG, PNG or WebP."""
    arguments: dict[str, Any] = {}
    if meta.icc_profile:
        arguments["icc_profile"] = meta.icc_profile
    if meta.exif:
        arguments["exif"] = _EXIF_PREFIX + meta.exif
    if meta.dpi:
        arguments["dpi"] = meta.dpi
    if meta.xmp and file_format == "png":
        arguments["pnginfo"] = text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", meta.xmp)
    elif meta.xmp:
        arguments["xmp"] = meta.xmp
    return arguments


def tiff_tags(meta: Metadata) -> Mapping[int, Any]:
    """Turn fitted metadata into entries of a TIFF directory."""
    tags: dict[int, Any] = {}
    if meta.exif:
        tags.update(_describing_tags(_parsed(meta.exif)))
    if meta.dpi:
        tags[TiffImagePlugin.X_RESOLUTION], tags[TiffImagePlugin.Y_RESOLUTION] = meta.dpi
        tags[TiffImagePlugin.RESOLUTION_UNIT] = 2  # the inch
    if meta.xmp:
        tags[TiffImagePlugin.XMP] = meta.xmp
    if meta.icc_profile:
        tags[TiffImagePlugin.ICCPROFILE] = meta.icc_profile
    return tags
