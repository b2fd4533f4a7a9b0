"""The training loop: it knows images, steps and files, and no technique.

What is drawn and how it is judged is the `Task`'s, the opponent is the `Adversary`'s; progress is
counted in images seen. The same recipe, photos and thread count give the same weights, and a run that
was stopped and resumed gives the weights of one that was not, bit for bit on a CPU. A step's batch is
drawn whole, then computed in pieces, by as many processes as there are.
"""

import dataclasses
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from remend.models.checkpoints.checkpoint import Card, save_network
from remend.models.checkpoints.lora import add_lora
from remend.models.checkpoints.registry import build_network
from remend.models.device import Placement, device_name
from remend.models.errors import RequestError
from remend.models.layers.growth import set_growth
from remend.models.layers.spectral import iterate_once
from remend.models.progress import NO_PROGRESS, Cancelled, Progress
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.adversary import make_adversary
from remend.training.engine.compiling import compiled
from remend.training.engine.distributed import SingleProcess, mean_losses, take
from remend.training.engine.feature_losses import make_feature_losses
from remend.training.engine.prefetch import Prefetcher
from remend.training.engine.pretrained import find_discriminator, freeze, load_matching
from remend.training.engine.run_folder import RunFolder
from remend.training.engine.tasks import TASKS, Batch, Output, run_generator, with_classes
from remend.training.optim.ema import Ema
from remend.training.optim.optimisers import OPTIMISERS
from remend.training.optim.schedules import learning_rate_factor
from remend.training.recipe.schema import Recipe

HELD_OUT_SEED = 20_000
AfterStep = Callable[[dict[str, Tensor | float]], None]

Seen = tuple[Batch, Tensor]
"""A piece of a batch, and what was generated for it, without its graph."""


def count_sources(names: Sequence[str]) -> dict[str, int]:
    """Photos by source, the part of a name before its first underscore; one sum if that says little."""
    counts = Counter(name.partition("_")[0] for name in names)
    return dict(counts.most_common()) if len(counts) <= 64 else {"photos": len(names)}


def random_device(device: torch.device) -> torch.device:
    """Where batches are drawn: holes and degradations on the GPU, too, where it has all that they need."""
    return device if device.type == "cuda" else torch.device("cpu")


