"""Discriminators alone, on tasks that only one of them can solve.

`tell_collapse`: generated batches that have collapsed to one spot, a new one each batch, so that every
single sample looks real. `tell_pairs`: pictures that are wrong only in how far parts fit together.
"""

import functools
import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from remend.models.discriminators.multiscale import MultiscaleDiscriminator
from remend.models.discriminators.patch import PatchDiscriminatorConfig
from remend.models.layers.minibatch import MINIBATCH, Minibatch
from remend.training.engine.discriminator_tricks import Smoothing, draw_target
from remend.training.lab.problems.ring import SPREAD, centres, draw_ring
from remend.training.losses.gan import GAN_LOSSES
from remend.training.optim.optimisers import make_adam

COLLAPSE_BATCH, COLLAPSE_STEPS = 64, 200
PAIR_BATCH, PAIR_STEPS, PAIR_SIDE, SPOT = 16, 60, 64, 16


class AccuracyCurve(NamedTuple):
    """Share of fresh samples told apart, 0.5 = by chance: at the end and on the way."""

    accuracy: float
    steps: list[int]
    accuracies: list[float]
    parameters: int


class PointDiscriminator(nn.Module):
    """A dense discriminator of points, with a minibatch layer before its last layer."""

    def __init__(self, minibatch: Minibatch, width: int = 64) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Linear(2, width), nn.LeakyReLU(0.2))
        self.minibatch = MINIBATCH[minibatch](width)
        self.head = nn.Sequential(
            nn.Linear(width + self.minibatch.added, width), nn.LeakyReLU(0.2), nn.Linear(width, 1)
        )

    def forward(self, points: Tensor) -> Tensor:
        """Logits (B, 1) of points (B, 2)."""
        features = self.first(points)[..., None, None]
        return self.head(self.minibatch(features).flatten(1))


def draw_collapsed(samples: int, random: torch.Generator) -> Tensor:
    """Points (samples, 2) round one mode of the ring, another mode each call."""
    mode = torch.randint(0, len(centres()), (1,), generator=random)
    return centres()[mode] + SPREAD * torch.randn(samples, 2, generator=random)


def share_right(real: Tensor, fake: Tensor) -> float:
    """Share of logits with the right sign."""
    return float(torch.cat([real > 0, fake <= 0]).double().mean())


@functools.cache
def tell_collapse(minibatch: Minibatch, seed: int) -> AccuracyCurve:
    """Train a discriminator to tell ring samples from collapsed batches."""
    torch.default_generator.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    discriminator = PointDiscriminator(minibatch)
    optimiser = make_adam(discriminator, 2e-3, (0.9, 0.999))
    loss = GAN_LOSSES["non_saturating"].discriminator

    def logits() -> tuple[Tensor, Tensor]:
        real = draw_ring(COLLAPSE_BATCH, random)
        return discriminator(real), discriminator(draw_collapsed(COLLAPSE_BATCH, random))

    @torch.no_grad()
    def accuracy(batches: int) -> float:
        return math.fsum(share_right(*logits()) for _ in range(batches)) / batches

    steps, accuracies = [0], [accuracy(16)]
    for step in range(1, COLLAPSE_STEPS + 1):
        optimiser.zero_grad()
        torch.autograd.backward(loss(*logits(), 1.0))
        optimiser.step()
        if step % 25 == 0:
            steps.append(step)
            accuracies.append(accuracy(16))
    size = sum(p.numel() for p in discriminator.parameters())
    return AccuracyCurve(accuracy(64), steps, accuracies, size)


def draw_pairs(equal: bool, random: torch.Generator) -> Tensor:
    """Pictures (B, 1, H, W) of two spots in opposite corners, of equal or of opposite sign."""
    pictures = torch.zeros(PAIR_BATCH, 1, PAIR_SIDE, PAIR_SIDE)
    first = torch.randint(0, 2, (PAIR_BATCH, 1, 1, 1), generator=random).float() * 2 - 1
    pictures[..., :SPOT, :SPOT] = first
    pictures[..., -SPOT:, -SPOT:] = first if equal else -first
    return pictures


@functools.cache
def tell_pairs(scales: int, seed: int) -> AccuracyCurve:
    """Train a patch discriminator of so many scales to see whether two far spots agree."""
    torch.default_generator.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    config = PatchDiscriminatorConfig(inputs=1, width=12, layers=3, scales=scales, spectral=False)
    discriminator = MultiscaleDiscriminator(config)
    optimiser = make_adam(discriminator, 2e-3, (0.5, 0.99))
    loss = GAN_LOSSES["hinge"].discriminator

    def logits() -> tuple[Tensor, Tensor]:
        real, fake = draw_pairs(True, random), draw_pairs(False, random)
        return discriminator(real).logits, discriminator(fake).logits

    @torch.no_grad()
    def accuracy(batches: int) -> float:
        def right() -> float:
            real, fake = logits()
            return share_right(real.sum(1), fake.sum(1))

        return math.fsum(right() for _ in range(batches)) / batches

    steps, accuracies = [0], [accuracy(4)]
    for step in range(1, PAIR_STEPS + 1):
        optimiser.zero_grad()
        torch.autograd.backward(loss(*logits(), 1.0))
        optimiser.step()
        if step % 20 == 0:
            steps.append(step)
            accuracies.append(accuracy(4))
    size = sum(p.numel() for p in discriminator.parameters())
    return AccuracyCurve(accuracy(16), steps, accuracies, size)


def settle_logit(smoothing: Smoothing, steps: int = 1500) -> list[float]:
    """σ(r) after each step, where the logit r of all real samples is free to follow its target."""
    random = torch.Generator().manual_seed(0)
    logit, fake = nn.Parameter(torch.zeros(1)), torch.zeros(64, 1)
    optimiser = make_adam(nn.ParameterList([logit]), 0.05, (0.9, 0.999))
    loss = GAN_LOSSES["minimax"].discriminator
    path = [0.5]
    for _ in range(steps):
        target = draw_target(smoothing, len(fake), random)
        optimiser.zero_grad()
        torch.autograd.backward(loss(logit.expand(64, 1), fake, target))
        optimiser.step()
        path.append(float(torch.sigmoid(logit.detach())))
    return path
