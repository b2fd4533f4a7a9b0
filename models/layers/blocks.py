"""Residual blocks: the bodies of the generators."""

import torch
from torch import Tensor, nn

from remend.models.layers.gated import Gate, GatedConv
from remend.models.layers.norm import NORMS, Norm


class GatedResidual(nn.Module):
    """``x + scale . W(gated(norm(x)))`` with a 3x3 gated convolution and a 1x1 projection W.

    ``scale`` is learned per channel and starts at 0.2, so that a deep stack starts close to the
    identity (LayerScale, Touvron et al. 2021).
    """

    def __init__(
        self, channels: int, dilation: int = 1, gate: Gate = "pointwise", norm: Norm = "pixel"
    ) -> None:
        super().__init__()
        self.norm = NORMS[norm](channels)
        self.gated = GatedConv(channels, channels, 3, dilation=dilation, gate=gate)
        self.project = nn.Conv2d(channels, channels, 1)
        self.scale = nn.Parameter(torch.full((1, channels, 1, 1), 0.2))

    def forward(self, x: Tensor) -> Tensor:
        change = self.project(self.gated(self.norm(x)))
        return x + self.scale.to(x.dtype) * change


class Residual(nn.Module):
    """``x + W2(gated(norm(x)))``, two 3x3 convolutions: the EDSR block (Lim et al. 2017) by default.

    On a CPU two dense 3x3 convolutions run at a higher share of the peak than a 3x3, a gate and a
    1x1, which is why the upscalers use it.
    """

    def __init__(self, channels: int, gate: Gate = "none", norm: Norm = "none") -> None:
        super().__init__()
        self.norm = NORMS[norm](channels)
        self.gated = GatedConv(channels, channels, 3, gate=gate)
        self.project = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.project(self.gated(self.norm(x)))


def scale_init(head: nn.Conv2d) -> None:
    """Scale a head's start to a tenth and its bias to 0: the first outputs are close to what it corrects."""
    with torch.no_grad():
        head.weight.mul_(0.1)
    if head.bias is not None:
        nn.init.zeros_(head.bias)
