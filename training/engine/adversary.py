"""The opponent: discriminators, their loss, penalty, noise and optimiser behind two calls.

`Adversary.terms` is what the generator is told, `Adversary.train` a step of the discriminator.
`NoAdversary` is the opponent of a run that has none, so that the loop needs no case for it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from remend.models.checkpoints.registry import build_network, find_architecture
from remend.models.device import Placement
from remend.models.layers.spectral import iterate_once
from remend.training.engine.compiling import compiled
from remend.training.engine.discriminator_tricks import (
    Augmentation,
    augment,
    draw_augmentation,
    draw_instance_noise,
    draw_target,
    shift,
)
from remend.training.engine.distributed import SingleProcess
from remend.training.engine.tasks import Batch, Terms
from remend.training.losses import pixel as picture_losses
from remend.training.losses.gan import GAN_LOSSES
from remend.training.losses.penalties import PENALTIES
from remend.training.optim.optimisers import OPTIMISERS
from remend.training.recipe.schema import Recipe


class DiscriminatorView(NamedTuple):
    """What is random about showing a batch to the discriminator, sample by sample."""

    real_noise: Tensor
    """Added to real pictures (B, 3, H, W); a zero that broadcasts if off."""
    fake_noise: Tensor
    view: Augmentation | tuple[()]
    """How all that is shown is augmented, if it is."""


class StepNoise(NamedTuple):
    """What is random about a batch's two meetings with the discriminator.

    Drawn for the whole batch at once, so that it does not matter in how many pieces it is computed.
    """

    told: DiscriminatorView
    """The generator hears what the discriminator thinks."""
    judged: DiscriminatorView
    """The discriminator is trained."""
    target: Tensor
    """(B, 1), what logits of real samples are pulled to."""
    mix: Tensor
    """(B,) in [0, 1], where between real and fake a penalty is taken."""


class NoAdversary:
    """No discriminator: nothing to tell, nothing to train, nothing to keep."""

    network: nn.Module | None = None
    architecture = ""

    def draw(self, real: Tensor, images_seen: int) -> tuple[Tensor, ...]:
        """Nothing is random."""
        return ()

    def terms(self, batch: Batch, fake: Tensor) -> Terms:
        """No terms."""
        return {}

    def train(self, seen: Sequence[tuple[Batch, Tensor]], rate_factor: float) -> dict[str, float]:
        """Nothing happens."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Nothing to resume from."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing to resume."""


class Adversary:
    """Discriminator, GAN loss, penalty and optimiser as one object.

    Pictures are (B, 3, H, W) in [-1, 1]; a batch's condition (a mask, labels, nothing) is what the
    discriminator is told besides, without noise. Which discriminator it is follows from the generator.
    """

    def __init__(self, recipe: Recipe, placement: Placement, processes: SingleProcess) -> None:
        self.architecture = find_architecture(recipe.architecture).judge
        network = build_network(self.architecture, recipe.discriminator)
        layout = torch.channels_last
        self.network = network.to(placement.device, memory_format=layout)  # pyright: ignore[reportCallIssue]
        self.judge = compiled(self.network, recipe.run.compile)
        self.placement, self.processes = placement, processes
        self.config = recipe.adversary
        self.loss = GAN_LOSSES[self.config.loss]
        self.penalty = PENALTIES[self.config.penalty]
        self.rates = recipe.optimiser.discriminator
        make = OPTIMISERS[self.rates.name]
        self.optimiser = make(self.network, self.rates.lr, self.rates.betas)
        self.random = torch.Generator(placement.device).manual_seed(recipe.seed)
        self.steps = 0

    def draw(self, real: Tensor, images_seen: int) -> StepNoise:
        """Draw what is random about a whole batch of real pictures and as many generated ones."""
        config, samples = self.config, len(real)
        std, until = config.instance_noise, config.instance_noise_images

        def meeting() -> DiscriminatorView:
            noise = [
                draw_instance_noise(real.shape, std, images_seen, until, self.random)
                for _ in range(2)
            ]
            augmented = config.augment > 0
            view = draw_augmentation(real.shape, config.augment, self.random) if augmented else ()
            return DiscriminatorView(noise[0], noise[1], view)

        target = draw_target(config.label_smoothing, samples, self.random)
        return StepNoise(
            meeting(),
            meeting(),
            torch.as_tensor(target, device=real.device).expand(samples, 1),
            torch.rand(samples, generator=self.random, device=real.device),
        )

    def terms(self, batch: Batch, fake: Tensor) -> Terms:
        """The generator's losses against this opponent."""
        real, fake, condition = show(batch, fake, StepNoise(*batch.chance).told)
        self.network.requires_grad_(False)
        with self.placement.autocast():
            verdict = self.judge(fake, *condition)

        def feature_matching() -> Tensor:
            with self.placement.autocast(), torch.no_grad():
                truth = self.judge(real, *condition)
            return picture_losses.feature_matching(verdict.features, truth.features)

        return {
            "adversarial": lambda: self.loss.generator(verdict.logits),
            "feature_matching": feature_matching,
        }

    def train(self, seen: Sequence[tuple[Batch, Tensor]], rate_factor: float) -> dict[str, float]:
        """One step on the pieces of a batch and what was generated for them.

        Args:
            seen: Each piece with its generated pictures, whose graph is not touched.
            rate_factor: Of the learning rate.

        Returns:
            What was lost, means over the pieces.
        """
        self.network.requires_grad_(True)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rates.lr * rate_factor
        self.optimiser.zero_grad(set_to_none=True)
        stats: dict[str, float] = {}
        for batch, fake in iterate_once(seen, [self.network]):
            loss, values = self.discriminator_losses(batch, fake.detach())
            (loss / len(seen)).backward()
            for name, value in values.items():
                stats[name] = stats.get(name, 0.0) + value / len(seen)
        self.processes.average_gradients(self.network)
        self.optimiser.step()
        self.steps += 1
        return stats

    def discriminator_losses(self, batch: Batch, fake: Tensor) -> tuple[Tensor, dict[str, float]]:
        """The discriminator's loss, penalty included, and its parts in numbers."""
        chance = StepNoise(*batch.chance)
        real, fake, condition = show(batch, fake, chance.judged)
        with self.placement.autocast():
            real_logits = self.judge(real, *condition).logits
            fake_logits = self.judge(fake, *condition).logits
        loss = self.loss.discriminator(real_logits, fake_logits, chance.target)
        stats = {
            "d_loss": loss.item(),
            "d_real": real_logits.mean().item(),
            "d_fake": fake_logits.mean().item(),
        }
        if self.penalty is not None and self.steps % self.config.penalty_every == 0:
            # In float32, without autocast and never compiled: second derivatives of 16-bit products are
            # too coarse, and torch.compile has none.
            penalty = self.penalty(
                lambda pictures: self.network(pictures, *condition).logits.mean(1),
                real,
                fake,
                chance.mix,
            )
            loss = loss + self.config.penalty_weight * self.config.penalty_every * penalty
            stats["penalty"] = penalty.item()
        return loss, stats

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


def show(
    batch: Batch, fake: Tensor, meeting: DiscriminatorView
) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
    """Real pictures, generated ones and what is told besides, augmented, with their noise."""
    real, condition = batch.target, batch.condition
    if isinstance(meeting.view, Augmentation):
        view = meeting.view
        real, fake = augment(real, view), augment(fake, view)
        condition = tuple(shift(told, view) if told.ndim == 4 else told for told in condition)
    return real + meeting.real_noise, fake + meeting.fake_noise, condition


def make_adversary(
    recipe: Recipe, placement: Placement, processes: SingleProcess
) -> Adversary | NoAdversary:
    """The opponent that the recipe's loss weights call for."""
    wanted = recipe.losses.adversarial or recipe.losses.feature_matching
    return Adversary(recipe, placement, processes) if wanted else NoAdversary()
