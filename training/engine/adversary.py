"""The opponent of a generator: discriminator, its loss, penalty, noise and optimiser.

The discriminator looks at real and generated pictures once (`Adversary.judge`), both sides learn from what it
says (`Judgement`), and `Adversary.step` moves it. `NoAdversary` is the opponent of a run without one, so the
training loop needs no case for it.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from remend.models.checkpoints.registry import build_network, find_architecture
from remend.models.device import Placement
from remend.models.discriminators.multiscale import DiscriminatorOutput
from remend.training.engine.batch import Batch, StepNoise
from remend.training.engine.compiling import compiled, place
from remend.training.engine.discriminator_tricks import (
    augment,
    draw_augmentation,
    draw_instance_noise,
    draw_target,
    shift,
)
from remend.training.engine.distributed import SingleProcess
from remend.training.engine.tasks.task import Terms
from remend.training.evaluation.metrics import area_under_curve
from remend.training.losses import pixel as picture_losses
from remend.training.losses.gan import GAN_LOSSES
from remend.training.losses.penalties import PENALTIES, PenaltyName
from remend.training.optim.optimisers import OPTIMISERS
from remend.training.recipe.contradictions import has_discriminator
from remend.training.recipe.schema import Recipe

PATIENCE = 3
"""Reports for which the discriminator must be blind, or unbeaten, until that is said."""
BLIND, UNBEATEN = 0.6, 0.98
"""Areas under the curve of its finest scale: below the one it teaches noise, above the other nothing more."""


class Judgement(NamedTuple):
    """What both sides learn from one look of the discriminator at real and generated pictures."""

    terms: Terms
    """The generator's losses; none during the discriminator's head start."""
    learn: Callable[[int], dict[str, Tensor]]
    """Adds the discriminator's gradients for a piece of a batch of so many, and gives its losses. The
    graph of the look is used up by that."""


def learn_nothing(pieces: int) -> dict[str, Tensor]:
    """No gradients, no losses."""
    return {}


class NoAdversary:
    """No discriminator: no losses, nothing to train, nothing to keep."""

    network: nn.Module | None = None
    architecture = ""

    def draw(self, real: Tensor, images_seen: int) -> StepNoise | None:
        """Nothing is random."""
        return None

    def judge(self, batch: Batch, fake: Tensor) -> Judgement:
        """Nobody looks."""
        return Judgement({}, learn_nothing)

    def zero_grad(self) -> None:
        """There are no gradients."""

    def step(self, rate_factor: float) -> None:
        """Nothing happens."""

    def tell_apart(self, batch: Batch, fake: Tensor) -> dict[str, float]:
        """Nothing is told apart."""
        return {}

    @property
    def warning(self) -> str:
        """There is nothing to warn of."""
        return ""

    def state_dict(self) -> dict[str, Any]:
        """Nothing to resume from."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing to resume."""


