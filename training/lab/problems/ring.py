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


class RingGan:
    """Generator and discriminator of one run, and a step of each.

    Args:
        settings: The run's.
    """

    def __init__(self, settings: RingSettings) -> None:
        torch.default_generator.manual_seed(settings.seed)
        self.settings = settings
        self.random = torch.Generator().manual_seed(settings.seed)
        self.generator = dense(LATENT, 2, nn.ReLU)
        self.discriminator = dense(2, 1, lambda: nn.LeakyReLU(0.2))
        if settings.spectral:
            normalise_spectrally(self.discriminator)
        adam: OptimiserName = "adam"
        self.generator_adam = OPTIMISERS[adam](self.generator, settings.generator_lr, BETAS)
        rate = settings.discriminator_lr
        self.discriminator_adam = OPTIMISERS[adam](self.discriminator, rate, BETAS)
        self.gan = GAN_LOSSES[settings.loss]
        self.images_seen = 0

    def latents(self, samples: int) -> Tensor:
        """Inputs of the generator, (samples, LATENT)."""
        if self.settings.latent == "normal":
            return torch.randn(samples, LATENT, generator=self.random)
        return 2 * torch.rand(samples, LATENT, generator=self.random) - 1

    def critic(self, points: Tensor) -> Tensor:
        """Logits (N,) of points (N, 2)."""
        return self.discriminator(points).squeeze(1)

    def noisy(self, points: Tensor) -> Tensor:
        """Points with the instance noise of the moment."""
        images = self.settings.steps * BATCH
        noise = self.settings.noise
        return add_instance_noise(points, noise, self.images_seen, images, self.random)

    def discriminator_step(self, with_penalty: bool) -> None:
        """Teach the discriminator on one batch of each kind."""
        settings, penalty = self.settings, PENALTIES[self.settings.penalty]
        real = self.noisy(settings.scale * draw_ring(BATCH, self.random))
        with torch.no_grad():
            fake = self.noisy(self.generator(self.latents(BATCH)))
        target = draw_target(settings.smoothing, BATCH, self.random)
        loss = self.gan.discriminator(self.discriminator(real), self.discriminator(fake), target)
        if penalty is not None and with_penalty:
            mix = torch.rand(BATCH, generator=self.random)
            weight = settings.penalty_weight * settings.penalty_every
            loss = loss + weight * penalty(self.critic, real, fake, mix)
        self.discriminator_adam.zero_grad()
        torch.autograd.backward(loss)
        self.discriminator_adam.step()

    def generator_step(self) -> None:
        """Teach the generator on one batch; the discriminator's weights stay as they are."""
        self.discriminator.requires_grad_(False)
        loss = self.gan.generator(self.critic(self.noisy(self.generator(self.latents(BATCH)))))
        self.generator_adam.zero_grad()
        torch.autograd.backward(loss)
        self.generator_adam.step()
        self.discriminator.requires_grad_(True)
        self.images_seen += BATCH


@functools.cache
def run_ring(settings: RingSettings) -> RingOutcome:
    """Train on the ring and look at what comes out."""
    run = RingGan(settings)
    for step in range(settings.steps):
        for _ in range(settings.discriminator_steps):
            run.discriminator_step(step % settings.penalty_every == 0)
        run.generator_step()
    run.discriminator.requires_grad_(False)
    with torch.no_grad():
        points = run.generator(run.latents(SAMPLES))
    real = settings.scale * draw_ring(SAMPLES, run.random)
    slope = squared_slope(run.critic, real).sqrt().mean().item()
    points = points / settings.scale
    return RingOutcome(*count_modes(points), points, slope)
