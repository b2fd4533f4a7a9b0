"""The same patch discriminator on a pyramid of the picture, with weights of its own on every level.

The pyramid is made by max-pooling: a single bright or dark dot of a fake survives it undiminished,
where averaging (Wang et al. 2018, pix2pixHD) would hide it.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from remend.models.discriminators.patch import PatchDiscriminator, PatchDiscriminatorConfig
from remend.models.layers.spectral import normalise_spectrally


class DiscriminatorOutput(NamedTuple):
    """What a discriminator says: all its logits (B, n), and its activations for feature matching."""

    logits: Tensor
    features: list[Tensor]


class MultiscaleDiscriminator(nn.Module):
    """``config.scales`` patch discriminators on the picture max-pooled to 1, 1/2, 1/4, ..."""

    def __init__(self, config: PatchDiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        self.scales = nn.ModuleList(PatchDiscriminator(config) for _ in range(config.scales))
        if config.spectral:
            normalise_spectrally(self)

    def forward(self, picture: Tensor, mask: Tensor | None = None) -> DiscriminatorOutput:
        """Judge picture (B, C, H, W); logits of all levels are joined to (B, n).

        A mask (B, 1, H, W) is seen as one more channel.
        """
        if mask is not None:
            picture = torch.cat([picture, mask], 1)
        logits: list[Tensor] = []
        features: list[Tensor] = []
        for level, patch in enumerate(self.scales):
            if level:
                picture = F.max_pool2d(picture, 2)
            level_logits, level_features = patch(picture)
            logits.append(level_logits.flatten(1))
            features.extend(level_features)
        return DiscriminatorOutput(torch.cat(logits, 1).float(), features)
