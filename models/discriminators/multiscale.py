"""The same patch discriminator on a pyramid of the picture, with weights of its own on every level.

The pyramid is made by max-pooling: a single bright or dark dot of a fake survives it undiminished,
where averaging (Wang et al. 2018, pix2pixHD) would hide it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from remend.models.discriminators.patch import PatchDiscriminator, PatchDiscriminatorConfig
from remend.models.layers.spectral import normalise_spectrally


class DiscriminatorOutput(NamedTuple):
    """What a discriminator says, and what of it is about the part of a picture that is judged."""

    logits: Tensor
    """(B, n), of all scales."""
    features: list[Tensor]
    """Activations (B, C, h, w), for feature matching."""
    shares: Tensor | None = None
    """(B, n), each logit's share in the verdict about its sample; None = all alike."""
    reached: list[Tensor] | None = None
    """(B, 1, h, w) for each of the features, 1 where it sees the judged part; None = everywhere."""
    scales: tuple[int, ...] = ()
    """How many of the logits each scale has, the finest first; () = one scale."""

    def mean(self, losses: Tensor) -> Tensor:
        """The mean of a loss of each logit (B, n) over the logits' shares and the samples.

        In a fill, the logits that see no hole see the same pixels in both pictures: to call them false
        teaches nothing. And each scale has the same say, however many logits it has.
        """
        if self.shares is None:
            return losses.mean()
        return (losses * self.shares).sum(1).mean()


def share_logits(reached: Sequence[Tensor]) -> Tensor:
    """Shares (B, n) of the logits of all scales, from which of them count, (B, n_s) of {0, 1} each.

    The same for each that counts within a scale, and for each scale that has one. They add up to 1, or to 0
    where no logit counts.
    """
    scales = [counts / counts.sum(1, keepdim=True).clamp_min(1) for counts in reached]
    speaking = torch.stack([shares.sum(1) for shares in scales]).sum(0)
    return torch.cat(scales, 1) / speaking.clamp_min(1)[:, None]


class MultiscaleDiscriminator(nn.Module):
    """``config.scales`` patch discriminators on the picture max-pooled to 1, 1/2, 1/4, ..."""

    def __init__(self, config: PatchDiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        self.scales = nn.ModuleList(PatchDiscriminator(config) for _ in range(config.scales))
        if config.spectral:
            normalise_spectrally(self)

    def forward(self, picture: Tensor, mask: Tensor | None = None) -> DiscriminatorOutput:
        """Judge the masked part of picture (B, 3, H, W); without a mask, all of it.

        A mask (B, 1, H, W) is seen as one more channel by a discriminator with one more input.
        """
        judged = torch.ones_like(picture[:, :1]) if mask is None else mask
        if mask is not None and self.config.inputs > picture.shape[1]:
            picture = torch.cat([picture, mask], 1)
        logits: list[Tensor] = []
        features: list[Tensor] = []
        counted: list[Tensor] = []
        reached: list[Tensor] = []
        for level, patch in enumerate(self.scales):
            assert isinstance(patch, PatchDiscriminator)
            if level:
                picture, judged = F.max_pool2d(picture, 2), F.max_pool2d(judged, 2)
            level_logits, level_features = patch(picture)
            level_counted, level_reached = patch.reach(judged)
            logits.append(level_logits.flatten(1))
            counted.append(level_counted.flatten(1))
            features.extend(level_features)
            reached.extend(level_reached)
        joined = torch.cat(logits, 1).float()
        sizes = tuple(part.shape[1] for part in logits)
        return DiscriminatorOutput(joined, features, share_logits(counted), reached, sizes)
