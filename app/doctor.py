"""What ``remend doctor`` finds out: versions, devices, weights, and whether they work here and how fast.

The pictures it fills and enlarges are made in code, so it needs no file but the weights. It repairs nothing.
"""

import importlib.metadata
import os
import platform
import time
from collections.abc import Callable

import numpy as np
import torch

from app.catalogue import (
    default_fill_model,
    default_upscale_model,
    hash_weights,
    list_models,
    weights_folders,
)
from app.terminal import format_seconds
from app.workshop import Workshop
from models.device import cpu_has_bf16
from models.errors import RemendError
from models.picture import Mask, Picture
from models.restorer import FillOptions, UpscaleOptions

_PACKAGES = ("torch", "numpy", "opencv-python", "opencv-python-headless", "pillow", "gradio")
_FILL_SIDE, _HOLE_SIDE, _UPSCALE_SIDE = 512, 96, 256  # pixels

Say = Callable[[str], None]


def examine(workshop: Workshop, say: Say) -> bool:
    """Look at everything and say it, a line each.

    Args:
        workshop: With the device and precision to try.
        say: Takes a line.

    Returns:
        Whether all that was tried worked.
    """
    _say_versions(say)
    _say_devices(workshop, say)
    _say_weights(say)
    tries = (
        lambda: try_fill(workshop, default_fill_model()),
        lambda: try_upscale(workshop, default_upscale_model(2), 2),
        lambda: try_upscale(workshop, default_upscale_model(4), 4),
    )
    good = True
    for attempt in tries:
        try:
            say(attempt())
        except RemendError as error:
            say(f"FAILED: {error}")
            good = False
    return good


def _say_versions(say: Say) -> None:
    say(f"remend {_version('remend')} on Python {platform.python_version()}, {platform.platform()}")
    found = {name: _version(name) for name in _PACKAGES}
    say(", ".join(f"{name} {version}" for name, version in found.items() if version))


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _say_devices(workshop: Workshop, say: Say) -> None:
    cpu = torch.backends.cpu.get_cpu_capability()
    bf16 = "with" if cpu_has_bf16() else "without"
    say(f"cpu: {os.cpu_count()} cores, {torch.get_num_threads()} threads, {cpu}, {bf16} bf16")
    for index in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(index)
        say(f"cuda:{index}: {about.name}, {about.total_memory / 2**30:.0f} GiB")
    if torch.mps.is_available():
        say("mps: available")
    placement = workshop.placement
    say(f"used: {placement.device}, {placement.reason}")


def _say_weights(say: Say) -> None:
    say(f"weights: looked for in {' and '.join(map(str, weights_folders()))}")
    for model in list_models():
        say(
            f"  {model.name}  {model.card.task}  sha256 {hash_weights(model.path)[:12]}  {model.path}"
        )


def make_scene(side: int) -> Picture:
    """A picture of ``side`` x ``side`` pixels to try things on: soft colours, an edge, fine waves."""
    rows, columns = np.mgrid[:side, :side] / side
    waves = 0.1 * np.sin(40 * columns + 25 * rows)
    edge = 0.3 * (columns + 0.5 * rows > 0.7)
    rgb = np.stack((0.3 + 0.4 * columns, 0.2 + 0.5 * rows, 0.5 - 0.3 * columns * rows), -1)
    levels = np.clip(rgb + (waves + edge)[..., None], 0, 1) * 255
    return Picture(levels.round().astype(np.uint8))


def try_fill(workshop: Workshop, model: str) -> str:
    """Fill a hole in the scene; returns a line about it.

    Raises:
        RemendError: It does not work, or the outcome breaks the promises of filling.
    """
    scene = make_scene(_FILL_SIDE)
    first, last = (_FILL_SIDE - _HOLE_SIDE) // 2, (_FILL_SIDE + _HOLE_SIDE) // 2
    hole = np.zeros((_FILL_SIDE, _FILL_SIDE), np.bool_)
    hole[first:last, first:last] = True
    painted = np.where(hole[..., None], np.array([255, 0, 255], np.uint8), scene.rgb)
    workshop.inpainter(model)
    begin = time.monotonic()
    filled = workshop.fill(Picture(painted), Mask.from_array(hole), model, FillOptions())
    seconds = time.monotonic() - begin
    if filled.size != scene.size or (filled.rgb[~hole] != scene.rgb[~hole]).any():
        raise RemendError(f"{model} changed pixels outside the hole; please report it.")
    if (filled.rgb[hole] == painted[hole]).all(axis=-1).any():
        raise RemendError(f"{model} left pixels of the hole as they were; get its weights again.")
    error = np.abs(filled.rgb[hole].astype(float) - scene.rgb[hole]).mean()
    return (
        f"fill with {model}: good, {format_seconds(seconds)} for a hole of {_HOLE_SIDE} px, "
        f"{error:.1f}/255 from the original"
    )


def try_upscale(workshop: Workshop, model: str, scale: int) -> str:
    """Enlarge the scene; returns a line about it; errors as ``try_fill``."""
    scene = make_scene(_UPSCALE_SIDE)
    truth = make_scene(_UPSCALE_SIDE * scale)
    workshop.upscaler(model)
    begin = time.monotonic()
    enlarged = workshop.upscale(scene, model, UpscaleOptions(size=truth.size))
    seconds = time.monotonic() - begin
    if enlarged.size != truth.size:
        raise RemendError(
            f"{model} made {enlarged.size} pixels, not {truth.size}; please report it."
        )
    error = np.abs(enlarged.rgb.astype(float) - truth.rgb).mean()
    return (
        f"upscale x{scale} with {model}: good, {seconds / scene.megapixels:.1f} s a megapixel, "
        f"{error:.1f}/255 from the original"
    )
