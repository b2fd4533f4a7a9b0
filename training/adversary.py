"""The opponent: discriminators, their loss and their optimiser behind two calls.

`Adversary.terms` is what the generator is told, `Adversary.train` a step of the discriminator.
`NoAdversary` is the opponent of a run that has none, so that the loop needs no case for it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from models.device import Placement
from models.registry import build_network
from training import picture_losses
from training.config import Recipe
from training.gan_losses import GAN_LOSSES
from training.optimisers import OPTIMISERS

Terms = Mapping[str, Callable[[], Tensor]]


class NoAdversary:
    """No discriminator: nothing to tell, nothing to train, nothing to keep."""

    network: nn.Module | None = None

    def terms(self, real: Tensor, fake: Tensor) -> Terms:
        """No terms."""
        return {}

    def train(self, real: Tensor, fake: Tensor, rate_factor: float) -> dict[str, float]:
        """Nothing happens."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Nothing to resume from."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing to resume."""


class Adversary:
    """Discriminator, GAN loss and optimiser as one object."""

    def __init__(self, recipe: Recipe, placement: Placement) -> None:
        network = build_network("multiscale", recipe.discriminator)
        layout = torch.channels_last
        self.network = network.to(placement.device, memory_format=layout)  # pyright: ignore[reportCallIssue]
        self.placement = placement
        self.loss = GAN_LOSSES[recipe.adversary.loss]
        self.config = recipe.optimiser.discriminator
        make = OPTIMISERS[self.config.name]
        self.optimiser = make(self.network, self.config.lr, self.config.betas)

    def terms(self, real: Tensor, fake: Tensor) -> Terms:
        """The generator's losses against this opponent, for inputs as the discriminator sees them."""
        self.network.requires_grad_(False)
        with self.placement.autocast():
            verdict = self.network(fake)
            with torch.no_grad():
                truth = self.network(real)
        return {
            "adversarial": lambda: self.loss.generator(verdict.logits),
            "feature_matching": lambda: picture_losses.feature_matching(
                verdict.features, truth.features
            ),
        }

    def train(self, real: Tensor, fake: Tensor, rate_factor: float) -> dict[str, float]:
        """One step on a real and a generated batch; the fake's graph is not touched."""
        self.network.requires_grad_(True)
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.lr * rate_factor
        with self.placement.autocast():
            real_logits = self.network(real).logits
            fake_logits = self.network(fake.detach()).logits
        loss = self.loss.discriminator(real_logits, fake_logits)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        return {
            "d_loss": loss.item(),
            "d_real": real_logits.mean().item(),
            "d_fake": fake_logits.mean().item(),
        }

    def state_dict(self) -> dict[str, Any]:
        """Everything to resume from."""
        return {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state_dict()``."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])


def make_adversary(recipe: Recipe, placement: Placement) -> Adversary | NoAdversary:
    """The opponent that the recipe's loss weights call for."""
    wanted = recipe.losses.adversarial or recipe.losses.feature_matching
    return Adversary(recipe, placement) if wanted else NoAdversary()
