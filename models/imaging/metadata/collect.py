"""What a picture file says beside its pixels: collected when it is read.

Bad metadata never stops a picture: a part that is damaged is dropped, and a sentence says so. Pixels are not
touched here.
"""

import struct
from collections.abc import Sequence
from typing import Any, BinaryIO, cast

from PIL import ExifTags, Image, JpegImagePlugin, TiffImagePlugin, TiffTags

from remend.models.imaging.colour.named import named_colours
from remend.models.imaging.metadata.blocks import parsed, rebuilt_block
from remend.models.imaging.metadata.exif import upright_exif
from remend.models.imaging.metadata.leftovers import what_is_left
from remend.models.imaging.metadata.texts import (
    COMMENT,
    PHOTOSHOP_PREFIX,
    RawProfiles,
    Texts,
    iptc_in,
    raw_profiles,
    text_of,
    texts_of_png,
)
from remend.models.imaging.metadata.xmp import (
    extension_of,
    renamed,
    without_orientation,
    without_promises,
)
from remend.models.imaging.picture import Metadata

EXIF_PREFIX = b"Exif\0\0"
_IPTC_TAG, _PHOTOSHOP_TAG = 33_723, 34_377
# Many programs write IPTC as numbers of four bytes, of which Pillow would keep the first alone.
TiffTags.TAGS_V2[_IPTC_TAG] = TiffTags.TagInfo(_IPTC_TAG, "IptcNaaInfo", TiffTags.UNDEFINED, 0)


def orientation_of(image: Image.Image) -> int:
    """Read the EXIF orientation that has still to be applied to what Pillow decodes: 1 to 8."""
    if image.format == "TIFF":
        return 1  # Pillow applies a TIFF's orientation itself
    return _orientation_in(image) or 1


def _orientation_in(image: Image.Image) -> int | None:
    """The orientation that the EXIF block names; one in XMP alone turns nothing, as in browsers."""
    try:
        block = _block_of(image, raw_profiles(image.info))
        orientation = parsed(block).get(ExifTags.Base.Orientation) if block else None
    except Exception:  # whatever a damaged block makes Pillow raise
        return None
    return orientation if orientation in range(1, 9) else None


def metadata_of(
    image: Image.Image, stream: BinaryIO, *, grey: bool, turned: bool = False
) -> Metadata:
    """Collect what an opened file says beside its pixels.

    Args:
        image: As Pillow opened it; a PNG decoded too, for what lies behind its pixels.
        stream: The whole file; its position moves.
        grey: Whether its pixels have one colour channel.
        turned: Whether a TIFF named an orientation; Pillow forgets it once it is applied.
    """
    notes: list[str] = []
    source_format = {"MPO": "jpeg", "DIB": "bmp"}.get(
        image.format or "", (image.format or "").lower()
    )
    raw = raw_profiles(image.info)
    turned = turned or _orientation_in(image) is not None
    profile, hdr = _colours_of(image, stream, raw, grey, notes)
    xmp, extension = _packets(image, raw, turned, notes)
    notes += what_is_left(image, stream, notes)
    return Metadata(
        icc_profile=profile,
        exif=_upright_block(image, raw, notes),
        xmp=xmp,
        xmp_extension=extension,
        iptc=_iptc_of(image, raw),
        texts=_texts_of(image),
        hdr=hdr,
        dpi=_usable_dpi(image.info.get("dpi")),
        source_format=source_format or None,
        grey=grey,
        notes=tuple(dict.fromkeys(notes)),
    )


def _colours_of(
    image: Image.Image, stream: BinaryIO, raw: RawProfiles, grey: bool, notes: list[str]
) -> tuple[bytes | None, bytes | None]:
    """The profile of the pixels, or the code points of a high dynamic range."""
    profile = image.info.get("icc_profile") or raw.icc
    if image.mode in ("CMYK", "LAB"):  # the conversion to sRGB uses that one up
        return None, None
    named = named_colours(image, stream, grey=grey)
    if named.decides or not profile:
        profile = named.profile
        if named.note:
            notes.append(named.note)
        if named.hdr or not profile:
            return None, named.hdr
    space = profile_space(profile)
    if space == "RGB" or (space == "GRAY" and grey):
        return profile, None
    notes.append("The colour profile is damaged or not for these pixels; it was dropped.")
    return None, None


