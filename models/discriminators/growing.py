"""The discriminator of the growing generator, its mirror: new levels fade in at the picture's end.

After Karras et al. 2018 (progressive growing), without their equalised learning rate.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from remend.models.discriminators.multiscale import DiscriminatorOutput
from remend.models.layers.growth import SMALLEST, Growth, count_channels, list_sizes
from remend.models.layers.minibatch import MINIBATCH, Minibatch
from remend.models.layers.norm import NORMS, Norm
from remend.models.layers.projection import ProjectionHead
from remend.models.layers.spectral import normalise_spectrally
from remend.models.ranges import Channels, CountOrNone


@dataclass(frozen=True)
class GrowingDiscriminatorConfig:
    """Shape of a ``GrowingDiscriminator``."""

    size: Literal[16, 32, 64, 128] = 32
    """Side of the full-grown pictures in px."""
    width: Channels = 32
    """Channels at full size; every halving of the size doubles them, up to 512."""
    norm: Norm = "none"
    spectral: bool = False
    minibatch: Minibatch = "stddev"
    classes: CountOrNone = 0
    """0 = samples have no labels."""


def from_rgb(outputs: int) -> nn.Module:
    """The layer that turns a picture into the features of its level (the paper's fromRGB)."""
    return nn.Sequential(nn.Conv2d(3, outputs, 1), nn.LeakyReLU(0.2))


class GrowingDiscriminator(nn.Module):
    """Levels of two convolutions and an average, each with a layer of its own for pictures of its size."""

    def __init__(self, config: GrowingDiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        self.growth = Growth(config.size)
        channels = [
            count_channels(config.size, size, config.width) for size in list_sizes(config.size)
        ]

        def convolve(inputs: int, outputs: int) -> list[nn.Module]:
            conv = nn.Conv2d(inputs, outputs, 3, padding=1)
            return [conv, NORMS[config.norm](outputs), nn.LeakyReLU(0.2)]

        self.entrances = nn.ModuleList(from_rgb(inputs) for inputs in channels)
        self.levels = nn.ModuleList(
            nn.Sequential(*convolve(above, above), *convolve(above, below), nn.AvgPool2d(2))
            for below, above in pairwise(channels)
        )
        self.minibatch = MINIBATCH[config.minibatch](channels[0])
        self.last = nn.Sequential(*convolve(channels[0] + self.minibatch.added, channels[0]))
        self.head = ProjectionHead(channels[0] * SMALLEST**2, config.classes)
        if config.spectral:
            normalise_spectrally(self)

    def forward(self, picture: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """Judge picture (B, 3, s, s), s = ``growth.size``; logits are (B, 1)."""
        level, fade = self.growth.level, self.growth.fade
        features: list[Tensor] = []
        x = self.entrances[level](picture)
        for i in reversed(range(level)):
            x = self.levels[i](x)
            if i == level - 1 and fade < 1:
                x = torch.lerp(self.entrances[i](F.avg_pool2d(picture, 2)), x, fade)
            features.append(x)
        x = self.last(self.minibatch(x))
        features.append(x)
        return DiscriminatorOutput(self.head(x.flatten(1), labels), features)
