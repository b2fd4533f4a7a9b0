"""GAN losses on raw discriminator outputs, one table: ``GAN_LOSSES[name]`` holds a (d, g) pair.

r = f(real), k = f(fake), tensors of any shape; every loss is a mean over all elements. Losses that pull
r towards a number take that number as a target t, 1 unless labels are smoothed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor
from torch.nn.functional import softplus

GanLossName = Literal["minimax", "non_saturating", "wgan", "lsgan", "hinge", "hinge_no_relu"]
Target = Tensor | float


@dataclass(frozen=True, slots=True)
class GanLoss:
    """Loss of the discriminator, given (r, k, t), and of the generator, given k."""

    discriminator: Callable[[Tensor, Tensor, Target], Tensor]
    generator: Callable[[Tensor], Tensor]
    has_targets: bool = False


def cross_entropy(real: Tensor, fake: Tensor, target: Target = 1.0) -> Tensor:
    """-t log σ(r) - (1 - t) log(1 - σ(r)) - log(1 - σ(k))."""
    return (softplus(real) - target * real).mean() + softplus(fake).mean()


def least_squares(real: Tensor, fake: Tensor, target: Target = 1.0) -> Tensor:
    """Half of (r - t)² + k²."""
    return ((real - target).square().mean() + fake.square().mean()) / 2


GAN_LOSSES: dict[GanLossName, GanLoss] = {
    # Goodfellow et al. 2014, eq. 1: the generator minimises log(1 - σ(k)).
    "minimax": GanLoss(cross_entropy, lambda fake: -softplus(fake).mean(), True),
    # Goodfellow et al. 2014, section 3: the generator maximises log σ(k).
    "non_saturating": GanLoss(cross_entropy, lambda fake: softplus(-fake).mean(), True),
    # Arjovsky et al. 2017; needs a bounded slope: a penalty or spectral normalisation.
    "wgan": GanLoss(lambda real, fake, _: fake.mean() - real.mean(), lambda fake: -fake.mean()),
    # Mao et al. 2017 with a = 0, b = c = 1.
    "lsgan": GanLoss(least_squares, lambda fake: (fake - 1).square().mean() / 2, True),
    # Lim and Ye 2017.
    "hinge": GanLoss(
        lambda real, fake, _: (1 - real).relu().mean() + (1 + fake).relu().mean(),
        lambda fake: -fake.mean(),
    ),
    # The hinge without its relu has WGAN's gradient and needs a bounded slope as well.
    "hinge_no_relu": GanLoss(
        lambda real, fake, _: (1 - real).mean() + (1 + fake).mean(), lambda fake: -fake.mean()
    ),
}
