"""Eight Gaussians on a ring: how many of them does a small generator find in 500 steps?

Generator and discriminator are small dense networks; losses, penalties, optimisers, targets and noise
are the engine's. Rates are set so that a GAN without help collapses to a mode or two; gentler ones
would find all eight whatever the technique.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from remend.models.layers.spectral import normalise_spectrally
from remend.training.engine.discriminator_tricks import Smoothing, add_instance_noise, draw_target
from remend.training.losses.gan import GAN_LOSSES, GanLossName
from remend.training.losses.penalties import PENALTIES, PenaltyName, squared_slope
from remend.training.optim.optimisers import OPTIMISERS, OptimiserName

MODES, RADIUS, SPREAD = 8, 2.0, 0.1
BATCH, SAMPLES, WIDTH, LATENT = 128, 2000, 128, 2
BETAS = (0.5, 0.999)


@dataclass(frozen=True)
class RingSettings:
    """One run on the ring."""

    loss: GanLossName = "non_saturating"
    penalty: PenaltyName = "none"
    penalty_weight: float = 1.0
    penalty_every: int = 1
    smoothing: Smoothing = 1.0
    noise: float = 0.0
    """Standard deviation of the instance noise at the start; 0 at the end of the run."""
    spectral: bool = False
    """Spectral normalisation of the discriminator."""
    generator_lr: float = 2e-3
    discriminator_lr: float = 1e-3
    discriminator_steps: int = 1
    latent: Literal["normal", "uniform"] = "normal"
    scale: float = 1.0
    """Everything is so many times larger: what the networks see if inputs are not normalised."""
    steps: int = 500
    seed: int = 0


class RingOutcome(NamedTuple):
    """What the trained generator makes."""

    modes: int
    """Gaussians that got at least 1 % of the samples, each within three standard deviations."""
    quality: float
    """Share of the samples that lie so close to a centre."""
    points: Tensor
    """(N, 2) samples, scaled back."""
    slope: float
    """Mean norm of the discriminator's gradient at real samples."""


def centres() -> Tensor:
    """The eight means, (8, 2)."""
    angles = torch.arange(MODES) * (2 * math.pi / MODES)
    return RADIUS * torch.stack([angles.cos(), angles.sin()], 1)


def draw_ring(samples: int, random: torch.Generator) -> Tensor:
    """Points (samples, 2) of the mixture."""
    chosen = torch.randint(0, MODES, (samples,), generator=random)
    return centres()[chosen] + SPREAD * torch.randn(samples, 2, generator=random)


def dense(inputs: int, outputs: int, act: Callable[[], nn.Module]) -> nn.Sequential:
    """Two hidden layers."""
    first, second = nn.Linear(inputs, WIDTH), nn.Linear(WIDTH, WIDTH)
    return nn.Sequential(first, act(), second, act(), nn.Linear(WIDTH, outputs))


def count_modes(points: Tensor) -> tuple[int, float]:
    """Modes found and share of good samples among points (N, 2)."""
    distance, nearest = torch.cdist(points, centres()).min(1)
    good = distance < 3 * SPREAD
    hits = torch.bincount(nearest[good], minlength=MODES)
    return int((hits >= 0.01 * len(points)).sum()), float(good.double().mean())


@functools.cache
def run_ring(settings: RingSettings) -> RingOutcome:
    """Train on the ring and look at what comes out."""
    torch.manual_seed(settings.seed)
    random = torch.Generator().manual_seed(settings.seed)
    generator = dense(LATENT, 2, nn.ReLU)
    judge = dense(2, 1, lambda: nn.LeakyReLU(0.2))
    if settings.spectral:
        normalise_spectrally(judge)
    adam: OptimiserName = "adam"
    make_step = OPTIMISERS[adam](generator, settings.generator_lr, BETAS)
    judge_step = OPTIMISERS[adam](judge, settings.discriminator_lr, BETAS)
    gan, penalty = GAN_LOSSES[settings.loss], PENALTIES[settings.penalty]
    images, until = 0, settings.steps * BATCH

    def latents(samples: int) -> Tensor:
        if settings.latent == "normal":
            return torch.randn(samples, LATENT, generator=random)
        return 2 * torch.rand(samples, LATENT, generator=random) - 1

    def critic(points: Tensor) -> Tensor:
        return judge(points).squeeze(1)

    def noisy(points: Tensor) -> Tensor:
        return add_instance_noise(points, settings.noise, images, until, random)

    def train_judge(with_penalty: bool) -> None:
        real = noisy(settings.scale * draw_ring(BATCH, random))
        with torch.no_grad():
            fake = noisy(generator(latents(BATCH)))
        target = draw_target(settings.smoothing, BATCH, random)
        loss = gan.discriminator(judge(real), judge(fake), target)
        if penalty is not None and with_penalty:
            mix = torch.rand(BATCH, generator=random)
            weight = settings.penalty_weight * settings.penalty_every
            loss = loss + weight * penalty(critic, real, fake, mix)
        judge_step.zero_grad()
        loss.backward()
        judge_step.step()

    for step in range(settings.steps):
        judge.requires_grad_(True)
        for _ in range(settings.discriminator_steps):
            train_judge(step % settings.penalty_every == 0)
        judge.requires_grad_(False)
        loss = gan.generator(critic(noisy(generator(latents(BATCH)))))
        make_step.zero_grad()
        loss.backward()
        make_step.step()
        images += BATCH
    with torch.no_grad():
        points = generator(latents(SAMPLES))
    real = settings.scale * draw_ring(SAMPLES, random)
    slope = squared_slope(critic, real).sqrt().mean().item()
    points = points / settings.scale
    return RingOutcome(*count_modes(points), points, slope)
