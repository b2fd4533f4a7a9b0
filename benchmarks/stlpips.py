"""Shift-tolerant LPIPS, the perceptual distance of our reports: a tool of benchmarks only.

The package ``stlpips_pytorch`` (Ghildyal and Liu, "Shift-tolerant Perceptual Similarity Metric",
2022) brings its AlexNet along. Remend neither needs nor ships it: part of it may not be used
commercially. Install it with ``pip install --no-deps stlpips_pytorch``.
"""

import functools
import importlib
import sys
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from remend.models.errors import RequestError
from remend.models.imaging.picture import Pixels

# The package imports these at the top and needs none of them for this variant. IPython and
# torchsummary are seldom there; torchvision fails to load beside a torch of another build.
_NEEDLESS = {
    "IPython": {"embed": None},
    "torchsummary": {"summary": None},
    "torchvision": {"models": None},
}


@functools.cache
def _load_network() -> Any:
    stand_ins = {name: ModuleType(name) for name in _NEEDLESS if name not in sys.modules}
    for name, module in stand_ins.items():
        vars(module).update(_NEEDLESS[name])
    sys.modules.update(stand_ins)
    try:
        package = importlib.import_module("stlpips_pytorch.stlpips")
    except ImportError as error:
        raise RequestError(
            f"ST-LPIPS cannot be measured ({error}); "
            "install it with pip install --no-deps stlpips_pytorch."
        ) from error
    finally:
        for name in stand_ins:
            del sys.modules[name]
    return package.LPIPS(net="alex", variant="shift_tolerant", verbose=False)


def perceptual_distance(picture: Pixels, truth: Pixels) -> float:
    """ST-LPIPS (AlexNet) of two pictures, 0 for equal ones; lower is better.

    Args:
        picture: (H, W, 3) uint8 RGB, at least 64 px each way.
        truth: The same shape.

    Raises:
        RequestError: The package is not installed.
        ValueError: The shapes differ.
    """
    if picture.shape != truth.shape:
        raise ValueError(f"pictures of different shapes: {picture.shape} and {truth.shape}")

    def to_batch(rgb: Pixels) -> Tensor:
        return torch.from_numpy(rgb.transpose(2, 0, 1).copy())[None].float() / 127.5 - 1

    with torch.inference_mode():
        return float(_load_network()(to_batch(picture), to_batch(truth)))
