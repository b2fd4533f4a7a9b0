"""A generator that grows while it trains: 4 px first, then twice that, up to its full size.

After Karras et al. 2018 (progressive growing), without their equalised learning rate: a level has an
RGB layer of its own, and a new level fades in over the enlarged picture of the level below. The
discriminator that grows with it has a module of its own and mirrors this one.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from remend.models.layers.growth import SMALLEST, Growth, count_channels, list_sizes
from remend.models.layers.norm import ConditionalSequential, Norm, make_norm
from remend.models.layers.resample import UPSAMPLERS, Upsample
from remend.models.layers.spectral import normalise_spectrally
from remend.models.ranges import Channels, CountOrNone


@dataclass(frozen=True)
class GrowingConfig:
    """Shape of a ``Growing`` generator; ``latent`` is the length of the noise vectors."""

    size: Literal[16, 32, 64, 128] = 32
    """Side of the full-grown pictures in px."""
    width: Channels = 32
    """Channels at full size; every halving of the size doubles them, up to 512."""
    latent: Channels = 128
    norm: Norm = "pixel"
    """Without effect where there are classes: the norm is conditional batch normalisation then."""
    upsample: Upsample = "nearest"
    output_kernel: Literal[1, 3, 9] = 1
    spectral: bool = False
    classes: CountOrNone = 0
    """0 = samples have no labels."""


class Growing(nn.Module):
    """Levels of two convolutions, an RGB layer each; ``growth`` says how many are in use."""

    def __init__(self, config: GrowingConfig) -> None:
        super().__init__()
        self.config = config
        self.growth = Growth(config.size)
        sizes = list_sizes(config.size)
        channels = [count_channels(config.size, size, config.width) for size in sizes]
        self.start = nn.Linear(config.latent, channels[0] * SMALLEST**2)

        def finish(first: nn.Module, outputs: int) -> ConditionalSequential:
            convs = (first, nn.Conv2d(outputs, outputs, 3, padding=1))
            norms = [make_norm(config.norm, outputs, config.classes) for _ in convs]
            parts = zip(convs, norms, strict=True)
            return ConditionalSequential(
                *(ConditionalSequential(conv, nn.LeakyReLU(0.2), norm) for conv, norm in parts)
            )

        self.levels = nn.ModuleList([finish(nn.Identity(), channels[0])])
        for inputs, outputs in pairwise(channels):
            self.levels.append(finish(UPSAMPLERS[config.upsample](inputs, outputs), outputs))
        kernel = config.output_kernel
        self.head = nn.ModuleList(
            nn.Conv2d(outputs, 3, kernel, padding=kernel // 2) for outputs in channels
        )
        if config.spectral:
            normalise_spectrally(self)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Pictures (B, 3, s, s) in (-1, 1), s = ``growth.size``, from latents (B, latent)."""
        # On a sphere, as the paper has it: N(0, I) lies close to it anyway.
        latents = F.normalize(latents.float(), dim=1) * latents.shape[1] ** 0.5
        x = self.start(latents).view(len(latents), -1, SMALLEST, SMALLEST)
        below, level = x, self.growth.level
        for stage in self.levels[: level + 1]:
            below, x = x, stage(x, labels)
        picture = self.head[level](x).float()
        if self.growth.fade < 1 and level:
            lower = F.interpolate(self.head[level - 1](below).float(), scale_factor=2.0)
            picture = torch.lerp(lower, picture, self.growth.fade)
        return torch.tanh(picture)
