"""Two calming tricks for the discriminator: smoothed labels and noise on its inputs."""

import torch
from torch import Tensor

from training.schedules import linear_decay

Smoothing = float | tuple[float, float]


def draw_target(smoothing: Smoothing, samples: int, random: torch.Generator) -> Tensor | float:
    """The number that logits of real samples are pulled to (one-sided, Salimans et al. 2016).

    A range is drawn from anew for every sample. Cross entropy is linear in the target, so a range
    with mean 1 smooths nothing; 0.9, or a range below 1, does.

    Returns:
        The number itself, or (samples, 1).
    """
    if isinstance(smoothing, tuple):
        low, high = smoothing
        draws = torch.rand(samples, 1, generator=random, device=random.device)
        return low + (high - low) * draws
    return smoothing


def add_instance_noise(
    pictures: Tensor, std: float, images_seen: int, until: int, random: torch.Generator
) -> Tensor:
    """Add N(0, s²) to what a discriminator sees (Sønderby et al. 2017), s falling linearly to 0.

    Args:
        pictures: (B, C, H, W) in [-1, 1], real or generated; both sides get the same s.
        std: s at the start.
        images_seen: Where the run is.
        until: Images seen from which on s is 0.
        random: Source of the noise, on the pictures' device.
    """
    now = linear_decay(std, images_seen, until)
    if now == 0:
        return pictures
    return pictures + now * torch.randn(pictures.shape, generator=random, device=pictures.device)
