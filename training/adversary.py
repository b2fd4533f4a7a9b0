"""The opponent: discriminators, their loss, penalty, noise and optimiser behind two calls.

`Adversary.terms` is what the generator is told, `Adversary.train` a step of the discriminator.
`NoAdversary` is the opponent of a run that has none, so that the loop needs no case for it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from models.device import Placement
from models.registry import build_network, find_architecture
from training import picture_losses
from training.gan_losses import GAN_LOSSES
from training.optimisers import OPTIMISERS
from training.penalties import PENALTIES
from training.recipe import Recipe
from training.stabilise import add_instance_noise, augment, draw_augmentation, draw_target, shift

Terms = Mapping[str, Callable[[], Tensor]]
Condition = tuple[Tensor, ...]


class NoAdversary:
    """No discriminator: nothing to tell, nothing to train, nothing to keep."""

    network: nn.Module | None = None
    architecture = ""

    def terms(self, real: Tensor, fake: Tensor, condition: Condition, images_seen: int) -> Terms:
        """No terms."""
        return {}

    def train(
        self,
        real: Tensor,
        fake: Tensor,
        condition: Condition,
        images_seen: int,
        rate_factor: float,
    ) -> dict[str, float]:
        """Nothing happens."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Nothing to resume from."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing to resume."""


class Adversary:
    """Discriminator, GAN loss, penalty and optimiser as one object.

    Pictures are (B, 3, H, W) in [-1, 1]; the condition (a mask, labels, nothing) is what the
    discriminator is told besides, without noise. Which discriminator it is follows from the generator.
    """

    def __init__(self, recipe: Recipe, placement: Placement) -> None:
        self.architecture = find_architecture(recipe.architecture).judge
        network = build_network(self.architecture, recipe.discriminator)
        layout = torch.channels_last
        self.network = network.to(placement.device, memory_format=layout)  # pyright: ignore[reportCallIssue]
        self.placement = placement
        self.config = recipe.adversary
        self.loss = GAN_LOSSES[self.config.loss]
        self.penalty = PENALTIES[self.config.penalty]
        self.rates = recipe.optimiser.discriminator
        make = OPTIMISERS[self.rates.name]
        self.optimiser = make(self.network, self.rates.lr, self.rates.betas)
        self.random = torch.Generator(placement.device).manual_seed(recipe.seed)
        self.steps = 0

    def noisy(self, pictures: Tensor, images_seen: int) -> Tensor:
        """Pictures with the instance noise of this moment."""
        config = self.config
        return add_instance_noise(
            pictures, config.instance_noise, images_seen, config.instance_noise_images, self.random
        )

    def augmented(
        self, real: Tensor, fake: Tensor, condition: Condition
    ) -> tuple[Tensor, Tensor, Condition]:
        """Both pictures, and maps they are shown with, changed by one draw of the augmentation."""
        if self.config.augment == 0:
            return real, fake, condition
        drawn = draw_augmentation(real.shape, self.config.augment, self.random)
        maps = tuple(shift(told, drawn) if told.ndim == 4 else told for told in condition)
        return augment(real, drawn), augment(fake, drawn), maps

    def terms(self, real: Tensor, fake: Tensor, condition: Condition, images_seen: int) -> Terms:
        """The generator's losses against this opponent."""
        self.network.requires_grad_(False)
        real, fake, condition = self.augmented(real, fake, condition)
        with self.placement.autocast():
            verdict = self.network(self.noisy(fake, images_seen), *condition)

        def feature_matching() -> Tensor:
            with self.placement.autocast(), torch.no_grad():
                truth = self.network(self.noisy(real, images_seen), *condition)
            return picture_losses.feature_matching(verdict.features, truth.features)

        return {
            "adversarial": lambda: self.loss.generator(verdict.logits),
            "feature_matching": feature_matching,
        }

    def train(
        self,
        real: Tensor,
        fake: Tensor,
        condition: Condition,
        images_seen: int,
        rate_factor: float,
    ) -> dict[str, float]:
        """One step on a real and a generated batch; the fake's graph is not touched."""
        self.network.requires_grad_(True)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rates.lr * rate_factor
        real, fake, condition = self.augmented(real, fake.detach(), condition)
        real, fake = self.noisy(real, images_seen), self.noisy(fake, images_seen)
        with self.placement.autocast():
            real_logits = self.network(real, *condition).logits
            fake_logits = self.network(fake, *condition).logits
        target = draw_target(self.config.label_smoothing, len(real), self.random)
        loss = self.loss.discriminator(real_logits, fake_logits, target)
        stats = {
            "d_loss": loss.item(),
            "d_real": real_logits.mean().item(),
            "d_fake": fake_logits.mean().item(),
        }
        if self.penalty is not None and self.steps % self.config.penalty_every == 0:
            mix = torch.rand(len(real), generator=self.random, device=real.device)
            # In float32 and without autocast: second derivatives of 16-bit products are too coarse.
            penalty = self.penalty(
                lambda pictures: self.network(pictures, *condition).logits.mean(1),
                real,
                fake,
                mix,
            )
            loss = loss + self.config.penalty_weight * self.config.penalty_every * penalty
            stats["penalty"] = penalty.item()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.steps += 1
        return stats

    def state_dict(self) -> dict[str, Any]:
        """Everything to resume from."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": self.random.get_state(),
            "steps": self.steps,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state_dict()``."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.random.set_state(state["random"])
        self.steps = state["steps"]


def make_adversary(recipe: Recipe, placement: Placement) -> Adversary | NoAdversary:
    """The opponent that the recipe's loss weights call for."""
    wanted = recipe.losses.adversarial or recipe.losses.feature_matching
    return Adversary(recipe, placement) if wanted else NoAdversary()
