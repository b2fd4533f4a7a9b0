"""What ``remend doctor`` finds out: versions, devices, weights, and whether they work here and how fast.

The pictures it fills and enlarges are made in code, so it needs no file but the weights; what it prints is
one block to paste into a report. It repairs nothing.
"""

import importlib.util
import os
import time
from collections.abc import Callable

import numpy as np
import torch

from remend.app.cli.golden import compare
from remend.app.cli.terminal import format_seconds
from remend.app.engine.capacity import measure_capacity
from remend.app.engine.catalogue import (
    Model,
    card_of,
    default_fill_model,
    default_upscale_model,
    find_model,
    hash_weights,
    list_models,
    weights_folders,
)
from remend.app.engine.crash_report import name_versions
from remend.app.engine.model_pool import ModelPool
from remend.models.device import cpu_has_bf16
from remend.models.errors import RemendError
from remend.models.imaging.picture import Mask, Picture, Pixels
from remend.models.inference.restorer import FillOptions

_EXTRAS = {
    "community": ("spandrel", "other makers' weights"),
    "export": ("onnxscript", "ONNX files"),
    "heic": ("pillow_heif", "photos of iPhones"),
    "training": ("tensorboard", "training and fine-tuning"),
}
"""Extra -> a module that it brings, and what it is for."""
_FILL_SIDE, _HOLE_SIDE, _UPSCALE_SIDE = 512, 96, 256  # pixels

Say = Callable[[str], None]


def examine(pool: ModelPool, say: Say) -> bool:
    """Look at everything and say it, a line each.

    Args:
        pool: With the device and precision to try.
        say: Takes a line.

    Returns:
        Whether all that was tried worked.
    """
    say("```text")
    say(name_versions())
    _say_devices(pool, say)
    _say_weights(say)
    say("optional parts:")
    _say_optional(say)
    tries = (
        lambda: try_fill(pool, default_fill_model()),
        lambda: try_upscale(pool, default_upscale_model(2)),
        lambda: try_upscale(pool, default_upscale_model(4)),
    )
    good = True
    for attempt in tries:
        try:
            say(attempt())
        except RemendError as error:
            say(f"FAILED: {error}")
            good = False
    say("```")
    return good


def _say_optional(say: Say) -> None:
    """Which extras are there, and how to get those that are not."""
    for extra, (module, what) in _EXTRAS.items():
        there = importlib.util.find_spec(module) is not None
        state = "present" if there else f"missing: pip install 'remend[{extra}]'"
        say(f"  {extra} ({what}): {state}")


def _say_devices(pool: ModelPool, say: Say) -> None:
    cpu = torch.backends.cpu.get_cpu_capability()
    bf16 = "with" if cpu_has_bf16() else "without"
    say(f"cpu: {os.cpu_count()} cores, {torch.get_num_threads()} threads, {cpu}, {bf16} bf16")
    for index in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(index)
        say(f"cuda:{index}: {about.name}, {about.total_memory / 2**30:.0f} GiB")
    if torch.mps.is_available():
        say("mps: available")
    placement = pool.placement
    say(f"used: {placement.device}, {placement.reason}")


def _say_weights(say: Say) -> None:
    say(f"weights: looked for in {' and '.join(map(str, weights_folders()))}")
    for model in list_models():
        say(f"  {model.name}  {model.card.task}  sha256 {hash_weights(model.path)}  {model.path}")


def make_scene(side: int) -> Picture:
    """A picture of ``side`` x ``side`` pixels to try things on: soft colours, an edge, fine waves."""
    rows, columns = np.mgrid[:side, :side] / side
    waves = 0.1 * np.sin(40 * columns + 25 * rows)
    edge = 0.3 * (columns + 0.5 * rows > 0.7)
    rgb = np.stack((0.3 + 0.4 * columns, 0.2 + 0.5 * rows, 0.5 - 0.3 * columns * rows), -1)
    levels = np.clip(rgb + (waves + edge)[..., None], 0, 1) * 255
    return Picture(levels.round().astype(np.uint8))


def _find(name: str) -> Model:
    path = find_model(name)  # says what there is where there is no such model
    return Model(name, path, card_of(path))


def fill_scene(pool: ModelPool, model: Model) -> Pixels:
    """Fill a hole in the scene: (_HOLE_SIDE, _HOLE_SIDE, 3).

    Raises:
        RemendError: It does not work, or the outcome breaks the promises of filling.
    """
    scene = make_scene(_FILL_SIDE)
    first, last = (_FILL_SIDE - _HOLE_SIDE) // 2, (_FILL_SIDE + _HOLE_SIDE) // 2
    hole = np.zeros((_FILL_SIDE, _FILL_SIDE), np.bool_)
    hole[first:last, first:last] = True
    painted = np.where(hole[..., None], np.array([255, 0, 255], np.uint8), scene.rgb)
    filled = pool.fill(Picture(painted), Mask.from_array(hole), model.path, FillOptions())
    if filled.size != scene.size or (filled.rgb[~hole] != scene.rgb[~hole]).any():
        raise RemendError(f"{model.name} changed pixels outside the hole; please report it.")
    if (filled.rgb[hole] == painted[hole]).all(axis=-1).any():
        raise RemendError(
            f"{model.name} left pixels of the hole as they were; get its weights again."
        )
    return filled.rgb[first:last, first:last]


def enlarge_scene(pool: ModelPool, model: Model) -> Pixels:
    """Enlarge the scene by the model's own scale; errors as ``fill_scene``."""
    size = (_UPSCALE_SIDE * model.card.scale,) * 2
    enlarged = pool.upscale(make_scene(_UPSCALE_SIDE), model.path)
    if enlarged.size != size:
        raise RemendError(f"{model.name} made {enlarged.size} px, not {size}; please report it.")
    return enlarged.rgb


def try_fill(pool: ModelPool, name: str) -> str:
    """Fill a hole in the scene; returns a line about it; errors as ``fill_scene``."""
    model = _find(name)
    pool.inpainter(model.path)
    begin = time.monotonic()
    filled = fill_scene(pool, model)
    seconds = time.monotonic() - begin
    precision = str(pool.placement.dtype)
    golden = compare(filled, hash_weights(model.path), precision, name)
    return f"fill with {name}: {golden}, {format_seconds(seconds)} for a hole of {_HOLE_SIDE} px"


def try_upscale(pool: ModelPool, name: str) -> str:
    """Enlarge the scene; returns a line about it; errors as ``fill_scene``."""
    model = _find(name)
    upscaler = pool.upscaler(model.path)
    capacity = measure_capacity(upscaler, make_scene(_UPSCALE_SIDE))
    enlarged = enlarge_scene(pool, model)
    precision = str(pool.placement.dtype)
    golden = compare(enlarged, hash_weights(model.path), precision, name)
    tile = "largest safe tile not known here"
    if capacity.tile_px is not None:
        tile = f"largest safe tile about {capacity.tile_px} px"
    return f"upscale with {name}: {golden}, {capacity.seconds:.1f} s a megapixel, {tile}"
