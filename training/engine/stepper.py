"""The steps of a run: its networks, their opponent and optimisers, and what one step does with them.

A step's batch is drawn whole, then computed in pieces, by as many processes as there are. How long a run goes
on, what is scored and what is saved is decided in `training.engine.trainer`.
"""

import dataclasses
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from remend.models.checkpoints.lora import add_lora
from remend.models.device import Placement
from remend.models.layers.growth import set_growth
from remend.models.layers.spectral import iterate_once
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.adversary import make_adversary
from remend.training.engine.batch import Batch
from remend.training.engine.compiling import (
    compiled,
    compiler_faults_told,
    keep_memory,
    place,
)
from remend.training.engine.distributed import SingleProcess, mean_losses
from remend.training.engine.feature_losses import make_feature_losses
from remend.training.engine.prefetch import Prefetcher
from remend.training.engine.pretrained import find_start, freeze, make_generator
from remend.training.engine.run_state import RunState
from remend.training.engine.tasks.table import TASKS
from remend.training.engine.tasks.task import Output, run_generator
from remend.training.optim.ema import Ema
from remend.training.optim.optimisers import OPTIMISERS
from remend.training.optim.schedules import learning_rate_factor
from remend.training.recipe.schema import Recipe

Losses = dict[str, Tensor]


def random_device(device: torch.device) -> torch.device:
    """Where batches are drawn: on the GPU where there is one, which has all that drawing needs."""
    return device if device.type == "cuda" else torch.device("cpu")


