"""Fine-tuning: a run that is validated on the way, kept from harm, and ends when its time is up.

`FineTune` steers a run between its steps and knows no technique. Held-out photos decide: the state with the
best score is kept, a state that diverges is taken back, and what ends up in the file is never worse than the
parent. Which recipe is run is in `training.finetune.derive_recipe`; what a person types is the app's part.
"""

import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from remend.models.checkpoints.checkpoint import read_card
from remend.models.errors import InputError
from remend.models.inference.upscaler import is_out_of_memory
from remend.models.progress import NO_PROGRESS, Progress
from remend.training.engine.control import TrainingControl
from remend.training.engine.pretrained import copy_generator, open_generator, save_generator
from remend.training.engine.trainer import Trainer
from remend.training.engine.watch.divergence import Plateau
from remend.training.engine.watch.guard import DivergedError
from remend.training.finetune.derive_recipe import check_start
from remend.training.finetune.outcome import Outcome, compare, is_better
from remend.training.finetune.validation import (
    Score,
    Validation,
    colour_drift,
    lost_colours,
    validation_px,
)
from remend.training.recipe.schema import Recipe

VALIDATIONS_PER_RUN = 12
VALIDATION_SHARE = 8.0
"""Training between two validations takes at least so many times as long as a validation."""
VALIDATION_IMAGES = 2
"""The same where images count and not time: training crops for each of a validation, of as many pixels."""
PATIENCE = 5
TOO_FAST_DB, MOST_SLOWER = 0.1, 3
"""So far below the parent, a run goes back and halves its rate, so many times at most."""
COLLAPSED_DB = 3.0

Say = Callable[[str], None]
MakeTrainer = Callable[[Recipe], Trainer]


