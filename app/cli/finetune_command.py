"""What ``remend finetune`` does around a fine-tune: find the parent, audit the photos, run, print the gain.

How it is controlled is in ``training.finetune.finetuner``. A signal ends it after its step, with its state
saved.
"""

import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from remend.app.cli.printing.terminal import Terminal, stopped_by_signals
from remend.app.engine.catalogue import (
    SUFFIX,
    card_of,
    default_fill_model,
    default_upscale_model,
    find_model,
    user_folder,
    weights_files,
)
from remend.models.checkpoints.checkpoint import Card
from remend.models.device import Placement
from remend.models.errors import OptionError, RequestError
from remend.models.progress import Cancelled
from remend.training.data.audit import Audit
from remend.training.data.holes.mask_files import load_mask_files
from remend.training.data.pairs.matching import LowPhotos
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.run_folder import RunFolder
from remend.training.engine.tasks.upscale import find_lows
from remend.training.engine.trainer import Trainer
from remend.training.finetune.derive_recipe import count_held_out, derive_recipe
from remend.training.finetune.finetuner import FineTune
from remend.training.finetune.outcome import Outcome
from remend.training.recipe.schema import Recipe

DEFAULT_MINUTES = 20.0
MIN_MINUTES = 0.2
_NOTES_SHOWN, _PAIRS_SHOWN = 5, 50


@dataclasses.dataclass(frozen=True, slots=True)
class FinetuneRequest:
    """What is asked of a fine-tune.

    Attributes:
        task: ``fill`` or ``upscale``.
        data: Folders, shards or photos.
        out: The weights file to write.
        parent: Name or path of the weights to start from; None = the default ones.
        minutes: Wall time in all.
        images: Images to see in all, instead.
        adapter: Train a low-rank adapter.
        resume: Continue a fine-tune that was stopped.
        settings: Changes of the recipe, each ``key.path=value``.
        validate: Folders, shards or photos to validate on, instead of a part of ``data``.
        masks: A folder of masks, or one, whose holes are trained and validated on; of a fill only.
        pairs: A folder of low-resolution pictures, called as the photos; of an upscale only.
    """

    task: str
    data: tuple[Path, ...]
    out: Path
    parent: str | None = None
    minutes: float | None = None
    images: int | None = None
    adapter: bool = False
    resume: bool = False
    settings: tuple[str, ...] = ()
    validate: tuple[Path, ...] = ()
    masks: Path | None = None
    pairs: Path | None = None

    def __post_init__(self) -> None:
        """Refuse values that cannot be used.

        Raises:
            RequestError: One sentence about the first of them.
        """
        if self.task not in ("fill", "upscale"):
            raise RequestError(
                f"There is nothing to fine-tune called {self.task!r}; choose fill or upscale."
            )
        if self.masks is not None and self.task != "fill":
            raise OptionError("masks", self.masks, f"is for fill; {self.task} has no holes")
        if self.pairs is not None and self.task != "upscale":
            raise OptionError("pairs", self.pairs, f"is for upscale; {self.task} enlarges nothing")
        if self.out.suffix != SUFFIX:
            problem = f"is no weights file; name one that ends in {SUFFIX}"
            raise OptionError("output", self.out, problem)
        if self.out.exists():
            raise RequestError(
                f"{self.out} exists already; name another -o, or move it out of the way."
            )
        if self.minutes is not None and self.images is not None:
            raise RequestError("--minutes and --images exclude each other; name one.")
        if self.minutes is not None and self.minutes < MIN_MINUTES:
            raise OptionError("minutes", self.minutes, "is too short", f"{MIN_MINUTES:g} or more")
        if self.images is not None and self.images < 1:
            raise OptionError("images", self.images, "is not possible", "1 or more")

    @property
    def seconds(self) -> float | None:
        """Wall time in seconds; None where images are counted."""
        if self.images is not None:
            return None
        return 60 * (self.minutes or DEFAULT_MINUTES)

    @property
    def all_settings(self) -> tuple[str, ...]:
        """The settings with those of masks and pairs; errors as `load_mask_files`."""
        own = {"holes.masks": self.masks, "data.pairs": self.pairs}
        if self.masks is not None:
            load_mask_files(str(self.masks))
        return (
            *(f"{key}={json.dumps(str(path))}" for key, path in own.items() if path is not None),
            *self.settings,
        )

    def find_parent(self) -> Path:
        """The weights to start from; errors as ``find_model``."""
        default = default_fill_model() if self.task == "fill" else default_upscale_model(4)
        return find_model(self.parent or default, self.task)


