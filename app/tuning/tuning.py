"""One fine-tune from the request to the file: find the parent, look at the photos, run, write the best.

How a run is controlled is in ``training.finetune.finetuner``. What a person sees of it is the listener's.
"""

import dataclasses
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import torch

from remend.app.engine.catalogue import card_of
from remend.app.tuning.request import FinetuneRequest
from remend.models.checkpoints.checkpoint import Card
from remend.models.device import Placement
from remend.models.progress import Progress
from remend.training.data.audit import Audit
from remend.training.data.pairs.matching import LowPhotos
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.run_folder import RunFolder
from remend.training.engine.tasks.upscale import find_lows
from remend.training.engine.trainer import Trainer
from remend.training.finetune.derive_recipe import count_held_out, derive_recipe
from remend.training.finetune.finetuner import FineTune
from remend.training.finetune.outcome import Outcome, is_better
from remend.training.recipe.schema import Recipe

_NOTES_SHOWN, _PAIRS_SHOWN = 5, 50


class Listener(Protocol):
    """Who is told how a fine-tune goes, as the command line's terminal is."""

    def print_status(self, text: str) -> None:
        """Take a sentence on what is being done."""

    def print_note(self, sentence: str) -> None:
        """Take a sentence on what the person should know although nothing went wrong."""

    def progress(self, description: str, *, counted: bool) -> AbstractContextManager[Progress]:
        """The progress of a piece of work, for the time of a ``with``."""
        ...


class Tuning:
    """A fine-tune that was asked for; the photos are looked at here.

    Args:
        request: What is asked for.
        placement: Device and precision.
        listener: Is told how it goes.

    Attributes:
        folder: Where the run is recorded.

    Raises:
        RequestError: The parent, the photos or the output cannot be used.
        InputError: The disk is full, or there is not enough memory.
        Cancelled: The listener's progress asked for the end.
    """

    def __init__(self, request: FinetuneRequest, placement: Placement, listener: Listener) -> None:
        begin = time.monotonic()
        self._out, self._listener = request.out, listener
        parent = request.find_parent()
        card = card_of(parent)
        placement = place_parent(card, placement)
        recipe = derive_recipe(
            parent,
            card,
            request.out.stem,
            images=request.images,
            adapter=request.adapter,
            texture=request.texture,
            settings=request.all_settings,
        )
        photos, held_out = load_and_audit(request, recipe, placement, listener)
        if not any(setting.startswith("data.held_out") for setting in request.settings):
            data = dataclasses.replace(recipe.data, held_out=count_held_out(len(photos)))
            recipe = dataclasses.replace(recipe, data=data)
        folder = RunFolder(request.out.with_suffix(".run"), recipe, resume=request.resume)
        self.folder, say = folder, listener.print_status
        self._tune = FineTune(
            lambda recipe: Trainer(recipe, photos, folder, placement, say=say, held_out=held_out),
            recipe,
            say,
            seconds=request.seconds,
            begin=begin,
            resume=request.resume,
        )
        control = self._tune.control
        say(
            f"{control.training_photos} photos to learn from, {len(control.held_out)} held out; "
            f"{placement.reason}; the run is recorded in {folder.path}"
        )

    @property
    def images_seen(self) -> int:
        """How many images the run has seen."""
        return self._tune.control.state.images_seen

    @property
    def has_gained(self) -> bool:
        """Whether there is a state better than the parent."""
        tune = self._tune
        return "best" in tune.notes and is_better(tune.best, tune.before)

    def run(self, progress: Progress) -> None:
        """Train; errors as `FineTune.run`, the state is saved in any case."""
        self._tune.run(progress)

    def finish(self) -> Outcome:
        """Write the best state to the request's file, tell the gain, and forget what is only for going on."""
        outcome = self._tune.finish(self._out)
        self.folder.state_file.unlink(missing_ok=True)
        self._listener.print_status(outcome.sentence)
        return outcome


def place_parent(card: Card, placement: Placement) -> Placement:
    """Where a fine-tune of these weights runs: in float32 if they are another maker's that asks for it."""
    if placement.dtype != torch.bfloat16 or card.config.get("bf16", True):
        return placement
    reason = f"fp32: {card.architecture} does not compute in 16 bits of this kind"
    return dataclasses.replace(placement, dtype=torch.float32, reason=reason)


def load_and_audit(
    request: FinetuneRequest, recipe: Recipe, placement: Placement, listener: Listener
) -> tuple[PhotoStore, PhotoStore | None]:
    """The photos to learn from, and those to validate on where they are others.

    Raises:
        RequestError: As `PhotoStore.load`, or too few that can be used.
    """
    seen, held_out, lows = None, None, find_lows(recipe)
    if request.validate:
        seen = Audit(recipe.data.crop)
        title = "Looking at the validation"
        held_out = load_photos(request.validate, seen, lows, title, placement, listener)
    audit = Audit(recipe.data.crop, others=seen)
    photos = load_photos(request.data, audit, lows, "Looking at the photos", placement, listener)
    audit.refuse_too_few()
    return photos, held_out


def load_photos(
    sources: Sequence[Path],
    audit: Audit,
    lows: LowPhotos | None,
    title: str,
    placement: Placement,
    listener: Listener,
) -> PhotoStore:
    """Load photos while they are audited, and print which are left out; errors as `PhotoStore.load`."""
    with listener.progress(title, counted=True) as bar:
        photos = PhotoStore.load(
            sources,
            device=placement.device,
            min_side=audit.min_side,
            lows=lows,
            inspect=audit,
            on_progress=bar.update,
        )
    listener.print_status(audit.summary)
    shown = _PAIRS_SHOWN if lows else _NOTES_SHOWN
    for sentence in photos.skipped[:shown]:
        listener.print_note(sentence)
    if len(photos.skipped) > shown:
        listener.print_note(f"{len(photos.skipped) - shown} more were left out too.")
    return photos