class Stepper:
    """Networks, optimisers and average, and the photos they learn from.

    Args:
        recipe: What to train and how.
        photos: Those that are trained on.
        placement: Device and precision.
        processes: Those that train together.

    Attributes:
        state: Where the run is, and what may be changed while it goes on.
        start: What the networks took over from the recipe's parent.
        step_images: Images of one step, in all processes together.
    """

    def __init__(
        self, recipe: Recipe, photos: PhotoStore, placement: Placement, processes: SingleProcess
    ) -> None:
        self.recipe, self.photos = recipe, photos
        self.placement, self.processes = placement, processes
        self.state = RunState(recipe.images)
        if placement.device.type == "cpu":
            keep_memory()
        self._build_networks(recipe)
        self.feature_losses = make_feature_losses(recipe, placement)
        data = recipe.data
        self.step_images = data.batch * data.accumulate * processes.count
        whole = dataclasses.replace(data, batch=self.step_images)
        self.task = TASKS[recipe.task](dataclasses.replace(recipe, data=whole))
        drawn_on = random_device(placement.device)
        self._batches = Prefetcher(dataclasses.replace(recipe, data=whole), drawn_on)
        self._rates = recipe.optimiser.generator
        make = OPTIMISERS[self._rates.name]
        self.optimiser = make(self.generator, self._rates.lr, self._rates.betas)
        self._random = torch.Generator(drawn_on).manual_seed(recipe.seed)

    def _build_networks(self, recipe: Recipe) -> None:
        """Make generator, average and opponent; all that is random about their weights is drawn here."""
        # Networks are built on the CPU, so this generator alone decides their first weights.
        torch.default_generator.manual_seed(recipe.seed)
        generator, share = make_generator(recipe)
        add_lora(generator, recipe.adapter.rank)
        freeze(generator, recipe.frozen)
        self.generator = place(generator, self.placement.device)
        self._forward = compiled(self.generator, recipe.run.compile)
        self.ema = Ema(self.generator, recipe.ema.half_life_images)
        self.adversary = make_adversary(recipe, self.placement, self.processes)
        self.start = find_start(recipe.parent, share, self.adversary.network)

    @property
    def images_seen(self) -> int:
        """Images seen so far."""
        return self.state.images_seen

    def draw(self) -> list[Batch]:
        """This process's pieces of a batch of this moment's size, to which growing networks are grown."""
        stage = self.recipe.growth.stage(self.images_seen, self.recipe.data.crop)
        for network in (self.generator, self.ema.network, self.adversary.network):
            if network is not None:
                set_growth(network, stage.size, stage.fade)
        batch = self._batches.draw(self.photos, self._random, stage.size)
        noise = self.adversary.draw(batch.target, self.images_seen)
        batch = dataclasses.replace(batch, noise=noise)
        return self.processes.pieces(batch, self.recipe.data.batch)

    def generate(self, network: nn.Module, batch: Batch) -> Output:
        """Run a generator in the run's precision."""
        with self.placement.autocast():
            return run_generator(network, batch)

    def step(self) -> Losses:
        """Train both sides, each its number of steps; returns the losses by name."""
        schedule, optimiser = self.recipe.schedule, self.recipe.optimiser
        factor = self.state.rate_scale * learning_rate_factor(
            self.images_seen, self.state.images, schedule.warmup_images, schedule.decay_from
        )
        with compiler_faults_told():
            for _ in range(optimiser.generator.steps - 1):
                self._generator_step(factor, is_last=False)
            losses = self._generator_step(factor, is_last=True)
            for _ in range(optimiser.discriminator.steps - 1):
                losses |= self._discriminator_step(factor)
        return losses

    def _generator_step(self, factor: float, *, is_last: bool) -> Losses:
        """One step of the generator and of its average, on a new batch; the last is one of both sides."""
        pieces, shift = self.draw(), self.feature_losses.draw(self._random)
        lost: list[dict[str, Tensor]] = []
        weights = dataclasses.asdict(self.recipe.losses)
        has_opponent = self.adversary.network is not None
        learned = [one for one in self.generator.parameters() if one.requires_grad]
        self.optimiser.zero_grad(set_to_none=True)
        self.adversary.zero_grad()
        for batch in iterate_once(pieces, [self.generator, self.adversary.network]):
            output = self.generate(self._forward, batch)
            judgement = self.adversary.judge(batch, output.refined)
            terms = {
                **self.task.terms(output, batch),
                **self.feature_losses.terms(batch, output.refined, shift),
                **judgement.terms,
            }
            losses = {name: term() for name, term in terms.items() if weights[name]}
            total = torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()
            # The opponent's part of the graph is kept for its own gradients.
            keep = is_last and has_opponent
            torch.autograd.backward(total / len(pieces), inputs=learned, retain_graph=keep)
            told = judgement.learn(len(pieces)) if is_last else {}
            lost.append({**{name: loss.detach() for name, loss in losses.items()}, **told})
        self.processes.average_gradients(self.generator)
        clip_grad_norm_(self.generator.parameters(), self.recipe.optimiser.clip_norm)
        for group in self.optimiser.param_groups:
            group["lr"] = self._rates.lr * factor
        self.optimiser.step()
        if is_last:
            self.adversary.step(factor)
        self.state.images_seen += self.step_images
        self.ema.update(self.generator, self.step_images, self.images_seen)
        return mean_losses(lost)

    def _discriminator_step(self, factor: float) -> Losses:
        """One more step of the opponent, on a new batch."""
        pieces = self.draw()
        told: list[dict[str, Tensor]] = []
        self.adversary.zero_grad()
        for batch in iterate_once(pieces, [self.generator, self.adversary.network]):
            with torch.no_grad():
                fake = self.generate(self._forward, batch).refined
            told.append(self.adversary.judge(batch, fake).learn(len(pieces)))
        self.adversary.step(factor)
        return mean_losses(told)

    def moment(self) -> dict[str, Any]:
        """The part of the state without weights: where the run is, and what it draws next."""
        return {**self.state.state_dict(), "random": self._random.get_state()}

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            **self.moment(),
            "generator": self.generator.state_dict(),
            "ema": self.ema.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "adversary": self.adversary.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict()``."""
        self.state.load_state_dict(state)
        self._batches.forget()
        self._random.set_state(state["random"])
        self.generator.load_state_dict(state["generator"])
        self.ema.network.load_state_dict(state["ema"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.adversary.load_state_dict(state["adversary"])
