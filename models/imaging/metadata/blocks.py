"""EXIF blocks as Pillow takes them apart: for TIFF, which keeps their tags in its own directory.

Elsewhere blocks stay as they are (``metadata.exif``).
"""

from typing import Any

from PIL import ExifTags, Image

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


def parsed(block: bytes) -> Image.Exif:
    """Take a block apart."""
    exif = Image.Exif()
    exif.load(block)
    return exif


def rebuilt_block(exif: Image.Exif) -> bytes:
    """Build a block of the tags that describe the photo; empty = there are none."""
    kept = describing_tags(exif)
    if not kept:
        return b""
    rebuilt = Image.Exif()
    for tag, value in kept.items():
        rebuilt[tag] = value
    return rebuilt.tobytes()


def describing_tags(exif: Image.Exif) -> dict[int, Any]:
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
