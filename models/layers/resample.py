"""Making feature maps larger: ``UPSAMPLERS[name](inputs, outputs)`` doubles height and width.

Transposed convolutions print a checkerboard and are here for comparison only; a PixelShuffle does so
too unless its sub-kernels start equal (ICNR).
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import nn

Upsample = Literal["nearest", "pixelshuffle", "transposed"]


def initialise_icnr(conv: nn.Conv2d, factor: int) -> None:
    """Give all factor² sub-kernels of a convolution before PixelShuffle the same start.

    So the first output is a nearest-neighbour enlargement, without a checkerboard (Aitken et al.
    2017). The convolution's output channels must be a multiple of factor².
    """
    with torch.no_grad():
        distinct = conv.weight[:: factor**2].clone()
        conv.weight.copy_(distinct.repeat_interleave(factor**2, dim=0))
        if conv.bias is not None:
            conv.bias.copy_(conv.bias[:: factor**2].clone().repeat_interleave(factor**2))


def nearest(inputs: int, outputs: int) -> nn.Module:
    """Nearest neighbour, then a 3x3 convolution (Odena et al. 2016)."""
    return nn.Sequential(
        nn.UpsamplingNearest2d(scale_factor=2), nn.Conv2d(inputs, outputs, 3, padding=1)
    )


def pixelshuffle(inputs: int, outputs: int) -> nn.Module:
    """A 3x3 convolution to 4x the channels, rearranged to pixels (Shi et al. 2016), ICNR start."""
    conv = nn.Conv2d(inputs, 4 * outputs, 3, padding=1)
    initialise_icnr(conv, 2)
    return nn.Sequential(conv, nn.PixelShuffle(2))


def transposed(inputs: int, outputs: int) -> nn.Module:
    """A transposed convolution, kernel 4, stride 2 (as in DCGAN, Radford et al. 2016)."""
    return nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)


UPSAMPLERS: dict[Upsample, Callable[[int, int], nn.Module]] = {
    "nearest": nearest,
    "pixelshuffle": pixelshuffle,
    "transposed": transposed,
}
