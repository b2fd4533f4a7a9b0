"""PatchGAN: a convolutional discriminator that gives a logit for every patch (Isola et al. 2017).

The mask is a fourth input channel, so that the discriminator knows where the fill is (DeepFillv2, Yu et
al. 2019).
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from remend.models.layers.minibatch import MINIBATCH, Minibatch
from remend.models.layers.norm import NORMS, Norm
from remend.models.ranges import Channels


@dataclass(frozen=True)
class PatchDiscriminatorConfig:
    """Shape of a ``MultiscaleDiscriminator``: ``scales`` times the same patch discriminator.

    ``inputs`` is 4 with the mask as a channel, and 3 without, where the mask is the whole picture.
    """

    inputs: Annotated[int, Field(ge=3, le=4)] = 4
    width: Channels = 48
    layers: Annotated[int, Field(ge=1, le=8)] = 4
    scales: Annotated[int, Field(ge=1, le=8)] = 2
    norm: Norm = "none"
    spectral: bool = True
    minibatch: Minibatch = "none"
    high_pass: bool = False
    """Whether what is finer than 5 px is seen once more, amplified: contrast drowns texture."""


HIGH_PASS_PX, HIGH_PASS_GAIN = 5, 6.0


def high_pass(picture: Tensor) -> Tensor:
    """Six times what a picture (B, 3, H, W) has beyond the mean of 5 x 5 px."""
    mean = F.avg_pool2d(picture, HIGH_PASS_PX, 1, HIGH_PASS_PX // 2, count_include_pad=False)
    return HIGH_PASS_GAIN * (picture - mean)


class PatchDiscriminator(nn.Module):
    """Strided convolutions with LeakyReLU, then logits on a grid of 1/2^(layers-1)."""

    def __init__(self, config: PatchDiscriminatorConfig) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        self.high_pass = config.high_pass
        inputs = config.inputs + 3 * config.high_pass
        for i in range(config.layers):
            outputs = config.width * 2 ** min(i, 2)
            stride = 2 if i < config.layers - 1 else 1
            conv = nn.Conv2d(inputs, outputs, 4 if stride == 2 else 3, stride, padding=1)
            # The first layer sees the picture itself, whose level a norm would take away.
            norm = NORMS[config.norm if i else "none"](outputs)
            stages.append(nn.Sequential(conv, norm, nn.LeakyReLU(0.2)))
            inputs = outputs
        self.stages = nn.ModuleList(stages)
        self.minibatch = MINIBATCH[config.minibatch](inputs)
        self.head = nn.Conv2d(inputs + self.minibatch.added, 1, 3, padding=1)

    def forward(self, picture: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits (B, 1, h, w) and the activations of all stages for picture (B, C, H, W)."""
        if self.high_pass:
            picture = torch.cat((picture, high_pass(picture[:, :3])), 1)
        features: list[Tensor] = []
        for stage in self.stages:
            picture = stage(picture)
            features.append(picture)
        return self.head(self.minibatch(picture)), features

    def reach(self, mask: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Which logits (B, 1, h, w) and activations see a pixel of mask (B, 1, H, W): 1 or 0.

        What the convolutions see counts; that norms see the whole picture does not.
        """
        reached: list[Tensor] = []
        for stage in self.stages:
            conv = next(layer for layer in stage.modules() if isinstance(layer, nn.Conv2d))
            mask = F.max_pool2d(mask, conv.kernel_size[0], conv.stride[0], padding=1)
            reached.append(mask)
        return F.max_pool2d(mask, 3, 1, 1), reached
