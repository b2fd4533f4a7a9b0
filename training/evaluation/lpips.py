"""LPIPS, the learned perceptual distance (Zhang et al. 2018), through its authors' package.

Distances that are computed without a trained network are in `training.evaluation.metrics`.
"""

import importlib
from collections.abc import Callable

import torch
from torch import Tensor

from remend.models.checkpoints.torchvision import import_torchvision
from remend.models.errors import RequestError
from remend.models.imaging.picture import Pixels


def load_lpips() -> Callable[[Pixels, Pixels], float]:
    """LPIPS (AlexNet) of two pictures (H, W, 3) uint8; 0 for equal ones, lower is better.

    The package downloads its AlexNet once.

    Raises:
        RequestError: The AlexNet is not there and cannot be downloaded.
    """
    import_torchvision()
    try:
        network = importlib.import_module("lpips").LPIPS(net="alex", verbose=False)
    except OSError as error:
        raise RequestError(
            "LPIPS needs torchvision's AlexNet, which is downloaded once, and this machine is "
            "offline; run once with a network, or score without LPIPS."
        ) from error

    def to_batch(rgb: Pixels) -> Tensor:
        return torch.as_tensor(rgb.transpose(2, 0, 1).copy())[None].float() / 127.5 - 1

    def distance(picture: Pixels, truth: Pixels) -> float:
        with torch.inference_mode():
            return float(network(to_batch(picture), to_batch(truth)))

    return distance