class FineTune:
    """One fine-tune.

    Args:
        make_trainer: Builds the trainer of a recipe; a second time, with smaller batches, where memory
            runs out.
        recipe: What to train.
        say: Takes sentences for the person.
        seconds: Wall time in all; None = the recipe's images decide.
        begin: ``time.monotonic()`` when the clock started.
        resume: Go on from the state in the trainer's folder.

    Attributes:
        control: The run that is steered.

    Raises:
        RequestError: As `check_start`, or other photos than those that the run began with.
    """

    def __init__(
        self,
        make_trainer: MakeTrainer,
        recipe: Recipe,
        say: Say,
        *,
        seconds: float | None = None,
        begin: float | None = None,
        resume: bool = False,
    ) -> None:
        self._make_trainer, self._say, self._seconds = make_trainer, say, seconds
        self._begin = time.monotonic() if begin is None else begin
        self.control = TrainingControl(make_trainer(recipe))
        for sentence in check_start(self.control):
            say(sentence)
        if resume:
            self.control.resume()
        held_out = self.control.held_out
        # A run that began with crops of another size goes on with them: scores are compared.
        begun = recipe.data.crop if "before" in self.notes else validation_px(recipe, held_out)
        side = self.notes.setdefault("validation_px", begun)
        self._validation = Validation(recipe, held_out, self.control.placement, side)
        self._best_file = self.control.folder.path / "best.safetensors"
        self._plateau = Plateau(PATIENCE)
        self._plateau.stale = self.notes.setdefault("stale", 0)
        self._spent_before: float = self.notes.setdefault("wall_seconds", 0.0)
        self.notes.setdefault("validated", self.control.state.images_seen)  # runs of 0.1 lack it
        self.validation_seconds = 0.0
        self._started = (self.control.state.images_seen, time.monotonic())
        self._validated = self._begin
        self._drifts = False
        self._progress = NO_PROGRESS

    @property
    def notes(self) -> dict[str, Any]:
        """What a resumed run needs to know besides the trainer's state."""
        return self.control.state.notes

    @property
    def before(self) -> Score:
        """The parent's score."""
        return Score.from_list(self.notes["before"])

    @property
    def best(self) -> Score:
        """The best score so far."""
        return Score.from_list(self.notes["best"])

    def run(self, progress: Progress = NO_PROGRESS) -> None:
        """Train until images or time are spent, or nothing improves.

        Raises:
            Cancelled: The user asked for it; the state is saved.
            InputError: Memory does not suffice for one crop, or the disk is full.
        """
        self._progress, state = progress, self.control.state
        if self._seconds is not None:
            state.images = state.images_seen + 1  # the clock decides after the first step
        try:
            if "before" not in self.notes:
                self._validate_parent()
            self._started = (state.images_seen, time.monotonic())
            self._train()
            if self.control.state.images_seen > self.notes["validated"]:
                self._validate()
        except DivergedError:
            self._say(f"Gone back {self.control.guard.rollbacks} times: stopping here.")
        finally:
            self._progress = NO_PROGRESS
            self.control.save()

    def _train(self) -> None:
        while True:
            try:
                return self.control.run(self._progress, self.after_step)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                self._use_smaller_batches(error)

    def finish(self, out: Path) -> Outcome:
        """Write the best state to ``out``, measured once more as it lies in the file."""
        network, card = open_generator(self._best_file)
        after, _ = self._validation.take(network.to(self.control.placement.device))
        photos = len(self.control.held_out)
        outcome = Outcome(self.before, after, photos, self._validation.crops)
        parent_file = Path(self.control.recipe.parent)
        made = self.control.card()
        parent = read_card(parent_file) if card else dataclasses.replace(made, images_seen=0)
        card = card or made
        if outcome.has_gained:
            metrics = {**after.metrics(), **self.before.metrics(" of the parent")}
            card = dataclasses.replace(
                card, licence=parent.licence, limits=parent.limits, metrics=metrics
            )
            copy_generator(self._best_file, out, card)
        else:
            card = dataclasses.replace(parent, name=card.name, parent=parent_file.stem)
            copy_generator(parent_file, out, card)
        return outcome

    def after_step(self, losses: Mapping[str, Tensor | float]) -> None:
        """Validate where it is time to; set how long there is still."""
        if self._is_validation_due():
            self._validate()
            self.control.save()
        if self._seconds is not None:
            self.control.state.images = self._images_in_time(self._seconds)

    def _images_in_time(self, seconds: float) -> int:
        """The images that will have been seen when the time is up, at the pace so far."""
        seen, now = self.control.state.images_seen, time.monotonic()
        self.notes["wall_seconds"] = self._spent_before + now - self._begin
        first, start = self._started
        pace = (seen - first) / max(now - start, 1e-6)
        # At the end: a validation of the last state, one of the file, and the writing.
        left = seconds - self.notes["wall_seconds"] - 2.2 * self.validation_seconds - 1
        return seen + max(0, round(pace * left)) if left > 0 else seen

    def _is_validation_due(self) -> bool:
        state = self.control.state
        since = state.images_seen - self.notes["validated"]
        far = since >= state.images / VALIDATIONS_PER_RUN
        if (
            self._seconds is None
        ):  # by images alone: the same weights on a fast machine as on a slow one
            return far and since >= VALIDATION_IMAGES * self._validation.training_crops
        spent = time.monotonic() - self._validated
        return far and spent >= VALIDATION_SHARE * self.validation_seconds

    def _measure(self) -> Score:
        """Score the average on the held-out photos and record it in the run's folder."""
        state, folder, begin = self.control.state, self.control.folder, time.monotonic()

        def tick() -> None:
            self._progress.update(state.images_seen, state.images, "measuring")

        score, sheet = self._validation.take(self.control.averaged, tick)
        self.validation_seconds = time.monotonic() - begin
        seen, seconds = state.images_seen, round(state.seconds, 1)
        if score.is_finite:
            folder.save_sheet(sheet, seen)
        folder.log({"images": seen, "seconds": seconds, **score.metrics()})
        self.notes["validated"], self._validated = seen, time.monotonic()
        return score

    def _validate_parent(self) -> None:
        score = self._measure()
        self.notes["before"] = score.as_list()
        self._keep(score)
        self.control.save()
        photos = len(self.control.held_out)
        if photos == 1:
            self._say(f"The parent scores {score.psnr:.2f} dB on 1 photo.")
        else:
            self._say(f"The parent scores {score.psnr:.2f} dB on {photos} photos.")

    def _keep(self, score: Score) -> None:
        own = {"own photos": self.control.training_photos}
        card = dataclasses.replace(self.control.card(), trained_on=own, metrics=score.metrics())
        save_generator(self._best_file, self.control.averaged, card)
        self.notes["best"] = score.as_list()

    def _validate(self) -> None:
        """Score the state of this moment, and keep it, go on, or go back."""
        score = self._measure()
        if not score.is_finite or score.psnr < self.before.psnr - COLLAPSED_DB:
            self.control.guard.go_back(f"the held-out photos score {score.psnr:.2f} dB")
            return
        drift, lost = colour_drift(score, self.before), lost_colours(score, self.before)
        if drift and not self._drifts:
            self._say(f"Colours drift: {drift}. Such a state is not kept.")
        self._drifts = bool(drift)
        is_best = not (drift or lost) and is_better(score, self.best)
        if is_best:
            self._keep(score)
        told = f"{self.control.state.images_seen} images: {compare(score, self.before)}"
        self._say(f"{told} (best so far)" if is_best else told)
        if self._learns_too_fast(score):
            self.control.guard.go_back(
                f"the photos score {self.before.value - score.value:.2f} dB less"
            )
            return
        enough = self._plateau.add(is_best=is_best)
        self.notes["stale"] = self._plateau.stale
        if score.value >= self.before.value:
            self.control.guard.keep()
        if enough:
            self._say(f"Nothing new in {PATIENCE} validations: stopping early.")
            self._end()

    def _learns_too_fast(self, score: Score) -> bool:
        """Whether a run loses what the parent could do: kinds of photos want other rates."""
        worse = score.value < self.before.value - TOO_FAST_DB
        return worse and self.control.guard.rollbacks < MOST_SLOWER

    def _end(self) -> None:
        self._seconds = None
        self.control.stop()

    def _use_smaller_batches(self, error: Exception) -> None:
        recipe, spent = self.control.recipe, self.control
        batch = recipe.data.batch // 2
        if not batch:
            raise InputError(
                f"Memory does not suffice for one crop of {recipe.data.crop} px; close other programs."
            ) from error
        self._say(
            f"Memory ran out with {recipe.data.batch} crops at once; going on with {batch}, and more "
            "batches a step."
        )
        pieces = recipe.data.accumulate * recipe.data.batch // batch
        data = dataclasses.replace(recipe.data, batch=batch, accumulate=pieces)
        self.control = TrainingControl(self._make_trainer(dataclasses.replace(recipe, data=data)))
        spent.hand_over(self.control)
