"""Masks in files: which pixels a picture marks, whatever kind of picture it is stored as.

The plain form is white on black. Copies of a photo from which the damage was erased, layers on a transparent
ground, colours on black and label maps are understood too, and a note says so. What can mean two things is
refused. The command line, the page and the Python functions all read masks here; nothing here fills.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from remend.models.errors import OptionNote, RequestError
from remend.models.imaging.files import read_picture, write_picture
from remend.models.imaging.header import Source
from remend.models.imaging.mask_shape import is_copy, is_shapeless
from remend.models.imaging.picture import Mask, Metadata, Picture, Pixels, to_8_bit
from remend.models.storage.remote import AnyPath

LEAST, LEAST_LOSSY = 16, 64
"""Smallest value of 255 that marks a pixel: a brush's rim does, the noise of lossy compression does not."""
LOSSY_FORMATS = frozenset({"jpeg", "webp", "avif", "heif"})
_LOSSLESS_WEBP = b"VP8L"  # the chunk of the pixels; a profile may stand before it
_HEAD_BYTES = 1 << 16
_WHITE = 240
_COLOUR_STEP = 48  # between the channels of a pixel: more than the noise of compression
_ONE_COLOUR_STEP = 8  # between pixels of one colour, after rounding under transparency
_FEW_COLOURS = 32
_SPECKS = 0.01  # of what is painted; less black than that is no ground
_MOST = 0.9  # of a photo; a mask that marks more is probably the wrong way round

PhotoOf = Callable[[], Picture]
Values = NDArray[np.uint8]


class _Reading(NamedTuple):
    """What a picture marks: values (H, W), 255 = wholly; a note; and whether the values between count."""

    values: Values
    note: str = ""
    has_levels: bool = True


def read_mask(
    source: Source,
    *,
    photo: PhotoOf | None = None,
    invert: bool = False,
    soft: bool = False,
    lossy: bool | None = None,
) -> Mask:
    """Read what a mask's file marks.

    Args:
        source: A path, a file's bytes, or a binary stream.
        photo: Gives the photo that the mask belongs to. It is asked only where the mask may be a copy of it.
        invert: Mark what is not marked instead.
        soft: Keep the values between 0 and 255, as shares of the fill that is pasted.
        lossy: Whether the values have the noise of compression; None = as the file's format has it.

    Returns:
        255 where the photo is to be filled, else 0; with ``soft`` also values between. What was unusual is
        in its notes.

    Raises:
        InputError: As ``models.imaging.files.read_picture``.
        RequestError: The mask can mean two things, or shows no shape.
    """
    picture = read_picture(source)
    name = str(source) if isinstance(source, AnyPath) else "The mask"
    if lossy is None:
        lossy = picture.meta.source_format in LOSSY_FORMATS and not _is_lossless_webp(source)
    return interpret_mask(picture, name, photo=photo, invert=invert, soft=soft, lossy=lossy)


def interpret_mask(
    picture: Picture,
    name: str = "The mask",
    *,
    photo: PhotoOf | None = None,
    invert: bool = False,
    soft: bool = False,
    lossy: bool = False,
) -> Mask:
    """As `read_mask`, for a picture in memory that messages call ``name``."""
    least = LEAST_LOSSY if lossy else LEAST
    alpha = None if picture.alpha is None else to_8_bit(picture.alpha)
    if alpha is not None and (alpha <= 255 - least).any():
        reading = _read_transparency(picture, alpha, name, photo)
    else:
        reading = _read_colours(picture, name, least, photo, soft=soft)
    values = reading.values
    if not reading.has_levels and not soft:
        values = _marked(values, least)
    if invert:
        values = 255 - values
    if not soft:
        values = _marked(values, least)
    notes = [reading.note] * bool(reading.note)
    share = np.count_nonzero(values) / values.size
    if _MOST < share < 1:
        how = "do not invert" if invert else "invert"
        sentence = f"The mask marks {share:.0%} of the photo; if the rest is meant, {how} the mask."
        notes.append(OptionNote(sentence, "invert_mask"))
    return Mask(values, tuple(notes))


def _marked(values: Values, least: int) -> Values:
    return np.where(values >= least, np.uint8(255), np.uint8(0))


def write_mask(mask: Mask, target: AnyPath) -> None:
    """Write a mask as a grey picture, in a form that `read_mask` gives back; errors as `write_picture`."""
    pixels = np.repeat(mask.values[..., None], 3, axis=2)
    write_picture(Picture(pixels, meta=Metadata(grey=True)), target)


def _is_lossless_webp(source: Source) -> bool:
    """Whether a WebP file holds its pixels without loss, which Pillow does not tell."""
    if isinstance(source, bytes):
        head = source[:_HEAD_BYTES]
    elif isinstance(source, AnyPath) and source.suffix.lower() == ".webp":
        with source.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    else:
        return False
    return head[8:12] == b"WEBP" and _LOSSLESS_WEBP in head


