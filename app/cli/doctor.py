"""What ``remend doctor`` prints: versions, devices, weights, and whether they work here and how fast.

The pictures it fills and enlarges are made in code, so it needs no file but the weights. What it prints is
one block to paste into a report. It repairs nothing.
"""

import importlib.util
import os
import time

import numpy as np
import torch

from remend.app.batch.requests import DEFAULT_SENSITIVITY
from remend.app.cli.printing.terminal import format_seconds
from remend.app.engine.capacity import measure_capacity
from remend.app.engine.catalogue import (
    Model,
    card_of,
    default_damage_model,
    default_fill_model,
    default_upscale_model,
    find_model,
    hash_weights,
    list_models,
    weights_folders,
)
from remend.app.engine.crash_report import name_versions
from remend.app.engine.golden import SAMPLES, compare
from remend.app.engine.model_pool import ModelPool
from remend.models.device import cpu_has_bf16
from remend.models.errors import RemendError
from remend.models.imaging.opencv import load_opencv
from remend.models.imaging.picture import Mask, Picture, Pixels
from remend.models.inference.restorer import FillOptions

_EXTRAS = {
    "community": ("spandrel", "other makers' weights"),
    "export": ("onnxscript", "ours as ONNX files"),
    "onnx": ("onnxruntime", "other makers' ONNX files"),
    "heic": ("pillow_heif", "photos of iPhones"),
    "training": ("tensorboard", "training and fine-tuning"),
}
"""Extra -> a module that it brings, and what it is for."""
_FILL_SIDE, _HOLE_SIDE, _UPSCALE_SIDE = 512, 96, 256  # pixels


def run_checks(pool: ModelPool) -> bool:
    """Check everything and print a line about each thing.

    Args:
        pool: With the device and precision to try.

    Returns:
        Whether everything that was tried works.
    """
    print("```text")
    print(name_versions())
    _print_devices(pool)
    _print_weights()
    print("optional parts:")
    _print_extras()
    attempts = (
        lambda: try_fill(pool, default_fill_model()),
        lambda: try_damage(pool, default_damage_model()),
        lambda: try_upscale(pool, default_upscale_model(2)),
        lambda: try_upscale(pool, default_upscale_model(4)),
    )
    good = True
    for attempt in attempts:
        try:
            print(attempt())
        except RemendError as error:
            print(f"FAILED: {error}")
            good = False
    print("```")
    return good


def _print_extras() -> None:
    """Print which extras are installed, and how to install the others."""
    for extra, (module, what) in _EXTRAS.items():
        installed = importlib.util.find_spec(module) is not None
        state = "present" if installed else f"missing: pip install 'remend[{extra}]'"
        print(f"  {extra} ({what}): {state}")


def _print_devices(pool: ModelPool) -> None:
    cpu = torch.backends.cpu.get_cpu_capability()
    bf16 = "with" if cpu_has_bf16() else "without"
    print(f"cpu: {os.cpu_count()} cores, {torch.get_num_threads()} threads, {cpu}, {bf16} bf16")
    for index in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(index)
        print(f"cuda:{index}: {about.name}, {about.total_memory / 2**30:.0f} GiB")
    if torch.mps.is_available():
        print("mps: available")
    placement = pool.placement
    print(f"used: {placement.device}, {placement.reason}")


def _print_weights() -> None:
    print(f"weights: looked for in {' and '.join(map(str, weights_folders()))}")
    for model in list_models():
        print(f"  {model.name}  {model.card.task}  sha256 {hash_weights(model.path)}  {model.path}")


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
        RemendError: It does not work, or pixels changed that must not, or stayed that must change.
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


def damage_scene(pool: ModelPool, model: Model) -> Pixels:
    """Find a scratch in the scene: how much of each part is damaged, (SAMPLES, SAMPLES, 3).

    Raises:
        RemendError: It does not work, or the scratch is not found.
    """
    scratched = make_scene(_FILL_SIDE).rgb.copy()
    rows = np.arange(_FILL_SIDE // 8, _FILL_SIDE * 7 // 8)
    for width in range(3):
        scratched[rows, rows // 2 + _FILL_SIDE // 4 + width] = 245
    found = pool.find_damage(Picture(scratched), model.path)
    marked = found.mask(DEFAULT_SENSITIVITY).values > 0
    if marked[rows, rows // 2 + _FILL_SIDE // 4].mean() < 0.5:
        raise RemendError(f"{model.name} does not see a white scratch; get its weights again.")
    planes = np.ascontiguousarray(found.probabilities.transpose(1, 2, 0))
    cv2 = load_opencv()
    return np.asarray(
        cv2.resize(planes, (SAMPLES, SAMPLES), interpolation=cv2.INTER_AREA), np.uint8
    )


SCENES = {"fill": fill_scene, "upscale": enlarge_scene, "damage": damage_scene}
"""By task, what a model is tried on; each gives pixels that `app.engine.golden` compares."""


def try_damage(pool: ModelPool, name: str) -> str:
    """Find a scratch in the scene; returns a line about it; errors as ``damage_scene``."""
    model = _find(name)
    pool.damage_finder(model.path)
    return f"damage with {name}: {_try_scene(pool, model)} for {_FILL_SIDE} px"


def try_fill(pool: ModelPool, name: str) -> str:
    """Fill a hole in the scene; returns a line about it; errors as ``fill_scene``."""
    model = _find(name)
    pool.inpainter(model.path)
    return f"fill with {name}: {_try_scene(pool, model)} for a hole of {_HOLE_SIDE} px"


def _try_scene(pool: ModelPool, model: Model) -> str:
    """Whether a loaded model's result is the stored one, and how long it took."""
    begin = time.monotonic()
    result = SCENES[model.card.task](pool, model)
    seconds = time.monotonic() - begin
    golden = compare(result, hash_weights(model.path), str(pool.placement.dtype), model.name)
    return f"{golden}, {format_seconds(seconds)}"


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