def run_finetune(request: FinetuneRequest, placement: Placement, terminal: Terminal) -> Outcome:
    """Fine-tune, write the file and print what was gained.

    Raises:
        RequestError: The parent, the photos or the output cannot be used.
        InputError: The disk is full, or there is not enough memory.
        Cancelled: A signal asked for the end; its text says how to go on.
    """
    begin = time.monotonic()
    parent = request.find_parent()
    card = card_of(parent)
    placement = place_parent(card, placement)
    recipe = derive_recipe(
        parent,
        card,
        request.out.stem,
        images=request.images,
        adapter=request.adapter,
        settings=request.all_settings,
    )
    photos, held_out = load_and_audit(request, recipe, placement, terminal)
    if not any(setting.startswith("data.held_out") for setting in request.settings):
        data = dataclasses.replace(recipe.data, held_out=count_held_out(len(photos)))
        recipe = dataclasses.replace(recipe, data=data)
    folder = RunFolder(request.out.with_suffix(".run"), recipe, resume=request.resume)
    tune = FineTune(
        lambda recipe: Trainer(
            recipe, photos, folder, placement, say=terminal.print_status, held_out=held_out
        ),
        recipe,
        terminal.print_status,
        seconds=request.seconds,
        begin=begin,
        resume=request.resume,
    )
    control = tune.control
    terminal.print_status(
        f"{control.training_photos} photos to learn from, {len(control.held_out)} held out; "
        f"{placement.reason}; the run is recorded in {folder.path}"
    )
    with (
        terminal.progress(f"finetune {request.task}", counted=True) as bar,
        stopped_by_signals(bar) as progress,
    ):
        try:
            tune.run(progress)
        except Cancelled as stop:
            raise Cancelled(
                f"Stopped after {tune.control.state.images_seen} images; the state is saved in "
                f"{folder.path} and --resume goes on."
            ) from stop
    outcome = tune.finish(request.out)
    folder.state_file.unlink(missing_ok=True)
    terminal.print_status(outcome.sentence)
    terminal.print_status(f"Done: {request.out} (use it with --model {request.out})")
    print_model_name(request.out, terminal)
    return outcome


def place_parent(card: Card, placement: Placement) -> Placement:
    """Where a fine-tune of these weights runs: in float32 if they are another maker's that asks for it."""
    if placement.dtype != torch.bfloat16 or card.config.get("bf16", True):
        return placement
    reason = f"fp32: {card.architecture} does not compute in 16 bits of this kind"
    return dataclasses.replace(placement, dtype=torch.float32, reason=reason)


def load_and_audit(
    request: FinetuneRequest, recipe: Recipe, placement: Placement, terminal: Terminal
) -> tuple[PhotoStore, PhotoStore | None]:
    """The photos to learn from, and those to validate on where they are others.

    Raises:
        RequestError: As `PhotoStore.load`, or too few that can be used.
    """
    seen, held_out, lows = None, None, find_lows(recipe)
    if request.validate:
        seen = Audit(recipe.data.crop)
        title = "Looking at the validation"
        held_out = load_photos(request.validate, seen, lows, title, placement, terminal)
    audit = Audit(recipe.data.crop, others=seen)
    photos = load_photos(request.data, audit, lows, "Looking at the photos", placement, terminal)
    audit.refuse_too_few()
    return photos, held_out


def load_photos(
    sources: Sequence[Path],
    audit: Audit,
    lows: LowPhotos | None,
    title: str,
    placement: Placement,
    terminal: Terminal,
) -> PhotoStore:
    """Load photos while they are audited, and print which are left out; errors as `PhotoStore.load`."""
    with terminal.progress(title, counted=True) as bar:
        photos = PhotoStore.load(
            sources,
            device=placement.device,
            min_side=audit.min_side,
            lows=lows,
            inspect=audit,
            on_progress=bar.update,
        )
    terminal.print_status(audit.summary)
    shown = _PAIRS_SHOWN if lows else _NOTES_SHOWN
    for sentence in photos.skipped[:shown]:
        terminal.print_note(sentence)
    if len(photos.skipped) > shown:
        terminal.print_note(f"{len(photos.skipped) - shown} more were left out too.")
    return photos


def print_model_name(out: Path, terminal: Terminal) -> None:
    """Print the name by which the file can be used, or how it gets one; and whether it replaces another."""
    if out.resolve().parent != user_folder().resolve():
        terminal.print_status(f"In {user_folder()} it would be in `remend models` and on the page.")
    elif sum(file.stem == out.stem for file in weights_files()) > 1:
        terminal.print_note(
            f"From now on the name {out.stem} means this file, not the weights that came with Remend."
        )
    else:
        terminal.print_status(f"It is in `remend models` and on the page as {out.stem}.")
