"""Gradient penalties on a discriminator, one table: ``PENALTIES[name](critic, real, fake, mix)``.

``critic`` maps pictures (B, ...) to one number a sample, (B,). Norms are taken over a whole sample,
never per pixel. The result is a scalar whose graph reaches the critic's parameters; the factor 1/2 of
the papers is included, the weight is not.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

PenaltyName = Literal["none", "gp1", "r1", "r2", "gp0"]
Critic = Callable[[Tensor], Tensor]


def squared_slope(critic: Critic, pictures: Tensor) -> Tensor:
    """Squared norm of the critic's gradient at each sample, (B,), differentiable."""
    pictures = pictures.detach().float().requires_grad_()
    (slope,) = torch.autograd.grad(critic(pictures).sum(), pictures, create_graph=True)
    return slope.flatten(1).square().sum(1)


def interpolate(real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """Points on the lines between real and fake samples; mix (B,) in [0, 1] is the real share."""
    share = mix.view(-1, *[1] * (real.ndim - 1))
    return share * real + (1 - share) * fake


def gp1(critic: Critic, real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """Mean of (|slope| - 1)² between real and fake (Gulrajani et al. 2017, eq. 3)."""
    slope = (squared_slope(critic, interpolate(real, fake, mix)) + 1e-12).sqrt()
    return (slope - 1).square().mean()


def r1(critic: Critic, real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """Half the mean of |slope|² on real samples (Mescheder et al. 2018, eq. 9)."""
    return squared_slope(critic, real).mean() / 2


def r2(critic: Critic, real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """Half the mean of |slope|² on generated samples (Mescheder et al. 2018, eq. 10)."""
    return squared_slope(critic, fake).mean() / 2


def gp0(critic: Critic, real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """Mean of |slope|² between real and fake (Thanh-Tung et al. 2019, eq. 9)."""
    return squared_slope(critic, interpolate(real, fake, mix)).mean()


PENALTIES: dict[PenaltyName, Callable[[Critic, Tensor, Tensor, Tensor], Tensor] | None] = {
    "none": None,
    "gp1": gp1,
    "r1": r1,
    "r2": r2,
    "gp0": gp0,
}
