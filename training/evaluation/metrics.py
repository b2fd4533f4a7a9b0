"""How close a picture comes to the truth: PSNR and SSIM of whole pictures, of luma, of holes.

`psnr` and `ssim` take NumPy pictures with values 0..255 (bytes, or floats such as `luma` makes) and compute
in double precision, so that numbers compare with those of papers. `psnr_of_errors` takes errors in tensors,
as networks make them. Distances that need a trained network are not here, nor are losses.
"""

import numpy as np
import torch
from kornia.metrics import ssim as ssim_map
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

PEAK = 255.0
SSIM_WINDOW = 11
"""px"""


def luma(rgb: ArrayLike) -> NDArray[np.float64]:
    """ITU-R BT.601 luma in studio range of (..., 3) RGB: 16 for black, 235 for white.

    What MATLAB's ``rgb2ycbcr`` gives, not rounded; the literature on upscaling scores this channel.
    """
    return 16 + np.asarray(rgb, np.float64) @ np.array((65.481, 128.553, 24.966)) / 255


def psnr_of_errors(mean_squares: Tensor, peak: float) -> Tensor:
    """Peak signal-to-noise ratios in dB, of the tensor's shape and type; infinite where there is no error.

    Args:
        mean_squares: Mean squared errors.
        peak: Largest difference there can be: 255 for bytes, 2 for values in [-1, 1].
    """
    return 10 * torch.log10(peak**2 / mean_squares)


def psnr(
    picture: ArrayLike, truth: ArrayLike, *, border: int = 0, hole: ArrayLike | None = None
) -> float:
    """Peak signal-to-noise ratio in dB over all pixels and channels; infinite for equal pictures.

    Args:
        picture: (H, W) or (H, W, C), 0..255.
        truth: The same shape.
        border: Pixels left out at each edge.
        hole: (H, W), non-zero where pixels count; None for everywhere.

    Raises:
        ValueError: The shapes differ, or no pixel is left to compare.
    """
    first, second = _inner(picture, border), _inner(truth, border)
    if first.shape != second.shape:
        raise ValueError(f"pictures of different shapes: {first.shape} and {second.shape}")
    error = np.square(first - second)
    if hole is not None:
        error = error[_inner(hole, border) > 0]
    if not error.size:
        raise ValueError("there is no pixel to compare")
    return float(psnr_of_errors(torch.as_tensor(error.mean()), PEAK))


def ssim(
    picture: ArrayLike, truth: ArrayLike, *, border: int = 0, hole: ArrayLike | None = None
) -> float:
    """Mean structural similarity (Wang et al. 2004): Gaussian window of 11 px, sigma 1.5.

    Averaged over the places where the window fits, as the authors' program does, and over channels; in
    a hole over all windows whose middle lies in it, the picture being mirrored beyond its edge.

    Args:
        picture: (H, W) or (H, W, C), 0..255.
        truth: The same shape.
        border: Pixels left out at each edge.
        hole: (H, W), non-zero where windows count; None for everywhere.

    Raises:
        ValueError: The shapes differ, less than 11 px are left across or down, or the hole is empty.
    """
    first, second = _inner(picture, border), _inner(truth, border)
    if first.shape != second.shape:
        raise ValueError(f"pictures of different shapes: {first.shape} and {second.shape}")
    if min(first.shape[:2]) < SSIM_WINDOW:
        raise ValueError(f"SSIM needs at least 11x11 px, not {first.shape[1]}x{first.shape[0]}")
    planes, true_planes = (
        torch.as_tensor(np.atleast_3d(values).transpose(2, 0, 1).copy())[None]
        for values in (first, second)
    )
    if hole is None:
        return float(
            ssim_map(planes, true_planes, SSIM_WINDOW, max_val=PEAK, padding="valid").mean()
        )
    inside = torch.as_tensor(_inner(hole, border) > 0)
    if not inside.any():
        raise ValueError("there is no pixel to compare")
    return float(ssim_map(planes, true_planes, SSIM_WINDOW, max_val=PEAK)[..., inside].mean())


def _inner(values: ArrayLike, border: int) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    height, width = array.shape[:2]
    return array[border : height - border, border : width - border]


def area_under_curve(real: Tensor, made: Tensor) -> float:
    """Chance that a real logit exceeds a made one, ties counting half (Mann and Whitney 1947).

    0.5 = it tells nothing, 1 = everything; also 0.5 where there is no logit.
    """
    if not len(real):
        return 0.5
    ordered = made.sort().values
    below = torch.searchsorted(ordered, real) + torch.searchsorted(ordered, real, right=True)
    return float(below.double().mean() / (2 * len(made)))
