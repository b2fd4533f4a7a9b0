"""Losses between pictures (B, C, H, W): differences that need no discriminator."""

from collections.abc import Sequence

import torch
from torch import Tensor


def l1(output: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference over everything."""
    return (output - target).abs().mean()


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


def feature_matching(fake: Sequence[Tensor], real: Sequence[Tensor]) -> Tensor:
    """Mean L1 between a discriminator's activations (Wang et al. 2018, pix2pixHD, eq. 4)."""
    terms = [(f - r.detach()).abs().mean() for f, r in zip(fake, real, strict=True)]
    return torch.stack(terms).mean()
