"""Tricks that steady a discriminator: smoothed labels, noise on its inputs, augmented inputs.

Each trick is a function that draws its random part and one that applies it, so that a step can be drawn whole
and computed in pieces. Losses and penalties are in `training.losses`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from remend.training.engine.batch import Augmentation
from remend.training.optim.schedules import linear_decay

Smoothing = float | tuple[float, float]


def draw_target(smoothing: Smoothing, samples: int, random: torch.Generator) -> Tensor | float:
    """The number that logits of real samples are pulled to (one-sided, Salimans et al. 2016).

    From a range, every sample draws its own number. Cross entropy is linear in the target, so a range
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


def draw_augmentation(shape: torch.Size, strength: float, random: torch.Generator) -> Augmentation:
    """Draw colour and translation of DiffAugment (Zhao et al. 2020, with half its range of saturation).

    Args:
        shape: Of the pictures, (B, C, H, W).
        strength: 0 changes nothing; at 1, brightness moves by up to 0.5 of a range of 2, saturation
            and contrast by up to a half, and the picture by up to an eighth of its side.
        random: Source of all randomness, on the pictures' device.
    """
    batch, _, height, width = shape
    colour = torch.rand((3, batch, 1, 1, 1), generator=random, device=random.device) - 0.5
    brightness, saturation, contrast = (strength * colour).unbind(0)
    move = 2 * torch.rand(2, generator=random, device=random.device) - 1
    down, right = map(float, (strength * move).cpu().unbind())
    pixels = torch.tensor([round(down * height / 8), round(right * width / 8)]).expand(batch, 2)
    return Augmentation(brightness, 1 + saturation, 1 + contrast, pixels)


def augment(pictures: Tensor, drawn: Augmentation) -> Tensor:
    """Change pictures (B, 3, H, W) as drawn; gradients pass."""
    pictures = pictures + drawn.brightness
    grey = pictures.mean(1, keepdim=True)
    pictures = grey + (pictures - grey) * drawn.saturation
    mean = pictures.mean((1, 2, 3), keepdim=True)
    return shift(mean + (pictures - mean) * drawn.contrast, drawn)


def shift(planes: Tensor, drawn: Augmentation) -> Tensor:
    """Move planes (B, C, H, W) as drawn."""
    down, right = map(int, drawn.shift[0].unbind())
    return torch.nn.functional.pad(planes, (right, -right, down, -down))
