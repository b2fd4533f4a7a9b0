"""The classical generators, DCGAN and ResNet: from noise to a small picture, no photo as input.

They are here to learn with and to compare techniques on. Both begin with 4x4 features and double them
up to ``size``; latents are N(0, I), not uniform. `ResNetGenerator` is that of Gulrajani et al. 2017
(WGAN-GP, appendix F), which Miyato et al. 2018 use as well.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from remend.models.layers.growth import SMALLEST, count_channels, list_sizes
from remend.models.layers.norm import ConditionalSequential, Norm, make_norm
from remend.models.layers.resample import UPSAMPLERS, Upsample
from remend.models.layers.spectral import normalise_spectrally
from remend.models.ranges import Channels, CountOrNone


@dataclass(frozen=True)
class DcganConfig:
    """Shape of a ``Dcgan`` generator; ``latent`` is the length of the noise vectors."""

    size: Literal[16, 32, 64, 128] = 32
    width: Channels = 64
    """Channels at full size; every halving of the size doubles them, up to 1024."""
    latent: Channels = 100
    norm: Norm = "batch"
    """Without effect where there are classes: the norm is conditional batch normalisation then."""
    upsample: Upsample = "nearest"
    output_kernel: Literal[1, 3, 9] = 3
    spectral: bool = False
    classes: CountOrNone = 0
    """0 = samples have no labels."""


@dataclass(frozen=True)
class ResNetConfig:
    """Shape of a ``ResNetGenerator``; the paper's has 32 px, width 128 and latents of 128."""

    size: Literal[16, 32, 64, 128] = 32
    width: Channels = 128
    """Channels of every block."""
    latent: Channels = 128
    norm: Norm = "batch"
    """Without effect where there are classes: the norm is conditional batch normalisation then."""
    upsample: Upsample = "nearest"
    output_kernel: Literal[1, 3, 9] = 3
    spectral: bool = False
    classes: CountOrNone = 0
    """0 = samples have no labels."""


class Dcgan(nn.Module):
    """Doublings with norm and ReLU, then a convolution to RGB (Radford et al. 2016).

    With ``upsample = "transposed"`` the hidden layers are the paper's (1024, 512, 256, 128 channels at
    size 64 and width 64); its last doubling gives RGB at once, here it gives ``width`` channels and
    the output convolution follows.
    """

    def __init__(self, config: DcganConfig) -> None:
        super().__init__()
        self.config = config
        channels = [
            count_channels(config.size, size, config.width, 1024)
            for size in list_sizes(config.size)
        ]
        self.start = nn.Linear(config.latent, channels[0] * SMALLEST**2)
        layers = [make_norm(config.norm, channels[0], config.classes), nn.ReLU()]
        for inputs, outputs in pairwise(channels):
            norm = make_norm(config.norm, outputs, config.classes)
            layers += [UPSAMPLERS[config.upsample](inputs, outputs), norm, nn.ReLU()]
        self.body = ConditionalSequential(*layers)
        kernel = config.output_kernel
        self.head = nn.Conv2d(channels[-1], 3, kernel, padding=kernel // 2)
        if config.spectral:
            normalise_spectrally(self)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Pictures (B, 3, size, size) in (-1, 1) from latents (B, latent), labels (B,) in int64."""
        x = self.start(latents).view(len(latents), -1, SMALLEST, SMALLEST)
        return torch.tanh(self.head(self.body(x, labels)).float())


class UpBlock(nn.Module):
    """Two 3x3 convolutions, each after a norm and ReLU, the first on a doubled grid, and a shortcut."""

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        width = config.width
        self.body = ConditionalSequential(
            make_norm(config.norm, width, config.classes),
            nn.ReLU(),
            UPSAMPLERS[config.upsample](width, width),
            make_norm(config.norm, width, config.classes),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )
        self.shortcut = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor, labels: Tensor | None) -> Tensor:
        # A 1x1 convolution and a nearest-neighbour enlargement commute; this order costs a quarter.
        return self.body(x, labels) + F.interpolate(self.shortcut(x), scale_factor=2.0)


class ResNetGenerator(nn.Module):
    """Residual blocks that double the size, then norm, ReLU and a convolution to RGB."""

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        self.config = config
        width, kernel = config.width, config.output_kernel
        self.start = nn.Linear(config.latent, width * SMALLEST**2)
        self.blocks = nn.ModuleList(UpBlock(config) for _ in list_sizes(config.size)[1:])
        self.last = ConditionalSequential(make_norm(config.norm, width, config.classes), nn.ReLU())
        self.head = nn.Conv2d(width, 3, kernel, padding=kernel // 2)
        if config.spectral:
            normalise_spectrally(self)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Pictures (B, 3, size, size) in (-1, 1) from latents (B, latent), labels (B,) in int64."""
        x = self.start(latents).view(len(latents), -1, SMALLEST, SMALLEST)
        for block in self.blocks:
            x = block(x, labels)
        return torch.tanh(self.head(self.last(x, labels)).float())
