"""The Dirac-GAN (Mescheder et al. 2018): the smallest GAN there is, with two numbers to train.

All data is the point 0, the generator makes the point θ, the discriminator is D(x) = ψx. The
equilibrium is θ = ψ = 0; plain gradient steps circle round it. Losses, penalties, noise, targets and
the average are the engine's.
"""

import functools
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from remend.training.engine.discriminator_tricks import Smoothing, add_instance_noise, draw_target
from remend.training.losses.gan import GAN_LOSSES, GanLossName
from remend.training.losses.penalties import PENALTIES, PenaltyName
from remend.training.optim.ema import Ema

STEP = 0.1


@dataclass(frozen=True)
class DiracSettings:
    """One Dirac-GAN; it starts at (1, 1) and takes alternating steps of size 0.1."""

    loss: GanLossName = "minimax"
    penalty: PenaltyName = "none"
    penalty_weight: float = 0.0
    smoothing: Smoothing = 1.0
    noise: float = 0.0
    """Standard deviation of the instance noise at the start."""
    noise_steps: int = 0
    """Steps until it is 0."""
    samples: int = 1
    """Copies of each point in a batch; they differ only by the noise."""
    ema_half_life: float = 0.0
    steps: int = 500


@dataclass(frozen=True)
class DiracPath:
    """Where θ, ψ and the average of θ were before the first and after every step."""

    theta: list[float]
    psi: list[float]
    average: list[float]

    @property
    def distances(self) -> list[float]:
        """Distance from the equilibrium."""
        return [math.hypot(t, p) for t, p in zip(self.theta, self.psi, strict=True)]


class Point(nn.Module):
    """A generator that makes one point."""

    def __init__(self) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.ones(1))

    def forward(self, samples: int) -> Tensor:
        """The point (samples, 1)."""
        return self.theta.expand(samples, 1)


@functools.cache
def run_dirac(settings: DiracSettings) -> DiracPath:
    """Train a Dirac-GAN, the generator first in each step."""
    generator, psi = Point(), torch.ones(1, requires_grad=True)
    gan, penalty = GAN_LOSSES[settings.loss], PENALTIES[settings.penalty]
    random = torch.Generator().manual_seed(0)
    ema = Ema(generator, settings.ema_half_life, ramp=1.0)
    path = DiracPath([1.0], [1.0], [1.0])
    samples, until = settings.samples, settings.noise_steps

    def critic(points: Tensor) -> Tensor:
        return (psi * points).squeeze(1)

    def noisy(points: Tensor, step: int) -> Tensor:
        return add_instance_noise(points, settings.noise, step, until, random)

    origin = torch.zeros(samples, 1)
    for step in range(settings.steps):
        loss = gan.generator(critic(noisy(generator(samples), step)))
        (slope,) = torch.autograd.grad(loss, generator.theta)
        generator.theta.data -= STEP * slope
        ema.update(generator, 1, step + 1)
        real, fake = noisy(origin, step), noisy(generator(samples).detach(), step)
        target = draw_target(settings.smoothing, samples, random)
        target = target.squeeze(1) if isinstance(target, Tensor) else target
        loss = gan.discriminator(critic(real), critic(fake), target)
        if penalty is not None:
            mix = torch.full((samples,), 0.5)
            loss = loss + settings.penalty_weight * penalty(critic, real, fake, mix)
        (slope,) = torch.autograd.grad(loss, psi)
        psi.data -= STEP * slope
        path.theta.append(float(generator.theta.detach()))
        path.psi.append(float(psi.detach()))
        path.average.append(float(ema.network(1).squeeze()))
    return path
