"""Repairs and upscales photos: ``remend.fill(photo, mask)``, ``remend.upscale(photo, scale)``; the command.

This module is all that Remend puts in anyone's way. Its packages ``app``, ``models`` and ``training`` call
each other by these names, which are too common to be taken from other people's programs; so they are
imported as parts of this module (``remend.models.picture``), which is a package by its ``__path__``, and
where their own code says ``models`` it gets ``remend.models``.
"""

import builtins
import importlib
import importlib.machinery
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import NDArray
    from PIL.Image import Image

    Photo = str | PathLike[str] | Image | NDArray[Any]

__all__ = ["fill", "main", "upscale"]

HERE = Path(__file__).resolve().parent
BUNDLE = HERE / "remend_bundle"
__path__ = [str(BUNDLE if BUNDLE.is_dir() else HERE)]
OURS = ("app", "models", "training")


def _import(
    name: str,
    globals: Any = None,
    locals: Any = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    """``__import__`` as our own modules see it: their neighbours are found here and nowhere else."""
    top = name.partition(".")[0]
    if level or top not in OURS:
        return builtins.__import__(name, globals, locals, fromlist or (), level)
    module = importlib.import_module(f"remend.{name}")
    if not fromlist:
        return sys.modules[f"remend.{top}"]
    for part in fromlist:  # a submodule may be asked for
        if not hasattr(module, part):
            importlib.import_module(f"remend.{name}.{part}")
    return module


class _Loader(importlib.machinery.SourceFileLoader):
    """Runs a module of ours with ``_import`` in the place of ``__import__``."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module."""
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _import}
        super().exec_module(module)


class _Finder:
    """Finds ``remend.*`` in ``__path__``."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find a part of ours; anything else is others' business."""
        if not fullname.startswith("remend."):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if (
            spec is not None
            and spec.origin
            and isinstance(spec.loader, importlib.machinery.SourceFileLoader)
        ):
            spec.loader = _Loader(fullname, spec.origin)
        return spec


if __name__ == "remend":
    sys.meta_path.insert(0, _Finder())


def _part(name: str) -> Any:
    """A module of ours, imported at its first use: who imports ``remend`` does not wait for torch."""
    return importlib.import_module(f"remend.{name}")


def __getattr__(name: str) -> Any:
    """The errors, found when they are asked for."""
    if name in ("InputError", "RemendError", "RequestError"):
        return getattr(_part("models.errors"), name)
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
    device: str = "auto",
    precision: str = "auto",
) -> Any:
    """Fill the white part of a mask; what is black stays as it is, bit for bit.

    Args:
        photo: A path, a PIL image, or an array (H, W), (H, W, 3) or (H, W, 4) of uint8 or uint16, RGB.
        mask: A path, a PIL image, or an array (H, W) of bool (True = fill) or uint8 (255 = fill); as
            large as the photo.
        output: A file to write, with the photo's metadata, instead of returning pixels.
        model: Name or path of the weights; None = ``fill``.
        detail: 0 = likeliest colours, smooth; 1 = texture.
        grow: Pixels by which the mask grows on every side; negative = shrink.
        feather: Pixels outside the mask over which the fill fades.
        invert_mask: Black = fill.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto``, ``fp32``, ``bf16`` or ``fp16``.

    Returns:
        An array for an array, of its shape and type; else a PIL image of 8 bits with the photo's
        metadata; the path where ``output`` is given (which keeps 16 bits).

    Raises:
        RequestError: The request is wrong: another size, a mask that covers everything, no such model.
        InputError: A photo or mask that cannot be read.
    """
    return _part("app.python_use").fill(
        photo,
        mask,
        output=output,
        model=model,
        detail=detail,
        grow=grow,
        feather=feather,
        invert_mask=invert_mask,
        device=device,
        precision=precision,
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
    return _part("app.python_use").upscale(
        photo,
        scale,
        output=output,
        model=model,
        detail=detail,
        tile=tile,
        device=device,
        precision=precision,
    )


def main() -> int | None:
    """Run the command line; returns its exit code."""
    return _part("app.cli").main()


if __name__ == "__main__":
    sys.exit(main())