def profile_space(profile: Any) -> str | None:
    """Name the colour space of an ICC profile (``RGB``, ``GRAY``, ``CMYK``, ...).

    Source: ICC.1:2022, table 17 (header: signature at byte 36, data colour space at byte 16).
    """
    if not isinstance(profile, bytes) or len(profile) < 132 or profile[36:40] != b"acsp":
        return None
    return profile[16:20].decode("latin-1").strip()


def _block_of(image: Image.Image, raw: RawProfiles) -> bytes:
    block: Any = image.info.get("exif") or raw.exif or b""
    while block.startswith(EXIF_PREFIX):
        block = block.removeprefix(EXIF_PREFIX)
    return block


def _upright_block(image: Image.Image, raw: RawProfiles, notes: list[str]) -> bytes | None:
    try:
        block = _block_of(image, raw)
        if not block and image.format == "TIFF":  # which has these tags in its own directory
            block = rebuilt_block(image.getexif()).removeprefix(EXIF_PREFIX)
        return (block and upright_exif(block)) or None
    except Exception:  # whatever a damaged block makes Pillow raise
        notes.append("The EXIF data is damaged; it was dropped.")
        return None


def _packets(
    image: Image.Image, raw: RawProfiles, turned: bool, notes: list[str]
) -> tuple[bytes | None, bytes | None]:
    """The XMP packet, and its extension in a JPEG, both true for upright pixels alone."""
    packet: Any = image.info.get("xmp") or raw.xmp
    if isinstance(packet, tuple):
        packet = next(iter(cast("tuple[object, ...]", packet)), None)
    if not isinstance(packet, bytes) or not packet:
        return None, None
    if turned:
        packet = without_orientation(packet)
    packet, promised = without_promises(packet)
    notes += promised
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return packet, None
    segments = [content for name, content in image.applist if name == "APP1"]
    extension = extension_of(packet, segments)
    if extension is None:
        if any(segment.startswith(b"http://ns.adobe.com/xmp/extension/\0") for segment in segments):
            notes.append("The extension of the XMP data is damaged; it was dropped.")
        return packet, None
    shorter, promised = without_promises(extension)
    notes += promised
    return (packet if shorter == extension else renamed(packet, shorter)), shorter


def _iptc_of(image: Image.Image, raw: RawProfiles) -> bytes | None:
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        segments = [content for name, content in image.applist if name == "APP13"]
        return iptc_in(b"".join(content.removeprefix(PHOTOSHOP_PREFIX) for content in segments))
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        block: Any = image.tag_v2.get(_IPTC_TAG)
        if isinstance(block, Sequence) and block and not isinstance(block, bytes | str):
            numbers = cast("Sequence[Any]", block)
            if all(isinstance(number, int) for number in numbers):  # written as LONGs
                order = "<" if image.tag_v2.prefix == b"II" else ">"
                block = struct.pack(f"{order}{len(numbers)}L", *numbers)
            else:
                block = numbers[0]
        resources = image.tag_v2.get(_PHOTOSHOP_TAG)
        if not block and isinstance(resources, bytes):
            block = iptc_in(resources)
        return block if isinstance(block, bytes) and block else None
    return raw.iptc


def _texts_of(image: Image.Image) -> Texts:
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        comments = [content for name, content in image.applist if name == "COM"]
        return tuple((COMMENT, text_of(content)) for content in comments if content)
    if image.format == "GIF" and isinstance(comment := image.info.get("comment"), bytes):
        return ((COMMENT, text_of(comment)),)
    return texts_of_png(getattr(image, "text", {})) if image.format == "PNG" else ()


def _usable_dpi(dpi: Any) -> tuple[float, float] | None:
    try:
        # A hundredth: PNG counts whole pixels per metre, and 300 dpi come back as 299.9994.
        across, down = round(float(dpi[0]), 2), round(float(dpi[1]), 2)
    except (TypeError, ValueError, IndexError, ArithmeticError):
        return None
    # Pillow gives 1 x 1 for a TIFF that says nothing; JPEG ends at 65 535.
    return (across, down) if 1 < across <= 65_535 and 1 < down <= 65_535 else None
