"""What ``remend train`` does around the trainer: find the recipe, load the photos, show the progress.

The loop itself is in ``training.engine.trainer``. A signal ends it after its step, with its state saved.
Started by ``torchrun`` or ``accelerate launch``, it is one of several processes; one prints and writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from remend.app.cli.printing.terminal import Terminal, stopped_by_signals
from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.models.progress import Cancelled
from remend.training.data.audit import refuse_shared
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.compiling import settle_compile
from remend.training.engine.distributed import SingleProcess, join_processes
from remend.training.engine.run_folder import RunFolder
from remend.training.engine.tasks.upscale import find_lows
from remend.training.engine.trackers import NO_TENSORBOARD, has_tensorboard
from remend.training.engine.trainer import Trainer
from remend.training.recipe import schema
from remend.training.recipe.contradictions import advice
from remend.training.recipe.parse import read_recipe
from remend.training.recipe.schema import Recipe

_NOTES_SHOWN, _PAIRS_SHOWN = 3, 50


@dataclass(frozen=True)
class TrainingSources:
    """Where the photos are: folders, shards, photos.

    Attributes:
        data: To train on.
        validate: To validate on, instead of a part of ``data``.
    """

    data: tuple[Path, ...]
    validate: tuple[Path, ...] = ()

    def load_validation(
        self, recipe: Recipe, photos: PhotoStore, device: torch.device, terminal: Terminal
    ) -> PhotoStore | None:
        """The photos to validate on; None = a part of the others.

        Raises:
            RequestError: As `PhotoStore.load`, or one of them is trained on.
        """
        if not self.validate:
            return None
        held_out = load_training_photos(recipe, self.validate, device, terminal)
        refuse_shared(photos, held_out)
        return held_out


def recipes_folder() -> Path:
    """Where the shipped recipes lie."""
    return Path(schema.__file__).parent


def find_recipe(name_or_path: str) -> Path:
    """The file of a recipe: a path, or the name of a shipped one.

    Raises:
        RequestError: There is none of that name.
    """
    path = Path(name_or_path)
    if path.suffix or path.name != name_or_path or path.is_file():
        return path
    shipped = {file.stem: file for file in sorted(recipes_folder().glob("*.toml"))}
    if name_or_path not in shipped:
        raise RequestError(
            f"There is no recipe {name_or_path!r}; name a .toml file or one of {', '.join(shipped)}."
        )
    return shipped[name_or_path]


def run_recipe(
    recipe_name: str,
    sources: TrainingSources,
    out: Path,
    settings: Sequence[str],
    placement: Placement,
    terminal: Terminal,
    *,
    resume: bool,
) -> None:
    """Train to the end of a recipe, together with other processes if there are any.

    Raises:
        RequestError: The recipe, the photos or the folder cannot be used.
        Cancelled: A signal asked for the end; its text says how to go on.
    """
    recipe = read_recipe(find_recipe(recipe_name), settings)
    with join_processes(placement.device) as processes:
        terminal = terminal if processes.leads else Terminal(quiet=True)
        placement = without_float16(replace(placement, device=processes.device or placement.device))
        recipe, sentence = settle_compile(recipe, placement.device)
        for note in [sentence] * bool(sentence) + advice(recipe, processes.count):
            terminal.print_note(note)
        if sources.validate and recipe.task == "generate":
            raise RequestError(
                "The task generate has no original to validate on; leave validation out."
            )
        photos = load_training_photos(recipe, sources.data, placement.device, terminal)
        held_out = sources.load_validation(recipe, photos, placement.device, terminal)
        folder = RunFolder(out, recipe, resume=resume, writes=processes.leads)
        trainer = Trainer(
            recipe,
            photos,
            folder,
            placement,
            resume=resume,
            processes=processes,
            say=terminal.print_status,
            held_out=held_out,
        )
        train(trainer, terminal)


def without_float16(placement: Placement) -> Placement:
    """The placement with float32 in place of float16, in which gradients would have to be scaled."""
    if placement.dtype != torch.float16:
        return placement
    reason = "fp32: float16 loses small gradients in training"
    return replace(placement, dtype=torch.float32, reason=reason)


def load_training_photos(
    recipe: Recipe, data: Sequence[Path], device: torch.device, terminal: Terminal
) -> PhotoStore:
    """Decode all photos and print which were left out."""
    lows = find_lows(recipe)
    with terminal.progress("Loading photos", counted=True) as bar:
        photos = PhotoStore.load(
            data,
            device=device,
            min_side=max(recipe.growth.sizes, default=recipe.data.crop),
            lows=lows,
            on_progress=bar.update,
        )
    shown = _PAIRS_SHOWN if lows else _NOTES_SHOWN
    for sentence in photos.skipped[:shown]:
        terminal.print_note(sentence)
    if len(photos.skipped) > shown:
        terminal.print_note(f"{len(photos.skipped) - shown} more pictures were left out too.")
    if photos.device.type != photos.serves.type:
        terminal.print_note(
            f"The photos take {photos.nbytes / 1e9:.1f} GB, more than half of what is free on "
            f"{photos.serves}; they stay in the computer's memory, and batches are copied."
        )
    return photos


def train(trainer: Trainer, terminal: Terminal) -> None:
    """Run a trainer to its end or to a signal, and print where its weights are."""
    recipe, out = trainer.recipe, trainer.folder.path
    if not has_tensorboard():
        terminal.print_note(NO_TENSORBOARD)
    photos = len(trainer.photos) + len(trainer.held_out)
    terminal.print_status(
        f"{photos} photos, {describe_devices(trainer.placement, trainer.processes)}; "
        f"the run is recorded in {out}"
    )
    with (
        terminal.progress(recipe.name or recipe.task, counted=True) as bar,
        stopped_by_signals(bar) as progress,
    ):
        try:
            trainer.run(progress)
        except Cancelled as stop:
            raise Cancelled(
                f"Stopped after {trainer.images_seen} of {recipe.images} images; the state is saved "
                "and --resume goes on."
            ) from stop
    use = f" (use it with --model {trainer.folder.ema_file})" if recipe.task != "generate" else ""
    terminal.print_status(f"Done: {trainer.folder.ema_file}{use}")


def describe_devices(placement: Placement, processes: SingleProcess) -> str:
    """Where a run computes, in words."""
    return placement.reason + (f", {processes.count} processes" if processes.count > 1 else "")
