"""From an open picture file to the arrays of a ``Picture``.

Pillow reads most pixels; OpenCV reads those of 16-bit colour PNG, which Pillow would cut to 8 bits;
``tiff_files.samples`` reads those of TIFF that Pillow would cut or mix up. No other module decodes a
file. What is wrong with a file is found and worded in ``header``; callers use ``files``.
"""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile, TiffImagePlugin

from remend.models.imaging.header import OpenPicture, has_alpha, is_wide_colour, most_bits
from remend.models.imaging.integrity import check_decoded
from remend.models.imaging.metadata.collect import metadata_of, orientation_of, profile_space
from remend.models.imaging.opencv import load_opencv
from remend.models.imaging.parts import png_chunks, png_file
from remend.models.imaging.picture import Picture, Pixels, to_8_bit
from remend.models.imaging.tiff_files.kinds import (
    CMYK,
    COLOURS,
    GREYS,
    PHOTOMETRIC,
    YCBCR,
    alpha_of,
    count_photos,
    has_plain_samples,
    unread_samples,
)
from remend.models.imaging.tiff_files.samples import read_samples

_BAND_ROWS = 256  # rows converted at a time, where a conversion needs wider numbers than the pixels


def decode(opened: OpenPicture) -> Picture:
    """Decode the pixels (of the first frame or page) and set them upright.

    Call it inside the ``with`` of ``open_picture``, which words what goes wrong.
    """
    image = opened.image
    notes = _first_notes(image)
    tiff = image if isinstance(image, TiffImagePlugin.TiffImageFile) else None
    by_samples = tiff is not None and has_plain_samples(tiff.tag_v2)
    wide_png = tiff is None and is_wide_colour(image)
    with_alpha = has_alpha(image)
    grey = image.mode in ("1", "L", "LA", "La") or image.mode.startswith("I;16")
    if wide_png:
        grey = str(image.tile[0].args).startswith("LA")  # which Pillow opens as RGBA
    if image.format == "PNG" and image.mode in ("1", "L"):
        _scale_transparent_grey(image, opened.stream)
    turned = tiff is not None and ExifTags.Base.Orientation in tiff.tag_v2
    packet = None if tiff is None or turned else image.info.pop("xmp", None)
    if not by_samples:
        # A PNG may keep metadata behind its pixels, which Pillow reads only after decoding them.
        # Decoding a rare kind of file twice costs less than lost metadata.
        image.load()
    if packet is not None:  # in which Pillow would find an orientation for a TIFF, and turn it
        image.info["xmp"] = packet
    if damage := check_decoded(image, opened.stream):
        notes.append(damage)
    meta = metadata_of(image, opened.stream, grey=grey, turned=turned)
    orientation = orientation_of(image)
    if tiff is not None and by_samples:
        orientation = tiff.tag_v2.get(
            ExifTags.Base.Orientation, 1
        )  # which Pillow applies, but not here
        rgb, alpha = _decode_samples(tiff, opened.stream, notes)
    elif wide_png:
        # Frees Pillow's pixels; the close() of an ImageFile would close the stream as well.
        Image.Image.close(image)
        rgb, alpha = _decode_wide_png(opened, with_alpha)
    elif image.mode.startswith("I;16"):
        rgb, alpha = _split_wide_grey(image)
    else:
        rgb, alpha = _split_narrow(image, with_alpha, notes)
        Image.Image.close(image)
    if alpha is not None:
        alpha = _upright(alpha, orientation)
    return Picture(_upright(rgb, orientation), alpha, replace(meta, notes=(*notes, *meta.notes)))


def _first_notes(image: ImageFile.ImageFile) -> list[str]:
    """What the header says is not read."""
    notes: list[str] = []
    several = getattr(image, "is_animated", False)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        several = several and count_photos(image) > 1
        if unread := unread_samples(image.tag_v2):
            notes.append(
                f"It holds further samples, such as infrared ({unread} a pixel), which were not read."
            )
    if image.mode == "CMYK" and most_bits(image) == 16:
        notes.append("Its 16-bit CMYK colours were read with 8 bits.")
    if several:
        notes.append("Only the first of its pictures (frames, pages) was read.")
    return notes


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Apply an EXIF orientation (Exif 2.32, tag 0x0112) to (H, W, ...) pixels."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _scale_transparent_grey(image: ImageFile.ImageFile, stream: BinaryIO) -> None:
    """Bring the grey that is transparent (W3C PNG, 11.3.1.1) to 8 bits, as Pillow brings the pixels."""
    chunks = dict(png_chunks(stream, longest=100))
    if len(clear := chunks.get(b"tRNS", b"")) == 2:
        top = 2 ** chunks[b"IHDR"][8] - 1
        image.info["transparency"] = (int.from_bytes(clear) & top) * 255 // top


