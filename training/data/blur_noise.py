"""What happens to a photo before one enlarges it: blur, reductions, sensor noise, grain, age.

Batched, on the device of the photos, and a function of the `torch.Generator` alone. Pictures are
float32 (B, 3, H, W) in 0 to 255. Noise is carried along beside the picture through everything that is
linear, so that a network can learn to leave some of it. In which order all this happens is in
`training.data.degradation`, compression in `training.data.jpeg`.
"""

import math
from typing import NamedTuple

import torch
from kornia.color import linear_rgb_to_rgb, rgb_to_linear_rgb
from kornia.filters import filter2d
from torch import Tensor
from torch.nn import functional as F

from remend.training.data.draws import uniform

KERNEL_PX = 15
"""Side of blur kernels: enough for a standard deviation of 2.5 px, or a disc of 7 px radius."""
MODES = ("area", "bilinear", "bicubic")
"""The ways in which programs reduce pictures."""


class Damaged(NamedTuple):
    """A picture and what noise has changed in it, both (B, 3, H, W) in units of 1/255."""

    picture: Tensor
    noise: Tensor


def gaussian_kernels(across: Tensor, along: Tensor, angle: Tensor) -> Tensor:
    """Gaussians with standard deviations (B,) in px along two axes, turned by ``angle`` in radians.

    Returns:
        (B, KERNEL_PX, KERNEL_PX), each with sum 1.
    """
    y, x = _grid(across)
    cosine, sine = angle.cos()[:, None, None], angle.sin()[:, None, None]
    u, v = x * cosine + y * sine, y * cosine - x * sine
    squares = (u / across[:, None, None]).square() + (v / along[:, None, None]).square()
    kernels = torch.exp(-0.5 * squares)
    return kernels / kernels.sum((1, 2), keepdim=True)


def disc_kernels(radius: Tensor) -> Tensor:
    """Discs of ``radius`` (B,) px with soft rims, as a lens out of focus draws points; sum 1."""
    y, x = _grid(radius)
    kernels = (radius[:, None, None] + 0.5 - torch.hypot(x, y)).clamp(0, 1)
    return kernels / kernels.sum((1, 2), keepdim=True)


def _grid(like: Tensor) -> tuple[Tensor, Tensor]:
    places = torch.arange(KERNEL_PX, device=like.device, dtype=like.dtype) - KERNEL_PX // 2
    return places[None, :, None], places[None, None, :]


def draw_kernels(batch: int, sigma_px: tuple[float, float], random: torch.Generator) -> Tensor:
    """Blur for each picture: a half round Gaussians, a third long ones, a sixth out of focus.

    Args:
        batch: How many.
        sigma_px: Least and largest standard deviation; that of a disc is half its radius.
        random: Source of all randomness.

    Returns:
        (batch, KERNEL_PX, KERNEL_PX) on the generator's device.
    """
    low, high = math.log(sigma_px[0]), math.log(sigma_px[1])
    across, along = uniform(random, (2, batch), low, high).exp()
    kind = uniform(random, (batch,), 0, 6)
    along = torch.where(kind < 3, across, along)
    gaussian = gaussian_kernels(across, along, uniform(random, (batch,), 0, math.pi))
    return torch.where((kind >= 5)[:, None, None], disc_kernels(2 * across), gaussian)


def blur(damaged: Damaged, kernels: Tensor) -> Damaged:
    """Filter each picture with its own kernel (B, k, k); borders are mirrored."""
    return Damaged(*(filter2d(part, kernels.to(part.device)) for part in damaged))


def resize(damaged: Damaged, size: tuple[int, int], mode: str) -> Damaged:
    """Resize to (height, width) in one of ``MODES``, antialiased where it reduces."""
    antialias = mode != "area"  # an area is a mean already
    picture, noise = (F.interpolate(part, size, mode=mode, antialias=antialias) for part in damaged)
    return Damaged(picture.clamp(0, 255), noise)


def add_sensor_noise(damaged: Damaged, std: Tensor, random: torch.Generator) -> Damaged:
    """Add photon and read noise in linear light, or film grain, as strong as ``std`` at mid-grey.

    A sensor counts photons: in linear light the variance grows with the signal (Foi et al. 2008), so
    that after the sRGB curve shadows are noisier than lights. Half of the pictures have it in colour;
    a quarter in grey, with neighbouring pixels alike, as grain and denoised files have; a quarter in
    grey and without that.

    Args:
        damaged: What there is.
        std: (B,) standard deviation in units of 1/255 at an sRGB value of one half.
        random: Source of all randomness.
    """
    picture, noise = damaged
    batch = len(picture)
    shape, device = tuple(picture.shape), picture.device
    draws = torch.randn(shape, generator=random, device=random.device).to(device)
    kind = uniform(random, (batch, 1, 1, 1), 0, 4).to(device)
    draws = torch.where(kind < 2, draws, draws[:, :1])
    # A draw and three times the mean of the nine around it: variances 1 and 1, covariance 1/3.
    smooth = 3 * F.avg_pool2d(F.pad(draws, (1, 1, 1, 1), "reflect"), 3, 1)
    draws = torch.where(kind >= 3, (draws + smooth) / math.sqrt(8 / 3), draws)
    light = rgb_to_linear_rgb(picture / 255)
    grey = rgb_to_linear_rgb(torch.full((1, 3, 1, 1), 0.5, device=device))
    # Nine parts photons, one part reading; the slope of the sRGB curve at mid-grey scales both.
    slope = (linear_rgb_to_rgb(grey + 1e-3) - linear_rgb_to_rgb(grey - 1e-3)) / 2e-3
    spread = (0.9 * light / grey + 0.1).sqrt() * std.to(device).view(-1, 1, 1, 1) / 255 / slope
    noisy = 255 * linear_rgb_to_rgb((light + spread * draws).clamp(0, 1))
    return Damaged(noisy, noise + noisy - picture)


def old_photo_look(pictures: Tensor, share: float, random: torch.Generator) -> Tensor:
    """Turn a random ``share`` of pictures into old ones: grey or sepia, with faded contrast.

    Originals are aged before they are damaged, so that a network learns to keep the look and to mend
    the damage. (B, 3, H, W) uint8, as is the result.
    """
    draws = uniform(random, (len(pictures), 5, 1, 1, 1), 0, 1).to(pictures.device).unbind(1)
    chosen, toned, warmth, black, white = draws
    values = pictures.float()
    grey = (values * values.new_tensor((0.299, 0.587, 0.114)).view(3, 1, 1)).sum(1, keepdim=True)
    # Sepia: lights turn yellow, as in "Old Photo Restoration via Deep Latent Space Translation".
    tint = values.new_tensor((0.0, -0.06, -0.22)).view(3, 1, 1) * warmth * (toned < 0.7)
    faded = 50 * black + grey * (1 - 50 * black / 255 - 0.25 * white)
    aged = (faded * (1 + tint)).round().clamp(0, 255).to(torch.uint8)
    return torch.where(chosen < share, aged, pictures)
