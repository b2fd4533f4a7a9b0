"""The classical discriminators, DCGAN and ResNet: one logit a picture, or with labels a projection.

They judge the whole of a small picture, where `PatchDiscriminator` judges many parts of a large one.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from remend.models.discriminators.multiscale import DiscriminatorOutput
from remend.models.layers.growth import SMALLEST, count_channels, list_sizes
from remend.models.layers.minibatch import MINIBATCH, Minibatch
from remend.models.layers.norm import NORMS, Norm
from remend.models.layers.projection import ProjectionHead
from remend.models.layers.spectral import normalise_spectrally
from remend.models.ranges import Channels, CountOrNone


@dataclass(frozen=True)
class DcganDiscriminatorConfig:
    """Shape of a ``DcganDiscriminator``."""

    size: Literal[16, 32, 64, 128] = 32
    width: Channels = 64
    """Channels at half the size; every further halving doubles them, up to 512."""
    norm: Norm = "batch"
    spectral: bool = False
    minibatch: Minibatch = "none"
    classes: CountOrNone = 0
    """0 = samples have no labels."""


@dataclass(frozen=True)
class ResNetDiscriminatorConfig:
    """Shape of a ``ResNetDiscriminator``; the papers' has 32 px and width 128."""

    size: Literal[16, 32, 64, 128] = 32
    width: Channels = 128
    """Channels of every block."""
    norm: Norm = "none"
    spectral: bool = True
    minibatch: Minibatch = "none"
    classes: CountOrNone = 0
    """0 = samples have no labels."""


class DcganDiscriminator(nn.Module):
    """Strided 4x4 convolutions with LeakyReLU down to 4x4 px, then one logit (Radford et al. 2016)."""

    def __init__(self, config: DcganDiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        stages: list[nn.Module] = []
        inputs = 3
        for size in reversed(list_sizes(config.size)[:-1]):
            outputs = count_channels(config.size // 2, size, config.width)
            # As in the paper, the layer that sees the picture has no norm.
            norm = NORMS["none" if inputs == 3 else config.norm](outputs)
            conv = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)
            stages.append(nn.Sequential(conv, norm, nn.LeakyReLU(0.2)))
            inputs = outputs
        self.stages = nn.ModuleList(stages)
        self.minibatch = MINIBATCH[config.minibatch](inputs)
        features = (inputs + self.minibatch.added) * SMALLEST**2
        self.head = ProjectionHead(features, config.classes)
        if config.spectral:
            normalise_spectrally(self)

    def forward(self, picture: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Judge picture (B, 3, size, size); logits are (B, 1)."""
        features: list[Tensor] = []
        for stage in self.stages:
            picture = stage(picture)
            features.append(picture)
        return DiscriminatorOutput(self.head(self.minibatch(picture).flatten(1), labels), features)


class DownBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut, averaged 2x2 where ``halve`` is on.

    The block that sees the picture (``first``) begins with a convolution, not with norm and ReLU.
    """

    def __init__(
        self, inputs: int, config: ResNetDiscriminatorConfig, *, first: bool, halve: bool
    ) -> None:
        super().__init__()
        width, norm = config.width, NORMS["none" if first else config.norm]
        self.body = nn.Sequential(
            nn.Identity() if first else nn.Sequential(norm(inputs), nn.ReLU()),
            nn.Conv2d(inputs, width, 3, padding=1),
            norm(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.AvgPool2d(2) if halve else nn.Identity(),
        )
        # A 1x1 convolution and an average commute; this order costs a quarter.
        self.shortcut = (
            nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(inputs, width, 1)) if halve else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.body(x)


class ResNetDiscriminator(nn.Module):
    """Residual blocks down to 8x8 px, two more there, the mean over the picture, one logit.

    Gulrajani et al. 2017 (appendix F); Miyato et al. 2018 take the sum for the mean, 64 times larger.
    """

    def __init__(self, config: ResNetDiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        halvings = len(list_sizes(config.size)) - 2
        blocks = [DownBlock(3, config, first=True, halve=True)]
        for i in range(1, halvings + 2):
            blocks.append(DownBlock(config.width, config, first=False, halve=i < halvings))
        self.blocks = nn.ModuleList(blocks)
        self.minibatch = MINIBATCH[config.minibatch](config.width)
        self.head = ProjectionHead(config.width + self.minibatch.added, config.classes)
        if config.spectral:
            normalise_spectrally(self)

    def forward(self, picture: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Judge picture (B, 3, size, size); logits are (B, 1)."""
        features: list[Tensor] = []
        for block in self.blocks:
            picture = block(picture)
            features.append(picture)
        seen = self.minibatch(torch.relu(picture)).mean((2, 3))
        return DiscriminatorOutput(self.head(seen, labels), features)
