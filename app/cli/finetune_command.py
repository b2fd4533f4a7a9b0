"""What ``remend finetune`` does around a fine-tune: find the parent, audit the photos, run, tell the gain.

How it is steered is ``training.finetune.finetuner``'s; a stop by signal ends it after its step, with its
state saved.
"""

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

from remend.app.cli.terminal import Stoppable, Terminal
from remend.app.engine.catalogue import (
    SUFFIX,
    default_fill_model,
    default_upscale_model,
    find_model,
    user_folder,
    weights_files,
)
from remend.models.checkpoints.checkpoint import read_card
from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.models.progress import Cancelled
from remend.training.data.audit import Audit
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.run_folder import RunFolder
from remend.training.engine.trainer import Trainer
from remend.training.finetune.derive_recipe import count_held_out, derive_recipe
from remend.training.finetune.finetuner import FineTune
from remend.training.finetune.outcome import Outcome

DEFAULT_MINUTES = 20.0
SHORTEST_MINUTES = 0.2
_NOTES_SHOWN = 5


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
        resume: Go on with what was stopped.
    """

    task: str
    data: tuple[Path, ...]
    out: Path
    parent: str | None = None
    minutes: float | None = None
    images: int | None = None
    adapter: bool = False
    resume: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            RequestError: One sentence about the first such thing.
        """
        if self.task not in ("fill", "upscale"):
            raise RequestError(
                f"There is nothing to fine-tune called {self.task!r}; choose fill or upscale."
            )
        if self.out.suffix != SUFFIX:
            raise RequestError(f"-o {self.out} is no weights file; name one that ends in {SUFFIX}.")
        if self.out.exists():
            raise RequestError(
                f"{self.out} exists already; name another -o, or move it out of the way."
            )
        if self.minutes is not None and self.images is not None:
            raise RequestError("--minutes and --images exclude each other; name one.")
        if self.minutes is not None and self.minutes < SHORTEST_MINUTES:
            raise RequestError(
                f"--minutes {self.minutes:g} is too short; allow {SHORTEST_MINUTES:g} or more."
            )
        if self.images is not None and self.images < 1:
            raise RequestError(f"--images {self.images} is not possible; choose 1 or more.")

    @property
    def seconds(self) -> float | None:
        """Wall time in seconds, None where images are counted."""
        if self.images is not None:
            return None
        return 60 * (self.minutes or DEFAULT_MINUTES)

    def find_parent(self) -> Path:
        """The weights to start from; errors as ``find_model``."""
        default = default_fill_model() if self.task == "fill" else default_upscale_model(4)
        return find_model(self.parent or default, self.task)


def run_finetune(wanted: FinetuneRequest, placement: Placement, terminal: Terminal) -> Outcome:
    """Fine-tune, write the file and say what was gained.

    Raises:
        RequestError: The parent, the photos or the output do not serve.
        InputError: The disk is full, or memory does not suffice.
        Cancelled: A signal asked for the end; its text says how to go on.
    """
    begin = time.monotonic()
    parent = wanted.find_parent()
    recipe = derive_recipe(
        parent,
        read_card(parent),
        wanted.out.stem,
        images=wanted.images,
        adapter=wanted.adapter,
    )
    photos = load_photos(wanted.data, recipe.data.crop, placement, terminal)
    data = dataclasses.replace(recipe.data, held_out=count_held_out(len(photos)))
    recipe = dataclasses.replace(recipe, data=data)
    folder = RunFolder(wanted.out.with_suffix(".run"), recipe, resume=wanted.resume)
    tune = FineTune(
        lambda recipe: Trainer(recipe, photos, folder, placement),
        recipe,
        terminal.print_status,
        seconds=wanted.seconds,
        begin=begin,
        resume=wanted.resume,
    )
    control = tune.control
    terminal.print_status(
        f"{control.training_photos} photos to learn from, {len(control.held_out)} held out; "
        f"{placement.reason}; the run is recorded in {folder.path}"
    )
    with terminal.progress(f"finetune {wanted.task}", counted=True) as bar:
        progress = Stoppable(bar)
        with progress.listening():
            try:
                tune.run(progress)
            except Cancelled as stop:
                raise Cancelled(
                    f"Stopped after {tune.control.state.images_seen} images; the state is saved in "
                    f"{folder.path} and --resume goes on."
                ) from stop
    outcome = tune.finish(wanted.out)
    folder.state_file.unlink(missing_ok=True)
    terminal.print_status(outcome.sentence)
    terminal.print_status(f"Done: {wanted.out} (use it with --model {wanted.out})")
    say_where_it_is_found(wanted.out, terminal)
    return outcome


def load_photos(
    data: Sequence[Path], crop_px: int, placement: Placement, terminal: Terminal
) -> PhotoStore:
    """Audit and load the photos; errors as `PhotoStore.load`, or too few that serve."""
    audit = Audit(crop_px)
    with terminal.progress("Looking at the photos", counted=True) as bar:
        photos = PhotoStore.load(
            data,
            device=placement.device,
            min_side=crop_px,
            inspect=audit,
            on_progress=bar.update,
        )
    terminal.print_status(audit.summary)
    for sentence in photos.skipped[:_NOTES_SHOWN]:
        terminal.print_note(sentence)
    if len(photos.skipped) > _NOTES_SHOWN:
        terminal.print_note(f"{len(photos.skipped) - _NOTES_SHOWN} more were left out likewise.")
    audit.refuse_hopeless()
    return photos


def say_where_it_is_found(out: Path, terminal: Terminal) -> None:
    """Say that the file has a name now, or how it gets one; and whether the name was another's."""
    if out.resolve().parent != user_folder().resolve():
        terminal.print_status(f"In {user_folder()} it would be in `remend models` and on the page.")
    elif sum(file.stem == out.stem for file in weights_files()) > 1:
        terminal.print_note(
            f"From now on the name {out.stem} means it, not the weights Remend came with."
        )
    else:
        terminal.print_status(f"It is in `remend models` and on the page as {out.stem}.")
