"""Losses between pictures (B, C, H, W): differences that need no discriminator.

How they are weighted is up to the recipe, and which of them a task has up to the task.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def l1(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference over everything."""
    return (output - target).abs().mean()


def l2(output: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference over everything: PSNR's own error, whose best guess is the mean."""
    return (output - target).square().mean()


def l1_hole(output: Tensor, target: Tensor, mask: Tensor, least_px: float = 16.0) -> Tensor:
    """Mean absolute difference inside the hole, each sample divided by its own hole's area.

    A mean over the whole picture would let a stage that corrects a fill collapse to zero: known
    pixels are exact already and outweigh the hole.

    Args:
        output: (B, C, H, W).
        target: (B, C, H, W).
        mask: (B, 1, H, W), 1 = hole, shares between allowed.
        least_px: Smallest area to divide by, so that an empty mask gives 0 and not NaN.
    """
    area = mask.sum((1, 2, 3)).clamp_min(least_px) * output.shape[1]
    return (((output - target).abs() * mask).sum((1, 2, 3)) / area).mean()


def log_mse(
    output: Tensor, target: Tensor, mask: Tensor | None = None, least_px: float = 16.0
) -> Tensor:
    """Mean over samples of log10 of the mean squared error (NAFNet, Chen et al. 2022).

    That is PSNR divided by -10, and a constant.

    Where many pictures would do, L1 asks for their median and this for their mean, as PSNR does; the
    logarithm lets an easy sample count as much as a hard one.

    Args:
        output: (B, C, H, W).
        target: (B, C, H, W).
        mask: (B, 1, H, W), 1 = hole, shares between allowed: only what is inside counts.
        least_px: Smallest area of a mask to divide by.
    """
    error = (output - target).square()
    if mask is None:
        mean = error.mean((1, 2, 3))
    else:
        area = mask.sum((1, 2, 3)).clamp_min(least_px) * output.shape[1]
        mean = (error * mask).sum((1, 2, 3)) / area
    # 1e-6 is 66 dB of pictures in [-1, 1]: better than that is as good.
    return (mean + 1e-6).log10().mean()


def feature_matching(
    fake: Sequence[Tensor], real: Sequence[Tensor], reached: Sequence[Tensor] | None = None
) -> Tensor:
    """Mean L1 between a discriminator's activations (Wang et al. 2018, pix2pixHD, eq. 4).

    Args:
        fake: (B, C, h, w) each.
        real: The same of the real pictures.
        reached: (B, 1, h, w) each, 1 where a feature sees the hole: only those count. None = all.
    """
    gaps = [(f - r.detach()).abs() for f, r in zip(fake, real, strict=True)]
    if reached is None:
        return torch.stack([gap.mean() for gap in gaps]).mean()
    return torch.stack([mean_where(*pair) for pair in zip(gaps, reached, strict=True)]).mean()


def mean_where(values: Tensor, area: Tensor) -> Tensor:
    """Mean over samples of the mean of values (B, C, H, W) where area (B, 1, H, W) is; 0 without any."""
    sums = (values * area).sum((1, 2, 3))
    return (sums / (values.shape[1] * area.sum((1, 2, 3))).clamp_min(1e-6)).mean()


def total_variation(picture: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean absolute difference of neighbours across plus down (Rudin et al. 1992, anisotropic).

    Args:
        picture: (B, C, H, W); a constant gives 0, a ramp of slope 1 gives 1.
        mask: (B, 1, H, W), counts only differences that touch the hole; each sample is divided by
            their number, so that a batch has the mean of its samples.
    """
    across, down = picture.diff(dim=3).abs(), picture.diff(dim=2).abs()
    if mask is None:
        return across.mean() + down.mean()
    hole = (mask > 0).to(picture.dtype)
    touches_x = torch.maximum(hole[..., 1:], hole[..., :-1])
    touches_y = torch.maximum(hole[..., 1:, :], hole[..., :-1, :])

    def mean(change: Tensor, touches: Tensor) -> Tensor:
        number = picture.shape[1] * touches.sum((1, 2, 3))
        return ((change * touches).sum((1, 2, 3)) / number.clamp_min(1)).mean()

    return mean(across, touches_x) + mean(down, touches_y)


def grid(output: Tensor, target: Tensor, period: int) -> Tensor:
    """How far the phases of a grid differ in the output where they do not in the target.

    A network that makes its pixels by PixelShuffle draws each of period² phases with weights of its own,
    and a discriminator lets it put its specks on some of them. What a phase adds to its cell's mean is
    compared, over the whole picture: its mean, and its share of the strength.

    Args:
        output: (B, C, H, W); H and W are multiples of the period.
        target: (B, C, H, W).
        period: Of the grid in px, the network's enlargement.
    """

    def phases(picture: Tensor) -> tuple[Tensor, Tensor]:
        cells = torch.unflatten(F.pixel_unshuffle(picture, period), 1, (-1, period**2)).flatten(3)
        detail = cells - cells.mean(2, keepdim=True)
        return detail.mean(3), (detail.square().mean(3) + 1e-6).sqrt()

    (mean, strength), (true_mean, true_strength) = phases(output), phases(target)
    # Only how detail is shared out among phases; how much there is, other losses decide.
    ratio = true_strength.mean(2, keepdim=True) / strength.mean(2, keepdim=True)
    return (mean - true_mean).abs().mean() + (strength * ratio - true_strength).abs().mean()


def gram(features: Tensor, area: Tensor | None = None) -> Tensor:
    """Gram matrices (B, C, C) of feature maps (B, C, H, W), divided by C·H·W (Johnson et al. 2016).

    Where an area (B, 1, H, W) in [0, 1] is given, it is what counts and what is divided by.
    """
    flat = features.float().flatten(2)
    if area is None:
        return flat @ flat.mT / (flat.shape[1] * flat.shape[2])
    weight = area.float().flatten(2)
    number = flat.shape[1] * weight.sum(2, keepdim=True).clamp_min(1e-6)
    return (flat * weight) @ flat.mT / number


def style(fake: Tensor, real: Tensor, area: Tensor | None = None) -> Tensor:
    """Mean absolute difference of the Gram matrices of two feature maps (Gatys et al. 2016)."""
    return (gram(fake, area) - gram(real, area)).abs().mean()