class Trainer:
    """A run: networks, optimisers, average, and the photos.

    Args:
        recipe: What to train and how.
        photos: All photos; ``recipe.data.held_out`` of them are set aside.
        folder: Where the run is recorded.
        placement: Device and precision.
        resume: Go on from the folder's state.
        processes: Those that train together.
    """

    def __init__(
        self,
        recipe: Recipe,
        photos: PhotoStore,
        folder: RunFolder,
        placement: Placement,
        *,
        resume: bool = False,
        processes: SingleProcess | None = None,
    ) -> None:
        self.recipe = recipe = with_classes(recipe, photos)
        self.folder, self.placement, self.processes = (
            folder,
            placement,
            processes or SingleProcess(),
        )
        self.sources = count_sources(photos.names)
        self.class_names = photos.class_names if recipe.data.classes else []
        self.photos, self.held_out = photos.split(recipe.data.held_out, recipe.seed)
        torch.manual_seed(recipe.seed)
        generator = build_network(recipe.architecture, recipe.generator)
        self.matched = load_matching(generator, recipe.parent) if recipe.parent else 0.0
        add_lora(generator, recipe.adapter.rank)
        freeze(generator, recipe.frozen)
        layout = torch.channels_last
        self.generator = generator.to(placement.device, memory_format=layout)  # pyright: ignore[reportCallIssue]
        self.forward = compiled(self.generator, recipe.run.compile)
        self.ema = Ema(self.generator, recipe.ema.half_life_images)
        self.adversary = make_adversary(recipe, placement, self.processes)
        self.judge_file = find_discriminator(Path(recipe.parent)) if recipe.parent else None
        self.judge_matched = 0.0
        if self.judge_file and self.adversary.network is not None:
            self.judge_matched = load_matching(self.adversary.network, str(self.judge_file))
        self.perception = make_feature_losses(recipe, placement)
        self.batch = recipe.data.batch * recipe.data.accumulate * self.processes.count
        data = dataclasses.replace(recipe.data, batch=self.batch)
        whole = dataclasses.replace(recipe, data=data)
        self.task = TASKS[recipe.task](whole)
        drawn_on = random_device(placement.device)
        self.supply = Prefetcher(whole, drawn_on)
        self.rates = recipe.optimiser.generator
        make = OPTIMISERS[self.rates.name]
        self.optimiser = make(self.generator, self.rates.lr, self.rates.betas)
        self.weights = dataclasses.asdict(recipe.losses)
        self.random = torch.Generator(drawn_on).manual_seed(recipe.seed)
        self.images_seen, self.seconds = 0, 0.0
        self.images, self.rate_scale = recipe.images, 1.0
        """The run's length and a factor on its rates: what may be changed while it goes on."""
        self.extra: dict[str, Any] = {}
        """Plain values that whoever steers the run wants kept in its state."""
        if resume:
            self.load_state(folder.load_state())

    def draw(self) -> list[Batch]:
        """This process's pieces of a batch of this moment's size, to which growing networks are grown."""
        stage = self.recipe.growth.stage(self.images_seen, self.recipe.data.crop)
        for network in (self.generator, self.ema.network, self.adversary.network):
            if network is not None:
                set_growth(network, stage.size, stage.fade)
        batch = self.supply.draw(self.photos, self.random, stage.size)
        batch = batch._replace(chance=self.adversary.draw(batch.target, self.images_seen))
        return self.processes.pieces(batch, self.recipe.data.batch)

    def generate(self, network: torch.nn.Module, batch: Batch) -> Output:
        """Run a generator in the run's precision."""
        with self.placement.autocast():
            return run_generator(network, batch)

    def step(self) -> dict[str, Tensor | float]:
        """Train both sides, each its number of steps, and return what was lost where."""
        schedule, optimiser = self.recipe.schedule, self.recipe.optimiser
        factor = learning_rate_factor(
            self.images_seen, self.images, schedule.warmup_images, schedule.decay_from
        )
        factor *= self.rate_scale
        taken = [self.generator_step(factor) for _ in range(optimiser.generator.steps)]
        losses, seen = taken[-1]
        stats = self.adversary.train(seen, factor)
        for _ in range(optimiser.discriminator.steps - 1):
            stats = self.adversary.train(self.show(), factor)
        return {**losses, **stats}

    def generator_step(self, factor: float) -> tuple[dict[str, Tensor], list[Seen]]:
        """One step of the generator and of its average, on a new batch."""
        pieces, shift = self.draw(), self.perception.draw(self.random)
        seen: list[Seen] = []
        lost: list[dict[str, Tensor]] = []
        self.optimiser.zero_grad(set_to_none=True)
        for batch in iterate_once(pieces, [self.generator, self.adversary.network]):
            output = self.generate(self.forward, batch)
            real, fake = batch.target, output.refined
            terms = {
                **self.task.terms(output, batch),
                **self.perception.terms(real, fake, shift),
                **self.adversary.terms(batch, fake),
            }
            losses = {name: term() for name, term in terms.items() if self.weights[name]}
            total = torch.stack([self.weights[name] * loss for name, loss in losses.items()]).sum()
            (total / len(pieces)).backward()
            seen.append((batch, fake.detach()))
            lost.append({name: loss.detach() for name, loss in losses.items()})
        self.processes.average_gradients(self.generator)
        clip_grad_norm_(self.generator.parameters(), self.recipe.optimiser.clip_norm)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rates.lr * factor
        self.optimiser.step()
        self.images_seen += self.batch
        self.ema.update(self.generator, self.batch, self.images_seen)
        return mean_losses(lost), seen

    @torch.no_grad()
    def show(self) -> list[Seen]:
        """A new batch, answered by the generator as it is."""
        pieces = iterate_once(self.draw(), [self.generator])
        return [(batch, self.generate(self.forward, batch).refined) for batch in pieces]

    def run(self, progress: Progress = NO_PROGRESS, after_step: AfterStep = lambda _: None) -> None:
        """Train until all images are seen or the user cancels; either way, save.

        ``after_step`` is given the losses of every step, and may change what the next one begins from.
        """
        recipe, progress = self.recipe, self.processes.listen(progress)
        saved = time.monotonic()
        try:
            while self.images_seen < self.images:
                begin, before = time.monotonic(), self.images_seen
                losses = self.step()
                self.seconds += time.monotonic() - begin
                after_step(losses)
                every = recipe.run.report_images
                if self.images_seen // every > before // every or self.images_seen >= self.images:
                    self.report(losses)
                rate = self.images_seen / self.seconds
                progress.update(self.images_seen, self.images, f"{rate:.1f} images/s")
                if time.monotonic() - saved > 60 * recipe.run.save_minutes:
                    self.save()
                    saved = time.monotonic()
        except Cancelled:
            self.save()
            raise
        finally:
            self.folder.events.close()
        self.save()

    @torch.no_grad()
    def report(self, losses: dict[str, Tensor | float]) -> None:
        """Score the average on the held-out photos; write a line of stats and a sheet."""
        means = self.processes.average(losses)
        if not self.processes.leads:
            return
        random = torch.Generator().manual_seed(HELD_OUT_SEED)
        batch = self.task.draw(self.held_out, random, self.recipe.data.crop)
        parts = range(0, self.batch, self.recipe.data.batch)
        pieces = [take(batch, slice(start, start + parts.step)) for start in parts]
        outputs = [self.generate(self.ema.network, piece) for piece in pieces]
        output = Output(*map(torch.cat, zip(*outputs, strict=True)))
        scores = self.task.score(output, batch)
        self.folder.save_sheet(self.task.sheet(output, batch), self.images_seen)
        values = {name: round(float(value), 5) for name, value in {**means, **scores}.items()}
        self.folder.log({"images": self.images_seen, "seconds": round(self.seconds, 1), **values})

    def card(self) -> Card:
        """What the weights of this moment say about themselves."""
        # Where things lay on this machine is nobody else's business.
        parent, losses = Path(self.recipe.parent).stem, self.recipe.losses
        losses = dataclasses.replace(losses, features=Path(losses.features).name)
        recipe = dataclasses.replace(self.recipe, parent=parent, images=self.images, losses=losses)
        generator: Any = self.generator
        return Card(
            task=recipe.task,
            architecture=recipe.architecture,
            config=dataclasses.asdict(generator.config),
            name=recipe.name,
            scale=getattr(generator.config, "scale", 1),
            images_seen=self.images_seen,
            trained_on=self.sources,
            parent=parent,
            adapter=recipe.adapter.rank,
            run={
                "recipe": dataclasses.asdict(recipe),
                "hours": round(self.seconds / 3600, 3),
                "device": device_name(self.placement.device),
                "classes": self.class_names,
            },
        )

    def save(self) -> None:
        """Write the average, the discriminator if there is one, and the resumable state."""
        if not self.processes.leads:
            return
        card = self.card()
        save_network(self.folder.ema_file, self.ema.network, card)
        if self.adversary.network is not None:
            judge = dataclasses.replace(
                card,
                task="judge",
                architecture=self.adversary.architecture,
                config=dataclasses.asdict(self.adversary.network.config),  # pyright: ignore[reportArgumentType, reportCallIssue]
            )
            save_network(self.folder.discriminator_file, self.adversary.network, judge)
        self.folder.save_state(self.state_dict())

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            "images_seen": self.images_seen,
            "seconds": self.seconds,
            "rate_scale": self.rate_scale,
            "extra": self.extra,
            "random": self.random.get_state(),
            "classes": self.class_names,
            "generator": self.generator.state_dict(),
            "ema": self.ema.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "adversary": self.adversary.state_dict(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict()``.

        Raises:
            RequestError: The photos have other classes than those that the run has learned.
        """
        learned = state.get("classes", [])
        if learned != self.class_names:
            raise RequestError(
                f"The run in {self.folder.path} has learned the classes {', '.join(learned)}; these "
                f"photos have {', '.join(self.class_names)}. Resume with the folders it began with."
            )
        self.images_seen, self.seconds = state["images_seen"], state["seconds"]
        self.rate_scale = state.get("rate_scale", 1.0)
        self.extra = dict(state.get("extra", {}))
        if self.processes.leads:
            self.folder.forget_after(self.images_seen)
        self.supply.forget()
        self.random.set_state(state["random"])
        self.generator.load_state_dict(state["generator"])
        self.ema.network.load_state_dict(state["ema"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.adversary.load_state_dict(state["adversary"])
