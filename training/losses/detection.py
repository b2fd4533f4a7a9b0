"""Losses of a network that says of every pixel whether something is there: logits against {0, 1}.

How they are weighted is up to the recipe. Differences of pictures are in `training.losses.pixel`.
"""

from torch import Tensor
from torch.nn import functional as F


def bce(logits: Tensor, truth: Tensor, certain: Tensor) -> Tensor:
    """Binary cross-entropy, a mean over the pixels whose truth counts.

    Args:
        logits: (B, C, H, W).
        truth: (B, C, H, W), 0 or 1.
        certain: (B, C, H, W), 1 where the truth counts, 0 elsewhere.
    """
    losses = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    return (losses * certain).sum() / certain.sum().clamp_min(1)


def dice(logits: Tensor, truth: Tensor, certain: Tensor, smooth_px: float = 50.0) -> Tensor:
    """One minus the soft Dice coefficient (Milletari et al. 2016), of each output over the whole batch.

    Over the batch, because the coefficient of a sample without anything is 0 whatever is marked.

    Args:
        logits: (B, C, H, W).
        truth: (B, C, H, W), 0 or 1.
        certain: (B, C, H, W), 1 where the truth counts, 0 elsewhere.
        smooth_px: Added to both sides of the fraction: a batch without anything has a loss near 0.
    """
    found = logits.sigmoid() * certain
    truth = truth * certain
    over = (0, 2, 3)
    both = 2 * (found * truth).sum(over) + smooth_px
    return (1 - both / ((found + truth).sum(over) + smooth_px)).mean()
