"""The quick fill: the membrane stretched over each hole from its rim, with no learned part.

Solves Laplace's equation in the hole with the known pixels as boundary values, coarse to fine (push-
pull, Gortler et al. 1996, then Jacobi steps on every level, as in multigrid). Batched, on any device.
The generator learns what is missing from it.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

COARSE_STEPS, FINE_STEPS = 4, 8


def smooth_where(values: Tensor, hole: Tensor, steps: int) -> Tensor:
    """Replace hole pixels by the mean of their four neighbours, ``steps`` times."""
    smooth = values
    for _ in range(steps):
        padded = F.pad(smooth, (1, 1, 1, 1), mode="replicate")
        mean = padded[..., 1:-1, :-2] + padded[..., 1:-1, 2:]
        mean = (mean + padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1]) / 4
        smooth = torch.where(hole, mean, values)
    return smooth


@torch.no_grad()
def harmonic_fill(image: Tensor, mask: Tensor) -> Tensor:
    """Fill the hole of each picture smoothly from its rim.

    Args:
        image: (B, C, H, W), any range; pixels under the mask are ignored.
        mask: (B, 1, H, W), 1 = hole, 0 = known (values between count as hole).

    Returns:
        (B, C, H, W) float32; known pixels as given. A picture without known pixels becomes 0.
    """
    image, hole = image.float(), mask > 0
    known = (~hole).float()
    sums, weights = [image * known], [known]
    while max(sums[-1].shape[-2:]) > 2:
        sums.append(F.avg_pool2d(sums[-1], 2, ceil_mode=True))
        weights.append(F.avg_pool2d(weights[-1], 2, ceil_mode=True))
    total = weights[-1].sum((2, 3), keepdim=True).clamp_min(1e-6)
    filled = (sums[-1].sum((2, 3), keepdim=True) / total).expand_as(sums[-1])
    for level in range(len(sums) - 1, -1, -1):
        values, weight = sums[level], weights[level]
        size = (values.shape[-2], values.shape[-1])
        empty = weight <= 0
        enlarged = F.interpolate(filled, size=size, mode="bilinear", align_corners=False)
        filled = torch.where(empty, enlarged, values / weight.clamp_min(1e-6))
        filled = smooth_where(filled, empty, FINE_STEPS if level == 0 else COARSE_STEPS)
    return filled
