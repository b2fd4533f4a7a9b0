"""GAN losses on raw discriminator outputs, one table: ``GAN_LOSSES[name]`` holds a (d, g) pair.

r = f(real), k = f(fake), tensors of any shape; every loss is a mean over all elements, or whatever mean the
caller gives. Losses that pull r towards a number take that number as a target t, 1 unless labels are
smoothed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import softplus

GanLossName = Literal["minimax", "non_saturating", "wgan", "lsgan", "hinge", "hinge_no_relu"]
Target = Tensor | float
Mean = Callable[[Tensor], Tensor]
"""From a loss of each logit to one number."""


@dataclass(frozen=True, slots=True)
class GanLoss:
    """Losses of each logit: of the discriminator for r (with t) and for k, of the generator for k."""

    of_real: Callable[[Tensor, Target], Tensor]
    of_fake: Callable[[Tensor], Tensor]
    of_generated: Callable[[Tensor], Tensor]
    has_targets: bool = False

    def discriminator(
        self, real: Tensor, fake: Tensor, target: Target = 1.0, mean: Mean = torch.mean
    ) -> Tensor:
        """The discriminator's loss."""
        return mean(self.of_real(real, target)) + mean(self.of_fake(fake))

    def generator(self, fake: Tensor, mean: Mean = torch.mean) -> Tensor:
        """The generator's loss."""
        return mean(self.of_generated(fake))


def real_entropy(real: Tensor, target: Target) -> Tensor:
    """-t log σ(r) - (1 - t) log(1 - σ(r))."""
    return softplus(real) - target * real


GAN_LOSSES: dict[GanLossName, GanLoss] = {
    # Goodfellow et al. 2014, eq. 1: the generator minimises log(1 - σ(k)).
    "minimax": GanLoss(real_entropy, softplus, lambda fake: -softplus(fake), True),
    # Goodfellow et al. 2014, section 3: the generator maximises log σ(k).
    "non_saturating": GanLoss(real_entropy, softplus, lambda fake: softplus(-fake), True),
    # Arjovsky et al. 2017; needs a bounded slope: a penalty or spectral normalisation.
    "wgan": GanLoss(lambda real, _: -real, lambda fake: fake, lambda fake: -fake),
    # Mao et al. 2017 with a = 0, b = c = 1.
    "lsgan": GanLoss(
        lambda real, target: (real - target).square() / 2,
        lambda fake: fake.square() / 2,
        lambda fake: (fake - 1).square() / 2,
        True,
    ),
    # Lim and Ye 2017.
    "hinge": GanLoss(
        lambda real, _: (1 - real).relu(), lambda fake: (1 + fake).relu(), lambda fake: -fake
    ),
    # The hinge without its relu has WGAN's gradient and needs a bounded slope as well.
    "hinge_no_relu": GanLoss(lambda real, _: 1 - real, lambda fake: 1 + fake, lambda fake: -fake),
}
