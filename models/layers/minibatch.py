"""Layers that show a discriminator how similar the samples of a batch are, against mode collapse.

One table: ``MINIBATCH[name](channels)`` gives a module for features (B, C, H, W) that appends
``added`` channels to them.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

Minibatch = Literal["none", "stddev", "discrimination"]


class NoMinibatch(nn.Module):
    """Every sample is judged alone."""

    added = 0

    def forward(self, x: Tensor) -> Tensor:
        return x


GROUP = 4
"""Samples that are compared with each other, as in the published code of Karras et al. 2018."""


def choose_group(batch: int) -> int:
    """The largest group of at most 4 samples that divides a batch; all of it where only 1 does."""
    return next((size for size in (GROUP, 3, 2) if batch % size == 0), batch)


class MinibatchStddev(nn.Module):
    """Standard deviation over groups of 4 samples, averaged over everything (Karras et al. 2018, section 3).

    Appended as one constant channel; no parameter. Samples i, i + B/4, i + 2B/4 and i + 3B/4 are a group, so
    that the channel does not depend on how large the batch is.
    """

    added = 1

    def forward(self, x: Tensor) -> Tensor:
        group = choose_group(len(x))
        groups = torch.unflatten(x.float(), 0, (group, len(x) // group))
        spread = (groups.var(0, unbiased=False) + 1e-8).sqrt().flatten(1).mean(1).to(x.dtype)
        channel = spread.repeat(group).view(-1, 1, 1, 1)
        return torch.cat([x, channel.expand(-1, 1, *x.shape[2:])], 1)


class MinibatchDiscrimination(nn.Module):
    """Learned distances between samples (Salimans et al. 2016, section 3.2).

    Features, averaged over the picture, become ``kernels`` rows of ``depth`` numbers M; the output
    o_b = Σ_j exp(-‖M_i,b - M_j,b‖₁) over the other samples j is appended as constant channels.
    """

    def __init__(self, channels: int, kernels: int = 16, depth: int = 4) -> None:
        super().__init__()
        self.added, self.depth = kernels, depth
        self.project = nn.Linear(channels, kernels * depth, bias=False)

    def closeness(self, features: Tensor) -> Tensor:
        """O (B, kernels) of features (B, C): B - 1 for equal samples, towards 0 for distant ones."""
        rows = self.project(features).float().unflatten(1, (self.added, self.depth))
        distance = (rows[:, None] - rows[None]).abs().sum(3)
        return torch.exp(-distance).sum(1) - 1

    def forward(self, x: Tensor) -> Tensor:
        found = self.closeness(x.mean((2, 3))).to(x.dtype)
        return torch.cat([x, found[:, :, None, None].expand(-1, -1, *x.shape[2:])], 1)


MINIBATCH: dict[
    Minibatch, Callable[[int], NoMinibatch | MinibatchStddev | MinibatchDiscrimination]
] = {
    "none": lambda channels: NoMinibatch(),
    "stddev": lambda channels: MinibatchStddev(),
    "discrimination": MinibatchDiscrimination,
}
