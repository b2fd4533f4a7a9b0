"""The training loop: it knows images, files and scores, and no technique.

The `Task` draws batches and knows their losses, the `Adversary` is the opponent, a `Stepper` makes the steps.
Progress is counted in images seen. The same recipe, photos and thread count give the same weights, and a run
that was stopped and resumed gives the weights of one that was not, bit for bit on a CPU.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from remend.models.checkpoints.checkpoint import Card, save_network
from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.models.progress import NO_PROGRESS, Cancelled, Progress
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.batch import Batch
from remend.training.engine.distributed import SingleProcess
from remend.training.engine.pretrained import save_generator
from remend.training.engine.run_card import count_sources, discriminator_card, generator_card
from remend.training.engine.run_folder import RunFolder
from remend.training.engine.stepper import Losses, Stepper
from remend.training.engine.tasks.generate import with_classes
from remend.training.engine.tasks.task import Output
from remend.training.engine.watch.exam import Exam, value_of
from remend.training.engine.watch.guard import DivergedError, Guard, Say
from remend.training.engine.watch.keeper import Keeper
from remend.training.recipe.schema import Recipe

STEPS_UNSEEN = 8
"""Steps between two looks at the losses on a GPU."""
AfterStep = Callable[[Losses], None]


class Trainer(Stepper):
    """A run: networks, optimisers, average, and the photos.

    Args:
        recipe: What to train and how.
        photos: All photos; ``recipe.data.held_out`` of them are set aside, unless others are held out.
        folder: Where the run is recorded.
        placement: Device and precision.
        resume: Go on from the folder's state.
        processes: Those that train together; None = this one alone.
        say: Takes sentences for the person, such as that the run was taken back.
        held_out: Photos that are never trained on, instead of some of ``photos``.

    Attributes:
        state: Where the run is, and what may be changed while it goes on.
        start: What the networks took over from the recipe's parent.
        guard: Takes the run back where it diverges.
        step_images: Images of one step, in all processes together.
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
        say: Say = lambda _: None,
        held_out: PhotoStore | None = None,
    ) -> None:
        recipe = with_classes(recipe, photos)
        learned, self.held_out = (
            photos.split(recipe.data.held_out, recipe.seed)
            if held_out is None
            else (photos, held_out)
        )
        super().__init__(recipe, learned, placement, processes or SingleProcess())
        self.folder = folder
        self._sources = count_sources(photos.names)
        self._class_names = photos.class_names if recipe.data.classes else []
        self._fingerprint = [part.fingerprint() for part in (self.photos, self.held_out)]
        self._exam = Exam(recipe, self.task, self.held_out, self.feature_losses)
        self._keeper = Keeper(folder.path, recipe.run, self.state)
        networks = (self.generator, self.ema.network, self.adversary.network)
        self.guard = Guard(self.state, networks, self.state_dict, self.load_state, self.moment, say)
        self._reported = 0
        if resume:
            self.resume()

    def run(self, progress: Progress = NO_PROGRESS, after_step: AfterStep = lambda _: None) -> None:
        """Train until all images are seen or the user cancels; either way, save.

        ``after_step`` is given the losses of every step, and may change what the next one begins from.

        Raises:
            DivergedError: Losses or weights were out of bounds too often; the last good state is saved.
        """
        state, progress = self.state, self.processes.listen(progress)
        saved = time.monotonic()
        self._reported = state.images_seen
        self.guard.keep()
        try:
            while state.images_seen < state.images:
                begin = time.monotonic()
                losses = self.step()
                state.seconds += time.monotonic() - begin
                if not self._is_bad(losses):
                    after_step(losses)
                    self._report_where_due(losses)
                rate = state.images_seen / state.seconds
                note = "; ".join(filter(None, (f"{rate:.1f} images/s", self.adversary.warning)))
                progress.update(state.images_seen, state.images, note)
                if time.monotonic() - saved > 60 * self.recipe.run.save_minutes:
                    self.save()
                    saved = time.monotonic()
            self.guard.is_broken()
            self.guard.refuse_an_end_like_this()
        except (Cancelled, DivergedError):
            self.save()
            raise
        finally:
            self.folder.trackers.close()
        self.save()

    def _is_bad(self, losses: Losses) -> bool:
        """Whether a step was taken back; a GPU is asked now and then, because it waits for each answer."""
        steps = self.images_seen // self.step_images
        if self.placement.device.type == "cuda" and steps % STEPS_UNSEEN:
            return False
        return self.guard.is_bad(self.processes.average(losses))

    def _report_where_due(self, losses: Losses) -> None:
        """Score the average on the held-out photos; write a line of stats, a sheet, and what is kept."""
        state, before, every = self.state, self._reported, self.recipe.run.report_images
        if state.images_seen // every == before // every and state.images_seen < state.images:
            return
        if self.guard.is_broken():
            return
        self.guard.keep()
        means, is_enough = self.processes.average(losses), False
        if self.processes.leads:
            scores, sheet = self._exam.take(self._generate_average, self.adversary.tell_apart)
            self.folder.save_sheet(sheet, self.images_seen)
            values = {name: round(float(value), 5) for name, value in {**means, **scores}.items()}
            seconds = round(state.seconds, 1)
            self.folder.log({"images": self.images_seen, "seconds": seconds, **values})
            is_enough = self._keeper.add(value_of(scores), before, self._save_average)
        self._reported = state.images_seen
        if self.processes.mean(torch.tensor(float(is_enough))) > 0:
            self.guard.say(f"No new best score in {self.recipe.run.patience} reports: ending here.")
            state.images = state.images_seen

    def _generate_average(self, batch: Batch) -> Output:
        return self.generate(self.ema.network, batch)

    def _save_average(self, path: Path) -> None:
        save_generator(path, self.ema.network, self.card())

    def card(self) -> Card:
        """What the weights of this moment say about themselves."""
        return generator_card(
            self.recipe,
            self.state,
            self.generator,
            self.placement.device,
            sources=self._sources,
            class_names=self._class_names,
        )

    def save(self) -> None:
        """Write the average, the discriminator if there is one, and the resumable state.

        Weights that are no numbers are not saved; what was saved before stays.
        """
        if not (self.processes.leads and self.guard.are_finite()):
            return
        card, adversary = self.card(), self.adversary
        self._save_average(self.folder.ema_file)
        if adversary.network is not None:
            card = discriminator_card(card, adversary.architecture, adversary.network)
            save_network(self.folder.discriminator_file, adversary.network, card)
        self.folder.save_state(self.state_dict())

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on, and what it is about."""
        about = {"classes": self._class_names, "photos": self._fingerprint}
        return {**super().state_dict(), **about}

    def resume(self) -> None:
        """Go on from the folder's state, or where none was saved yet from the beginning.

        Raises:
            RequestError: As `load_state`.
        """
        if self.folder.has_state:
            self.load_state(self.folder.load_state())
        else:
            self.folder.forget_after(-1)

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict()``.

        Raises:
            RequestError: The photos are others, or have other classes than those that the run has learned.
        """
        learned = state.get("classes", [])
        if learned != self._class_names:
            raise RequestError(
                f"The run in {self.folder.path} has learned the classes {', '.join(learned)}; these "
                f"photos have {', '.join(self._class_names)}. Resume with the folders it began with."
            )
        if state.get("photos", self._fingerprint) != self._fingerprint:
            raise RequestError(
                f"The run in {self.folder.path} began with other photos than these, or held out others; what "
                "it was trained on could become its exam. Resume with the photos it began with, unchanged."
            )
        self.load_state_dict(state)
        if self.processes.leads:
            self.folder.forget_after(self.images_seen)