def _decode_samples(
    image: TiffImagePlugin.TiffImageFile, stream: BinaryIO, notes: list[str]
) -> tuple[Pixels, Pixels | None]:
    """Tell the samples of a TIFF apart: colours, transparency, others."""
    samples, photometric = read_samples(image, stream), image.tag_v2.get(PHOTOMETRIC, 0)
    colours = samples[..., : COLOURS[photometric]]
    if photometric == CMYK:
        inks = Image.fromarray(np.ascontiguousarray(to_8_bit(colours)), "CMYK")
        inks.info["icc_profile"] = image.info.get("icc_profile")
        return _split_narrow(inks, False, notes)
    if photometric == YCBCR:
        bright = Image.fromarray(np.ascontiguousarray(colours), "YCbCr")
        return np.asarray(bright.convert("RGB")), None
    if photometric == 0:  # white is zero
        colours = np.iinfo(samples.dtype).max - colours
    # A copy in any case: a picture one pixel wide would be a view of the file's own bytes.
    rgb = np.repeat(colours, 3, axis=2) if photometric in GREYS else colours.copy()
    kind = alpha_of(image.tag_v2)
    alpha = np.ascontiguousarray(samples[..., COLOURS[photometric]]) if kind else None
    if alpha is not None and kind == 1:
        _divide_by_alpha(rgb, alpha)
    return rgb, alpha


def _decode_wide_png(opened: OpenPicture, has_alpha: bool) -> tuple[Pixels, Pixels | None]:
    """Decode 16-bit colours with OpenCV."""
    cv2 = load_opencv()
    # Without further chunks: OpenCV would join the frames of an animation, in 8 bits.
    kept = (b"IHDR", b"tRNS", b"IDAT", b"IEND")
    chunks = png_chunks(opened.stream, longest=2**31)
    content = np.frombuffer(png_file(part for part in chunks if part[0] in kept), np.uint8)
    decoded = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    if decoded is None:
        raise ValueError("OpenCV cannot decode it")
    expected = (opened.image.height, opened.image.width)
    if decoded.shape[:2] != expected or decoded.shape[2] < 3 + has_alpha:
        raise ValueError(f"its header says {expected}, but its pixels are {decoded.shape}")
    decoded = decoded.astype(np.uint16, casting="no", copy=False)
    rgb = np.ascontiguousarray(decoded[..., 2::-1])
    return rgb, np.ascontiguousarray(decoded[..., 3]) if has_alpha else None


def _divide_by_alpha(rgb: Pixels, alpha: Pixels) -> None:
    """Undo premultiplication in place (TIFF 6.0, ExtraSamples = 1)."""
    top = np.uint32(np.iinfo(rgb.dtype).max)
    for start in range(0, len(rgb), _BAND_ROWS):
        band = rgb[start : start + _BAND_ROWS]
        share = np.maximum(alpha[start : start + _BAND_ROWS, :, None], 1).astype(np.uint32)
        band[...] = np.minimum((band * top + share // 2) // share, top)


def _split_wide_grey(image: ImageFile.ImageFile) -> tuple[Pixels, Pixels | None]:
    values = np.asarray(image).astype(np.uint16)
    clear = image.info.get("transparency")
    alpha = None if clear is None else np.where(values == clear, 0, 65_535).astype(np.uint16)
    return np.repeat(values[..., None], 3, axis=2), alpha


def _split_narrow(
    image: Image.Image, has_alpha: bool, notes: list[str]
) -> tuple[Pixels, Pixels | None]:
    """Bring whatever 8-bit mode Pillow decoded to RGB and alpha, band by band to save memory."""
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


def _standard_profile(space: str) -> ImageCms.ImageCmsProfile:
    cms: Any = ImageCms  # its own annotations are incomplete
    return ImageCms.ImageCmsProfile(cms.createProfile(space))


def _srgb_conversion(image: Image.Image, notes: list[str]) -> Callable[[Image.Image], Image.Image]:
    """Choose how CMYK (by the file's own profile) or Lab colours become sRGB."""
    kind = "Lab" if image.mode == "LAB" else image.mode
    profile: Any = image.info.get("icc_profile")
    try:
        if image.mode == "LAB":
            origin = _standard_profile("LAB")
        elif profile_space(profile) == "CMYK":
            origin = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        else:
            raise ImageCms.PyCMSError("no profile of these colours")
        transform = ImageCms.buildTransform(
            origin,
            _standard_profile("sRGB"),
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
