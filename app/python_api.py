"""What ``remend.fill`` and ``remend.upscale`` do: photos of any Python kind in, the same kind out.

Paths, PIL images and NumPy arrays become a `Picture`, go the way of the commands, and come back. PIL images
are read through the one decoder too, as an uncompressed TIFF in memory, so that orientation, palettes, CMYK,
profiles and EXIF mean what they mean for files.
"""

import functools
import io
import warnings
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from remend.app.batch.requests import (
    AUTO_MASK,
    DEFAULT_SENSITIVITY,
    FillRequest,
    UpscaleRequest,
    check_range,
)
from remend.app.batch.target_size import TargetSize
from remend.app.batch.work import EncodeOptions
from remend.app.engine.catalogue import default_damage_model
from remend.app.engine.devices import resolve_placement
from remend.app.engine.model_pool import ModelPool
from remend.models.device import DTYPES
from remend.models.errors import InputError, OptionError, OptionNote
from remend.models.imaging.files import encode_picture, read_picture, same_file
from remend.models.imaging.mask_file import LOSSY_FORMATS, interpret_mask, read_mask
from remend.models.imaging.picture import Mask, Metadata, Picture

Photo = str | PathLike[str] | Image.Image | NDArray[Any]


def fill(
    photo: Photo,
    mask: Photo,
    *,
    output: str | PathLike[str] | None,
    model: str | PathLike[str] | None,
    detail: float,
    grow: int,
    feather: int,
    invert_mask: bool,
    soft_mask: bool,
    sensitivity: float | None,
    device: Any,
    precision: Any,
) -> Any:
    """See ``remend.fill``."""
    _check_output(output, photo, mask)
    is_auto = isinstance(mask, str) and mask == AUTO_MASK
    if sensitivity is not None and not is_auto:
        raise OptionError("sensitivity", sensitivity, f'is for mask="{AUTO_MASK}"')
    if is_auto and sensitivity is None:
        sensitivity = DEFAULT_SENSITIVITY
    request = FillRequest(
        _name(model),
        detail,
        grow,
        feather,
        invert_mask,
        soft_mask,
        sensitivity=sensitivity,
    )
    picture, pool = _read(photo), _pool(device, precision)
    if sensitivity is None:
        missing = _read_mask(mask, picture, invert_mask, soft_mask)
    else:
        missing = pool.find_damage(picture, default_damage_model()).mask(sensitivity)
    missing = missing.grown(grow)
    for note in missing.notes:
        name = f"{note.option}=True" if isinstance(note, OptionNote) else ""
        warnings.warn(note.worded(name) if isinstance(note, OptionNote) else note, stacklevel=3)
    filled = pool.fill(
        picture, missing, request.weights, request.options, thick=request.thick_weights
    )
    return _give_back(filled, photo, output)


def find_damage(photo: Photo, *, sensitivity: float, device: Any, precision: Any) -> Any:
    """See ``remend.find_damage``."""
    check_range("sensitivity", sensitivity, 0, 1)
    found = _pool(device, precision).find_damage(_read(photo), default_damage_model())
    values = found.mask(sensitivity).values
    return values.copy() if isinstance(photo, np.ndarray) else Image.fromarray(values)


def upscale(
    photo: Photo,
    scale: float,
    *,
    output: str | PathLike[str] | None,
    model: str | PathLike[str] | None,
    detail: float | None,
    tile: int | None,
    device: Any,
    precision: Any,
) -> Any:
    """See ``remend.upscale``."""
    _check_output(output, photo)
    request = UpscaleRequest(TargetSize(scale=scale), _name(model), detail, tile_px=tile)
    picture = _read(photo)
    weights, options = request.weights_for(picture.size), request.options_for(picture.size)
    pool = _pool(device, precision)
    return _give_back(pool.upscale(picture, weights, options), photo, output)


@functools.cache
def _pool(device: Any, precision: Any) -> ModelPool:
    """One for each placement, so that networks are loaded once."""
    if precision not in ("auto", *DTYPES):
        raise OptionError("precision", repr(precision), "is unknown", f"auto, {', '.join(DTYPES)}")
    return ModelPool([resolve_placement(str(device), precision, None, warnings.warn)])


