"""GAN losses on raw discriminator outputs, one table: ``GAN_LOSSES[name]`` holds a (d, g) pair.

r = f(real), k = f(fake), tensors of any shape; every loss is a mean over all elements.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor
from torch.nn.functional import softplus

GanLossName = Literal["minimax", "non_saturating", "wgan", "lsgan", "hinge", "hinge_no_relu"]


@dataclass(frozen=True, slots=True)
class GanLoss:
    """Loss of the discriminator, given (r, k), and of the generator, given k."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


def cross_entropy(real: Tensor, fake: Tensor) -> Tensor:
    """-log σ(r) - log(1 - σ(k))."""
    return softplus(-real).mean() + softplus(fake).mean()


GAN_LOSSES: dict[GanLossName, GanLoss] = {
    # Goodfellow et al. 2014, eq. 1: the generator minimises log(1 - σ(k)).
    "minimax": GanLoss(cross_entropy, lambda fake: -softplus(fake).mean()),
    # Goodfellow et al. 2014, section 3: the generator maximises log σ(k).
    "non_saturating": GanLoss(cross_entropy, lambda fake: softplus(-fake).mean()),
    # Arjovsky et al. 2017; wants a bounded slope: a penalty or spectral normalisation.
    "wgan": GanLoss(lambda real, fake: fake.mean() - real.mean(), lambda fake: -fake.mean()),
    # Mao et al. 2017 with a = 0, b = c = 1.
    "lsgan": GanLoss(
        lambda real, fake: ((real - 1).square().mean() + fake.square().mean()) / 2,
        lambda fake: (fake - 1).square().mean() / 2,
    ),
    # Lim and Ye 2017.
    "hinge": GanLoss(
        lambda real, fake: (1 - real).relu().mean() + (1 + fake).relu().mean(),
        lambda fake: -fake.mean(),
    ),
    # The hinge without its relu has WGAN's gradient and wants a bounded slope as well.
    "hinge_no_relu": GanLoss(
        lambda real, fake: (1 - real).mean() + (1 + fake).mean(), lambda fake: -fake.mean()
    ),
}
