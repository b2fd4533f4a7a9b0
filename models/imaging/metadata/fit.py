"""Metadata made right for the file that is written: its size, what its format holds, how it is stored there.

What a format cannot hold is dropped, and a sentence says so.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PIL import PngImagePlugin, TiffImagePlugin

from remend.models.imaging.colour.profiles import rgb_profile_of_grey
from remend.models.imaging.metadata import xmp as packets
from remend.models.imaging.metadata.blocks import describing_tags, parsed, rebuilt_block
from remend.models.imaging.metadata.collect import EXIF_PREFIX, profile_space
from remend.models.imaging.metadata.exif import exif_of_size
from remend.models.imaging.metadata.texts import (
    COMMENT,
    PHOTOSHOP_PREFIX,
    bytes_of,
    raw_profile_of,
    readable,
    resource_of,
    spelled,
)
from remend.models.imaging.picture import Metadata

_JPEG_SEGMENT = 65_533  # bytes that one marker segment holds (JPEG, T.81, B.1.1.4)
_NAMES = {"jpeg": "JPEG", "png": "PNG", "webp": "WebP", "tiff": "TIFF"}
_IPTC_TAG = 33_723


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
    if not keep:
        meta = Metadata(meta.icc_profile, hdr=meta.hdr, grey=meta.grey)
    profile = meta.icc_profile
    if profile and not grey and profile_space(profile) == "GRAY":
        profile = rgb_profile_of_grey(profile)
    if meta.icc_profile and not profile:
        notes.append("The grey profile does not fit the colour channels written; it was dropped.")
    exif = _fit_exif(meta.exif, size, file_format, notes)
    xmp, extension = _fit_xmp(meta, size, file_format, notes)
    meta = replace(meta, icc_profile=profile, exif=exif, xmp=xmp, xmp_extension=extension)
    return _fit_rest(meta, file_format, notes), tuple(notes)


def _fit_exif(
    exif: bytes | None, size: tuple[int, int], file_format: str, notes: list[str]
) -> bytes | None:
    if not exif:
        return None
    try:
        exif = exif_of_size(exif, *size)
        if file_format == "tiff":
            rebuilt_block(parsed(exif))  # for the proof that Pillow can write what it reads
    except Exception:  # whatever a damaged block makes Pillow raise
        notes.append("The EXIF data is damaged; it was dropped.")
        return None
    if file_format == "jpeg" and len(EXIF_PREFIX + exif) > _JPEG_SEGMENT:
        notes.append("The EXIF data is longer than a JPEG can hold (64 KiB); it was dropped.")
        return None
    return exif


def _fit_xmp(
    meta: Metadata, size: tuple[int, int], file_format: str, notes: list[str]
) -> tuple[bytes | None, bytes | None]:
    """The packet and, in a JPEG, its extension; elsewhere they become one."""
    xmp, extension = meta.xmp, meta.xmp_extension
    if not xmp:
        return None, None
    xmp = packets.of_size(xmp, *size)
    if extension is None:
        return xmp, None
    changed = packets.of_size(extension, *size)
    if changed != extension:
        xmp, extension = packets.renamed(xmp, changed), changed
    if file_format == "jpeg":
        return xmp, extension
    whole = packets.merged(xmp, extension)
    if whole is None:
        notes.append("The extension of the XMP data cannot be joined to it; it was dropped.")
    return whole or xmp, None


def _fit_rest(meta: Metadata, file_format: str, notes: list[str]) -> Metadata:
    """Resolution, IPTC and texts."""
    name = _NAMES[file_format]
    dpi, iptc, texts = meta.dpi, meta.iptc, meta.texts
    if file_format == "webp" and dpi:
        if meta.exif is None:
            notes.append("WebP holds no resolution; the dpi value was dropped.")
        dpi = None
    if iptc and (file_format == "webp" or (file_format == "jpeg" and len(iptc) > 65_000)):
        notes.append(f"{name} cannot hold the IPTC data; it was dropped.")
        iptc = None
    if file_format != "png":
        held = [text for text in texts if file_format == "jpeg" and text[0] == COMMENT]
        held = [(key, text) for key, text in held if len(bytes_of(text)) <= _JPEG_SEGMENT]
        if lost := [text for text in texts if text not in held]:
            notes.append(f"{name} cannot hold these texts: {spelled(lost)}; they were dropped.")
        texts = tuple(held)
    return replace(meta, dpi=dpi, iptc=iptc, texts=texts)


def save_arguments(meta: Metadata, file_format: str) -> dict[str, Any]:
    """Turn fitted metadata into the arguments of Pillow's ``Image.save`` for JPEG, PNG or WebP."""
    arguments: dict[str, Any] = {}
    if meta.icc_profile:
        arguments["icc_profile"] = meta.icc_profile
    if meta.exif:
        arguments["exif"] = EXIF_PREFIX + meta.exif
    if meta.dpi:
        arguments["dpi"] = meta.dpi
    if file_format == "png":
        arguments["pnginfo"] = _png_texts(meta)
    elif file_format == "jpeg":
        arguments["extra"] = _jpeg_segments(meta)
    elif meta.xmp:
        arguments["xmp"] = meta.xmp
    return arguments


def _png_texts(meta: Metadata) -> PngImagePlugin.PngInfo:
    texts = PngImagePlugin.PngInfo()
    if meta.xmp:
        texts.add_itxt("XML:com.adobe.xmp", meta.xmp)
    if meta.iptc:
        texts.add_text(*raw_profile_of(meta.iptc), zip=True)
    for key, text in meta.texts:
        text = readable(text)
        try:
            text.encode("latin-1")
        except UnicodeEncodeError:
            texts.add_itxt(key, text)
        else:
            texts.add_text(key, text)
    return texts


def _jpeg_segments(meta: Metadata) -> bytes:
    """What Pillow writes as it is, behind EXIF: XMP, IPTC, comments."""
    segments: list[tuple[int, bytes]] = []
    if meta.xmp:
        parts = packets.jpeg_segments(meta.xmp, meta.xmp_extension)
        segments += [(0xE1, part) for part in parts]
    if meta.iptc:
        segments.append((0xED, PHOTOSHOP_PREFIX + resource_of(meta.iptc)))
    segments += [(0xFE, bytes_of(text)) for _, text in meta.texts]
    return b"".join(
        bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2) + content
        for marker, content in segments
    )


def tiff_tags(meta: Metadata) -> Mapping[int, Any]:
    """Turn fitted metadata into entries of a TIFF directory."""
    tags: dict[int, Any] = {}
    if meta.exif:
        tags.update(describing_tags(parsed(meta.exif)))
    if meta.dpi:
        tags[TiffImagePlugin.X_RESOLUTION], tags[TiffImagePlugin.Y_RESOLUTION] = meta.dpi
        tags[TiffImagePlugin.RESOLUTION_UNIT] = 2  # the inch
    if meta.xmp:
        tags[TiffImagePlugin.XMP] = meta.xmp
    if meta.iptc:
        tags[_IPTC_TAG] = meta.iptc
    if meta.icc_profile:
        tags[TiffImagePlugin.ICCPROFILE] = meta.icc_profile
    return tags
