"""Repairs and upscales photos: ``remend.fill(photo, mask)``, ``remend.upscale(photo, scale)``.

Nothing heavy is imported here: who imports ``remend`` does not wait for torch. The command line is
``remend.app.cli.main``.
"""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import NDArray
    from PIL.Image import Image

    from remend.models.errors import InputError, RemendError, RequestError

    Photo = str | PathLike[str] | Image | NDArray[Any]

__all__ = [
    "InputError",
    "RemendError",
    "RequestError",
    "__version__",
    "fill",
    "find_damage",
    "upscale",
]
__version__ = "0.2.0"

# A wheel has the packages app, models and training in this folder, a checkout has them beside it.
if not (Path(__file__).parent / "models").is_dir():
    __path__.append(str(Path(__file__).resolve().parent.parent))


if not TYPE_CHECKING:  # which would believe that every misspelt name is there

    def __getattr__(name: str) -> Any:
        """The errors, found when they are asked for."""
        if name in ("InputError", "RemendError", "RequestError"):
            return getattr(importlib.import_module("remend.models.errors"), name)
        raise AttributeError(f"module 'remend' has no attribute {name!r}")


def fill(
    photo: "Photo",
    mask: "Photo",
    *,
    output: "str | PathLike[str] | None" = None,
    model: "str | PathLike[str] | None" = None,
    detail: float = 1.0,
    grow: int = 0,
    feather: int = 0,
    invert_mask: bool = False,
    soft_mask: bool = False,
    sensitivity: float | None = None,
    device: str = "auto",
    precision: str = "auto",
) -> Any:
    """Fill what a mask marks in white; what is black stays as it is, bit for bit.

    Other masks are understood too, with a warning that says how: layers, colours on black, copies of the
    photo from which the damage was erased.

    Args:
        photo: A path, a PIL image, or an array (H, W), (H, W, 3) or (H, W, 4) of uint8 or uint16, RGB.
        mask: A path, a PIL image, or an array (H, W) of bool (True = fill) or as a photo's (255 = fill);
            as large as the photo. ``"auto"``: what is damaged is found, as ``find_damage`` does.
        output: A file to write, with the photo's metadata, instead of returning pixels.
        model: Name or path of the weights; None = ``fill``, "auto" = for thick holes a network made for
            them, if the user has added one.
        detail: 0 = likeliest colours, smooth; 1 = texture.
        grow: Pixels by which the mask grows on every side; negative = shrink.
        feather: Pixels outside the mask over which the fill fades.
        invert_mask: Black = fill.
        soft_mask: Paste in proportion to the mask's values, instead of wholly where it marks.
        sensitivity: With ``mask="auto"``, as for ``find_damage``; None = 0.5.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto``, ``fp32``, ``bf16`` or ``fp16``.

    Returns:
        An array for an array, of its shape and type; else a PIL image of 8 bits with the photo's
        metadata; the path where ``output`` is given (which keeps 16 bits).

    Raises:
        RequestError: The request is wrong: another size, a mask that covers everything, no such model.
        InputError: A photo or mask that cannot be read.
    """
    from remend.app import python_api

    return python_api.fill(
        photo,
        mask,
        output=output,
        model=model,
        detail=detail,
        grow=grow,
        feather=feather,
        invert_mask=invert_mask,
        soft_mask=soft_mask,
        sensitivity=sensitivity,
        device=device,
        precision=precision,
    )


def find_damage(
    photo: "Photo",
    *,
    sensitivity: float = 0.5,
    device: str = "auto",
    precision: str = "auto",
) -> Any:
    """Find scratches, stains and tears, for a person to correct or for ``fill``.

    Args:
        photo: As for ``fill``.
        sensitivity: 0 = only what is certain, 1 = much that may be none.
        device: As for ``fill``.
        precision: As for ``fill``.

    Returns:
        A mask as large as the photo, 255 = damaged: an array (H, W) of uint8 for an array, else a PIL image.

    Raises:
        RequestError: The sensitivity is out of range.
        InputError: The photo cannot be read.
    """
    from remend.app import python_api

    return python_api.find_damage(
        photo, sensitivity=sensitivity, device=device, precision=precision
    )


def upscale(
    photo: "Photo",
    scale: float = 4,
    *,
    output: "str | PathLike[str] | None" = None,
    model: "str | PathLike[str] | None" = None,
    detail: float | None = None,
    tile: int | None = None,
    device: str = "auto",
    precision: str = "auto",
) -> Any:
    """Enlarge a photo.

    Args:
        photo: As for ``fill``.
        scale: 1.5 to 8.
        output: As for ``fill``.
        model: Name or path of the weights; None = the default for the scale.
        detail: 0 = faithful, 1 = all that the refine stage adds; None = the default.
        tile: Pixels of the photo at once; 0 = the whole photo, None = automatic.
        device: As for ``fill``.
        precision: As for ``fill``.

    Returns:
        As ``fill``.

    Raises:
        RequestError: The scale is out of range, or there is no such model.
        InputError: The photo cannot be read, or memory does not suffice.
    """
    from remend.app import python_api

    return python_api.upscale(
        photo,
        scale,
        output=output,
        model=model,
        detail=detail,
        tile=tile,
        device=device,
        precision=precision,
    )