class Adversary:
    """Discriminator, GAN loss, penalty and optimiser as one object.

    Pictures are (B, 3, H, W) in [-1, 1]. A batch's condition (a mask, labels, nothing) is given to the
    discriminator without noise. Which discriminator it is follows from the generator.
    """

    def __init__(self, recipe: Recipe, placement: Placement, processes: SingleProcess) -> None:
        self.architecture = find_architecture(recipe.architecture).judge
        network = build_network(self.architecture, recipe.discriminator)
        self.network = place(network, placement.device)
        self._forward = compiled(self.network, recipe.run.compile)
        self._placement, self._processes = placement, processes
        self._config = recipe.adversary
        self._loss = GAN_LOSSES[recipe.adversary.loss]
        self._penalty = PENALTIES[recipe.adversary.penalty]
        self._rates = recipe.optimiser.discriminator
        make = OPTIMISERS[self._rates.name]
        self._optimiser = make(self.network, self._rates.lr, self._rates.betas)
        self._random = torch.Generator(placement.device).manual_seed(recipe.seed)
        self._steps = 0
        self._told: deque[float] = deque(maxlen=PATIENCE)
        self._is_heard = True

    def draw(self, real: Tensor, images_seen: int) -> StepNoise | None:
        """Draw what is random about a whole batch of real pictures and as many generated ones."""
        config, samples, random = self._config, len(real), self._random
        self._is_heard = images_seen >= config.head_start_images
        target = draw_target(config.label_smoothing, samples, random)
        return StepNoise(
            self._draw_noise(real.shape, images_seen),
            self._draw_noise(real.shape, images_seen),
            draw_augmentation(real.shape, config.augment, random) if config.augment else None,
            torch.as_tensor(target, device=real.device).expand(samples, 1),
            torch.rand(samples, generator=random, device=real.device),
        )

    def _draw_noise(self, shape: torch.Size, images_seen: int) -> Tensor:
        std, until = self._config.instance_noise, self._config.instance_noise_images
        return draw_instance_noise(shape, std, images_seen, until, self._random)

    def judge(self, batch: Batch, fake: Tensor) -> Judgement:
        """Let the discriminator look at real pictures and at what was made of them.

        Neither side moves before both have their gradients, so one look is enough for both.
        """
        noise = noise_of(batch)
        real, fake, condition = show(batch, fake, noise)
        of_real, of_fake = (self._discriminate(side, condition) for side in (real, fake))

        def learn(pieces: int) -> dict[str, Tensor]:
            loss, parts = self._loss_of(of_real, of_fake, noise)
            if self._penalty is not None and self._steps % self._config.penalty_every == 0:
                penalty = self._take_penalty(real, fake.detach(), condition, noise)
                loss = loss + self._config.penalty_weight * self._config.penalty_every * penalty
                parts["penalty"] = penalty
            torch.autograd.backward(loss / pieces, inputs=list(self.network.parameters()))
            return {name: part.detach() for name, part in parts.items()}

        return Judgement(self._terms(of_real, of_fake) if self._is_heard else {}, learn)

    def _terms(self, truth: DiscriminatorOutput, made: DiscriminatorOutput) -> Terms:
        def feature_matching() -> Tensor:
            real = [features.detach() for features in truth.features]
            return picture_losses.feature_matching(made.features, real, made.reached)

        return {
            "adversarial": lambda: self._loss.generator(made.logits, made.mean),
            "feature_matching": feature_matching,
        }

    def _loss_of(
        self, of_real: DiscriminatorOutput, of_fake: DiscriminatorOutput, noise: StepNoise
    ) -> tuple[Tensor, dict[str, Tensor]]:
        mean, target = of_real.mean, noise.real_target
        loss = self._loss.discriminator(of_real.logits, of_fake.logits, target, mean)
        return loss, {
            "d_loss": loss,
            "d_real": mean(of_real.logits),
            "d_fake": mean(of_fake.logits),
        }

    def _take_penalty(
        self, real: Tensor, fake: Tensor, condition: tuple[Tensor, ...], noise: StepNoise
    ) -> Tensor:
        """In float32, without autocast and never compiled.

        Second derivatives of 16-bit products are too coarse, and torch.compile has none.
        """
        assert self._penalty is not None

        def critic(pictures: Tensor) -> Tensor:
            verdict: DiscriminatorOutput = self.network(pictures, *condition)
            return sum_up(verdict, self._config.penalty)

        return self._penalty(critic, real, fake, noise.penalty_mix)

    def _discriminate(self, pictures: Tensor, condition: tuple[Tensor, ...]) -> DiscriminatorOutput:
        with self._placement.autocast():
            return self._forward(pictures, *condition)

    def zero_grad(self) -> None:
        """Forget what the last step was learned from."""
        self._optimiser.zero_grad(set_to_none=True)

    def step(self, rate_factor: float) -> None:
        """Move the discriminator by what it has learned; ``rate_factor`` is of its learning rate."""
        self._processes.average_gradients(self.network)
        for group in self._optimiser.param_groups:
            group["lr"] = self._rates.lr * rate_factor
        self._optimiser.step()
        self._steps += 1

    @torch.no_grad()
    def tell_apart(self, batch: Batch, fake: Tensor) -> dict[str, float]:
        """How well it tells real pictures from made ones, which it should not have been trained on.

        Returns:
            ``auc_1`` for the finest scale, ``auc_2`` for the next, ...: see `area_under_curve`.
        """
        # Photos have their full size while a growing generator's pictures are still small.
        real = F.adaptive_avg_pool2d(batch.target, (fake.shape[-2], fake.shape[-1]))
        of_real, of_fake = (self._discriminate(side, batch.condition) for side in (real, fake))
        sizes = of_real.scales or (of_real.logits.shape[1],)
        shares = torch.ones_like(of_real.logits) if of_real.shares is None else of_real.shares
        sides = torch.stack((of_real.logits, of_fake.logits, shares))
        areas: list[float] = []
        for scale in torch.split(sides, list(sizes), 2):
            told, made, share = scale.unbind()
            areas.append(area_under_curve(told[share > 0], made[share > 0]))
        self._told.append(areas[0])
        return {f"auc_{number}": area for number, area in enumerate(areas, 1)}

    @property
    def warning(self) -> str:
        """What is wrong with the game, where it has been so for some reports."""
        told = self._told
        if len(told) < PATIENCE:
            return ""
        if max(told) < BLIND:
            return f"the discriminator cannot tell real from made (AUC {told[-1]:.2f})"
        if min(told) > UNBEATEN:
            return f"the discriminator always tells real from made (AUC {told[-1]:.2f})"
        return ""

    def state_dict(self) -> dict[str, Any]:
        """Everything to resume from."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "random": self._random.get_state(),
            "steps": self._steps,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state_dict()``."""
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._random.set_state(state["random"])
        self._steps = state["steps"]


def sum_up(verdict: DiscriminatorOutput, penalty: PenaltyName) -> Tensor:
    """One number a sample (B,), whose slope a penalty limits.

    gp1 is about the function whose mean is the loss, so that its slope is 1. The other penalties pull the
    slope of every logit to 0: of their sum, as in LaMa (Suvorov et al. 2022), since the slope of a mean of a
    thousand logits is a thousandth.
    """
    if penalty != "gp1":
        return verdict.logits.sum(1)
    shares = verdict.shares
    return verdict.logits.mean(1) if shares is None else (verdict.logits * shares).sum(1)


def noise_of(batch: Batch) -> StepNoise:
    """What is random about a batch that meets a discriminator."""
    assert batch.noise is not None, "drawn by `Adversary.draw`"
    return batch.noise


def show(batch: Batch, fake: Tensor, noise: StepNoise) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
    """Real pictures, generated ones and the condition as the discriminator sees them."""
    real, condition = batch.target, batch.condition
    drawn = noise.augmentation
    if drawn is not None:
        real, fake = augment(real, drawn), augment(fake, drawn)
        condition = tuple(shift(one, drawn) if one.ndim == 4 else one for one in condition)
    return real + noise.real_noise, fake + noise.fake_noise, condition


def make_adversary(
    recipe: Recipe, placement: Placement, processes: SingleProcess
) -> Adversary | NoAdversary:
    """The opponent that the recipe's loss weights call for."""
    wanted = has_discriminator(recipe)
    return Adversary(recipe, placement, processes) if wanted else NoAdversary()
