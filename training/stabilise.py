"""Two calming tricks for the discriminator: smoothed labels and noise on its inputs."""

from collections.abc import Sequence

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


def draw_instance_noise(
    shape: Sequence[int], std: float, images_seen: int, until: int, random: torch.Generator
) -> Tensor:
    """Noise N(0, s²) for pictures of that shape (Sønderby et al. 2017), s falling linearly to 0.

    Args:
        shape: (B, C, H, W).
        std: s at the start.
        images_seen: Where the run is.
        until: Images seen from which on s is 0.
        random: Source of the noise, on the pictures' device.

    Returns:
        The noise, or where s is 0 a zero a sample, (B, 1, 1, 1).
    """
    now = linear_decay(std, images_seen, until)
    if now == 0:
        return torch.zeros(shape[0], *[1] * (len(shape) - 1), device=random.device)
    return now * torch.randn(*shape, generator=random, device=random.device)


def add_instance_noise(
    pictures: Tensor, std: float, images_seen: int, until: int, random: torch.Generator
) -> Tensor:
    """Add `draw_instance_noise` to what a discriminator sees; both sides get the same s."""
    return pictures + draw_instance_noise(pictures.shape, std, images_seen, until, random)
