"""Fine-tuning: a trainer that is examined, kept from harm, and ends when its time is up.

`FineTune` steers a `Trainer` between its steps and knows no technique either. Held-out photos decide: the
best state by their mark is kept, a state that explodes is taken back, and what ends up in the file is never
worse than the parent. Which recipe is run is `training.finetune.derive_recipe`'s, what a person
types is the app's.
"""

import copy
import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from remend.models.checkpoints.checkpoint import open_network, read_card, save_card, save_network
from remend.models.errors import InputError, RequestError
from remend.models.inference.upscaler import is_out_of_memory
from remend.models.progress import NO_PROGRESS, Progress
from remend.training.engine.trainer import Trainer
from remend.training.finetune.derive_recipe import derive_recipe
from remend.training.finetune.divergence import DivergenceDetector, Plateau, colour_drift
from remend.training.finetune.validation import Score, Validation
from remend.training.recipe.schema import Recipe

VALIDATIONS_PER_RUN = 12
VALIDATION_SHARE = 8.0
"""Training between two exams takes at least so many times as long as an exam."""
PATIENCE = 5
LEAST_GAIN = {"psnr": 0.01, "distance": 0.0005}
"""What counts as better: in dB, and in perceptual distance."""
COLLAPSED_DB = 3.0
MOST_ROLLBACKS = 5