def _name(model: str | PathLike[str] | None) -> str | Path | None:
    return model if model is None or isinstance(model, str) else Path(model)


def _check_output(output: str | PathLike[str] | None, *inputs: Photo) -> None:
    paths = [Path(given) for given in inputs if isinstance(given, str | PathLike)]
    if output is not None and any(same_file(Path(output), path) for path in paths):
        raise OptionError("output", output, "is an input", "another file")


def _read(photo: Photo) -> Picture:
    match photo:
        case np.ndarray():
            return _from_array(photo)
        case Image.Image():
            return read_picture(_as_file(photo))
        case str() | PathLike():
            return read_picture(Path(photo))
    raise InputError(
        f"A {type(photo).__name__} is no photo; give a path, a PIL image or a NumPy array."
    )


def _read_mask(mask: Photo, photo: Picture, invert: bool, soft: bool) -> Mask:
    asked: dict[str, Any] = {"photo": lambda: photo, "invert": invert, "soft": soft}
    if isinstance(mask, np.ndarray):
        if mask.dtype == np.bool_ and mask.ndim == 2:
            values = Mask.from_array(mask)
            return values.inverted() if invert else values
        if mask.ndim not in (2, 3) or mask.dtype not in (np.uint8, np.uint16):
            raise InputError(
                "A mask array must be (H, W) of bool (True = fill), or a picture of uint8 (255 = fill) or "
                f"uint16, but is {mask.shape} of {mask.dtype}."
            )
        return interpret_mask(_from_array(mask), **asked)
    if isinstance(mask, Image.Image):
        lossy = (mask.format or "").lower() in LOSSY_FORMATS
        return read_mask(_as_file(mask), **asked, lossy=lossy)
    if isinstance(mask, str | PathLike):
        return read_mask(Path(mask), **asked)
    raise InputError(
        f"A {type(mask).__name__} is no mask; give a path, a PIL image or a NumPy array."
    )


def _from_array(array: NDArray[Any]) -> Picture:
    """A picture with its own copy of the pixels.

    Raises:
        InputError: Another shape or type than grey, RGB or RGBA in uint8 or uint16.
    """
    grey = array.ndim == 2
    channels = 1 if grey else array.shape[-1] if array.ndim == 3 else 0
    if channels not in (1, 3, 4) or array.size == 0 or array.dtype not in (np.uint8, np.uint16):
        raise InputError(
            "A photo array must be (H, W), (H, W, 3) or (H, W, 4) of uint8 or uint16 in RGB order, "
            f"but is {array.shape} of {array.dtype}."
        )
    if channels == 1:
        one = array.reshape(*array.shape[:2], 1)
        return Picture(np.repeat(one, 3, axis=2), meta=Metadata(grey=True))
    alpha = array[..., 3].copy() if channels == 4 else None
    return Picture(array[..., :3].copy(), alpha)


def _as_file(image: Image.Image) -> bytes:
    """A PIL image as the bytes of a TIFF file, which holds every mode and the metadata."""
    kept = {key: image.info[key] for key in ("icc_profile", "dpi") if image.info.get(key)}
    if image.mode in ("PA", "RGBa", "La", "HSV", "YCbCr", "LAB", "F", "I"):
        image = image.convert("RGBA" if image.mode in ("PA", "RGBa", "La") else "RGB")
    if "transparency" in image.info:
        image = image.convert("RGBA")
    buffer = io.BytesIO()
    image.save(buffer, "TIFF", exif=image.getexif(), **kept)
    return buffer.getvalue()


def _give_back(picture: Picture, photo: Photo, output: str | PathLike[str] | None) -> Any:
    if output is not None:
        EncodeOptions().save(picture, Path(output))
        return Path(output)
    if not isinstance(photo, np.ndarray):
        holder = "png" if picture.meta.hdr else "tiff"  # the one format for such colours
        image = Image.open(io.BytesIO(encode_picture(picture, holder)[0]))
        image.load()
        return image
    if picture.meta.grey:
        return picture.rgb[..., 0].reshape(*picture.rgb.shape[:2], *photo.shape[2:]).copy()
    if picture.alpha is not None:
        return np.dstack([picture.rgb, picture.alpha])
    return picture.rgb.copy()