def _read_transparency(
    picture: Picture, alpha: Values, name: str, photo: PhotoOf | None
) -> _Reading:
    """What a picture with transparent pixels marks: those, or the others."""
    layer = _Reading(
        alpha, "The mask is a layer on a transparent ground; what is painted is filled."
    )
    shown = alpha > 127
    if not shown.any():
        return layer
    painted = to_8_bit(picture.rgb)[shown]
    first, last = painted.min(0), painted.max(0)
    is_one_colour = int((last - first).max()) <= _ONE_COLOUR_STEP
    has_ground = float((painted.max(1) < LEAST).mean()) > _SPECKS
    if is_one_colour:
        # Little black paint is a layer; much of it is as well the black of a mask.
        if not (has_ground and shown.mean() > 0.5):
            return layer
    elif _is_erased_copy(picture, alpha, painted, photo):
        note = "The mask is a copy of the photo; what was erased from it is filled."
        return _Reading(255 - alpha, note)
    elif _has_few_colours(painted) and not has_ground:
        return layer
    painted_share = float(shown.mean())
    raise RequestError(
        f"{name} can mean two things: fill what is painted ({painted_share:.0%} of it), or fill what is "
        f"transparent ({1 - painted_share:.0%}); save it without transparency, white where the photo is to "
        "be filled."
    )


def _is_erased_copy(
    picture: Picture, alpha: Values, painted: Values, photo: PhotoOf | None
) -> bool:
    """Whether the opaque pixels are the photo's; where no photo can be compared, those of any photo."""
    original = photo() if photo else None
    if original is None or original.size != picture.size:
        return not _has_few_colours(painted)
    return is_copy(picture, alpha, original)


def _has_few_colours(pixels: Values) -> bool:
    """Whether pixels (n, 3) have the few colours of a drawing, not the many of a photo."""
    sample = pixels[:: max(1, len(pixels) // 100_000)].astype(np.uint32) >> 3
    _, counts = np.unique(sample @ np.array([1 << 10, 1 << 5, 1], np.uint32), return_counts=True)
    return np.sort(counts)[-_FEW_COLOURS:].sum() > _MOST * len(
        sample
    )  # the rest are mixtures at edges


def _merge(function: np.ufunc, rgb: Pixels) -> Pixels:
    """Merge channels pixel by pixel; five times as fast as along the last axis."""
    return function(function(rgb[..., 0], rgb[..., 1]), rgb[..., 2])


def _read_colours(
    picture: Picture, name: str, least: int, photo: PhotoOf | None, *, soft: bool
) -> _Reading:
    """What a picture without transparent pixels marks: whatever is not black."""
    rgb = to_8_bit(picture.rgb)
    values = np.asarray(_merge(np.maximum, rgb), np.uint8)
    brightest, lossless = int(picture.rgb.max()), least == LEAST
    if lossless and 0 < brightest < LEAST * (257 if picture.bit_depth == 16 else 1):
        levels = _merge(np.maximum, picture.rgb)
        labels = (levels.astype(np.uint32) * 255 // brightest).astype(np.uint8)
        if not is_shapeless(labels, 1):
            note = (
                f"The mask's values are labels from 0 to {brightest}; all that is not 0 is filled."
            )
            marks = np.where(levels > 0, np.uint8(255), np.uint8(0))
            return _Reading(marks, note if brightest > 1 else "")
    marked = values >= least
    colourful = marked & (values - _merge(np.minimum, rgb) > _COLOUR_STEP)
    grey = marked & (values < _WHITE) & ~colourful
    if grey.any():
        _refuse_photo(picture, values, grey, name, least, photo, soft=soft)
    if not colourful.any():
        return _Reading(values)
    white = marked & ~colourful & (values >= _WHITE)
    if float(white.mean()) > 0.5 and float(marked.mean()) > 0.99:
        raise RequestError(
            f"{name} can mean two things: fill its colours ({colourful.mean():.0%} of it), or fill its white "
            f"({white.mean():.0%}); make black what is to stay."
        )
    note = "The mask has colours; all that is not black is filled."
    return _Reading(values, note, has_levels=False)


def _refuse_photo(
    picture: Picture,
    values: Values,
    grey: NDArray[np.bool_],
    name: str,
    least: int,
    photo: PhotoOf | None,
    *,
    soft: bool,
) -> None:
    """Refuse a photo given as its own mask, and grey noise."""
    if is_shapeless(values, least, only_noise=soft):
        raise RequestError(
            f"{name} is grey all over ({grey.mean():.0%} of it) and shows no shape; paint white what is to "
            "be filled, and black what is to stay."
        )
    if photo is not None and float(grey.mean()) > 0.5 and is_copy(picture, None, photo()):
        raise RequestError(
            f"{name} is a copy of the photo in which nothing is erased; paint white what is to be filled, "
            "and black what is to stay."
        )