Say = Callable[[str], None]
MakeTrainer = Callable[[Recipe], Trainer]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a fine-tune came to: marks of the parent and of the file, on how many held-out photos."""

    before: Score
    after: Score
    photos: int
    crops: int

    @property
    def has_gained(self) -> bool:
        """Whether the file is better than the parent."""
        return is_better(self.after, self.before)

    @property
    def sentence(self) -> str:
        """The gain in words."""
        before, after = self.before, self.after
        where = f"on {self.photos} held-out photo{'s' * (self.photos != 1)} ({self.crops} crops)"
        looks = ""
        if before.distance is not None and after.distance is not None:
            looks = (
                f", perceptual distance {before.distance:.4f} before, {after.distance:.4f} after"
            )
        if not self.has_gained:
            return (
                f"No gain: nothing scored better than the parent ({before.psnr:.2f} dB {where}{looks}), "
                "so the file holds the parent's weights unchanged."
            )
        gain = after.psnr - before.psnr
        return f"{gain:+.2f} dB {where}: {before.psnr:.2f} before, {after.psnr:.2f} after{looks}."


def is_better(mark: Score, other: Score) -> bool:
    """Whether a mark is better by more than rounding."""
    return mark.value > other.value + LEAST_GAIN["psnr" if mark.distance is None else "distance"]


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

    Raises:
        RequestError: As `derive_recipe`, or other photos than those that the run began with.
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
        self.make_trainer, self.say, self.seconds = make_trainer, say, seconds
        self.begin = time.monotonic() if begin is None else begin
        self.trainer = make_trainer(recipe)
        for sentence in derive_recipe(self.trainer):
            say(sentence)
        if resume:
            self.trainer.load_state(self.trainer.folder.load_state())
        self._refuse_other_photos()
        self.exam = Validation(recipe, self.trainer.held_out, self.trainer.placement)
        self.best_file = self.trainer.folder.path / "best.safetensors"
        self.losses, self.plateau = DivergenceDetector(), Plateau(PATIENCE)
        self.extra.setdefault("rollbacks", 0)
        self.plateau.stale = self.extra.setdefault("stale", 0)
        self.spent_before = self.extra.setdefault("wall_seconds", 0.0)
        self.exam_seconds = 0.0
        self.last_exam = (self.trainer.images_seen, time.monotonic())
        self.good: dict[str, Any] = {}
        self.drifts = False
        self.progress = NO_PROGRESS

    @property
    def extra(self) -> dict[str, Any]:
        """What a resumed run needs to know besides the trainer's state."""
        return self.trainer.extra

    @property
    def before(self) -> Score:
        """The parent's mark."""
        return Score.from_list(self.extra["before"])

    @property
    def best(self) -> Score:
        """The best mark so far."""
        return Score.from_list(self.extra["best"])

    def _refuse_other_photos(self) -> None:
        here = self.trainer.held_out.names
        if here != self.extra.setdefault("held_out", here):
            raise RequestError(
                f"The run in {self.trainer.folder.path} held out other photos than these; resume with the "
                "folder it began with, unchanged."
            )

    def run(self, progress: Progress = NO_PROGRESS) -> None:
        """Train until images or time are spent, or nothing improves.

        Raises:
            Cancelled: The user asked for it; the state is saved.
            InputError: Memory does not suffice for one crop, or the disk is full.
        """
        self.progress = progress
        if self.seconds is not None:
            self.trainer.images = (
                self.trainer.images_seen + 1
            )  # the clock decides after the first step
        try:
            if "before" not in self.extra:
                self._examine_parent()
            self.good = copy.deepcopy(self.trainer.state_dict())
            self.start = (self.trainer.images_seen, time.monotonic())
            self._train()
            if self.trainer.images_seen > self.last_exam[0]:
                self._examine()
        finally:
            self.progress = NO_PROGRESS
            self.trainer.save()

    def _train(self) -> None:
        while True:
            try:
                return self.trainer.run(self.progress, self.after_step)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                self._use_smaller_batches(error)

    def finish(self, out: Path) -> Outcome:
        """Write the best state to ``out``, measured once more as it lies in the file."""
        network, card = open_network(self.best_file)
        after, _ = self.exam.take(network.to(self.trainer.placement.device))
        outcome = Outcome(self.before, after, len(self.trainer.held_out), self.exam.crops)
        parent_file = Path(self.trainer.recipe.parent)
        parent = read_card(parent_file)
        if outcome.has_gained:
            metrics = {**after.metrics(), **self.before.metrics(" of the parent")}
            card = dataclasses.replace(
                card, licence=parent.licence, limits=parent.limits, metrics=metrics
            )
            save_card(self.best_file, out, card)
        else:
            card = dataclasses.replace(parent, name=card.name, parent=parent_file.stem)
            save_card(parent_file, out, card)
        return outcome

    def after_step(self, losses: Mapping[str, Tensor | float]) -> None:
        """Look at a step's losses; examine where it is time to; set how long there is still."""
        if complaint := self.losses.complaint(losses):
            self._roll_back(complaint)
        elif self._is_validation_due():
            self._examine()
            self.trainer.save()
        if self.seconds is not None:
            self.trainer.images = self._images_in_time()

    def _images_in_time(self) -> int:
        """The images that will have been seen when the time is up, at the pace so far."""
        seen, now = self.trainer.images_seen, time.monotonic()
        self.extra["wall_seconds"] = self.spent_before + now - self.begin
        first, start = self.start
        pace = (seen - first) / max(now - start, 1e-6)
        assert self.seconds is not None
        # At the end: an exam of the last state, one of the file, and the writing.
        left = self.seconds - self.extra["wall_seconds"] - 2.2 * self.exam_seconds - 1
        return seen + max(0, round(pace * left)) if left > 0 else seen

    def _is_validation_due(self) -> bool:
        seen, moment = self.last_exam
        far = self.trainer.images_seen - seen >= self.trainer.images / VALIDATIONS_PER_RUN
        return far and time.monotonic() - moment >= VALIDATION_SHARE * self.exam_seconds

    def _validate(self) -> Score:
        trainer, begin = self.trainer, time.monotonic()

        def tick() -> None:
            self.progress.update(trainer.images_seen, trainer.images, "measuring")

        mark, sheet = self.exam.take(trainer.ema.network, tick)
        self.exam_seconds = time.monotonic() - begin
        folder, seen = trainer.folder, trainer.images_seen
        folder.save_sheet(sheet, seen)
        folder.log({"images": seen, "seconds": round(trainer.seconds, 1), **mark.metrics()})
        self.last_exam = (seen, time.monotonic())
        return mark

    def _examine_parent(self) -> None:
        mark = self._validate()
        self.extra["before"] = mark.as_list()
        self._keep(mark)
        self.trainer.save()
        self.say(f"The parent scores {mark.psnr:.2f} dB on {len(self.trainer.held_out)} photos.")

    def _keep(self, mark: Score) -> None:
        own = {"own photos": len(self.trainer.photos)}
        card = dataclasses.replace(self.trainer.card(), trained_on=own, metrics=mark.metrics())
        save_network(self.best_file, self.trainer.ema.network, card)
        self.extra["best"] = mark.as_list()

    def _examine(self) -> None:
        mark = self._validate()
        if not mark.is_finite or mark.psnr < self.before.psnr - COLLAPSED_DB:
            self._roll_back(f"the held-out photos score {mark.psnr:.2f} dB")
            return
        drift = colour_drift(mark, self.before)
        if drift and not self.drifts:
            self.say(f"Colours drift: {drift}. Such a state is not kept.")
        self.drifts = bool(drift)
        is_best = not drift and is_better(mark, self.best)
        if is_best:
            self._keep(mark)
        self.say(
            f"{self.trainer.images_seen} images: {mark.psnr - self.before.psnr:+.2f} dB"
            f"{' (best so far)' if is_best else ''}"
        )
        enough = self.plateau.add(is_best=is_best)
        self.extra["stale"] = self.plateau.stale
        self.good = copy.deepcopy(self.trainer.state_dict())
        if enough:
            self.say(f"Nothing new in {PATIENCE} exams: stopping early.")
            self._end()

    def _end(self) -> None:
        self.seconds, self.trainer.images = None, self.trainer.images_seen

    def _roll_back(self, complaint: str) -> None:
        trainer = self.trainer
        self.extra["rollbacks"] += 1
        trainer.load_state(self._good_now(rate_scale=trainer.rate_scale / 2))
        self.say(
            f"At {trainer.images_seen} images {complaint}: back to the last good state, "
            f"with {trainer.rate_scale:g} times the learning rate."
        )
        if self.extra["rollbacks"] >= MOST_ROLLBACKS:
            self.say(f"Gone back {MOST_ROLLBACKS} times: stopping here.")
            self._end()

    def _good_now(self, *, rate_scale: float) -> dict[str, Any]:
        """The networks of the last good state; what was seen since stays seen, the next crops are others."""
        trainer = self.trainer
        now = {
            "images_seen": trainer.images_seen,
            "seconds": trainer.seconds,
            "rate_scale": rate_scale,
            "extra": self.extra,
            "random": trainer.random.get_state(),
        }
        return {**copy.deepcopy(self.good), **now}

    def _use_smaller_batches(self, error: Exception) -> None:
        recipe, images = self.trainer.recipe, self.trainer.images
        batch = recipe.data.batch // 2
        if not batch:
            raise InputError(
                f"Memory does not suffice for one crop of {recipe.data.crop} px; close other programs."
            ) from error
        self.say(
            f"Memory ran out with {recipe.data.batch} crops at once; going on with {batch}, and more "
            "batches a step."
        )
        state = self._good_now(rate_scale=self.trainer.rate_scale)
        pieces = recipe.data.accumulate * recipe.data.batch // batch
        data = dataclasses.replace(recipe.data, batch=batch, accumulate=pieces)
        self.trainer = self.make_trainer(dataclasses.replace(recipe, data=data))
        self.trainer.load_state(state)
        self.trainer.images = images
