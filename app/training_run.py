"""What ``remend train`` does around the trainer: find the recipe, load the photos, show how far it is.

The loop itself is ``training.trainer``'s; a stop by signal ends it after its step, with its state saved.
"""

from collections.abc import Sequence
from pathlib import Path

import training
from app.terminal import Stoppable, Terminal
from models.device import Placement
from models.errors import RequestError
from models.watch import Cancelled
from training.config import advice, read_recipe
from training.data import PhotoStore
from training.run_folder import RunFolder
from training.trainer import Trainer

_NOTES_SHOWN = 3


def recipes_folder() -> Path:
    """Where the shipped recipes lie."""
    return Path(training.__path__[0]) / "recipes"


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
    data: Sequence[Path],
    out: Path,
    settings: Sequence[str],
    placement: Placement,
    terminal: Terminal,
    *,
    resume: bool,
) -> None:
    """Train to the end of a recipe.

    Raises:
        RequestError: The recipe, the photos or the folder do not serve.
        Cancelled: A signal asked for the end; its text says how to go on.
    """
    recipe = read_recipe(find_recipe(recipe_name), settings)
    for sentence in advice(recipe):
        terminal.note(sentence)
    with terminal.progress("Loading photos", counted=True) as bar:
        photos = PhotoStore.load(
            data,
            device=placement.device,
            min_side=max(recipe.growth.sizes, default=recipe.data.crop),
            on_progress=bar.update,
        )
    for sentence in photos.skipped[:_NOTES_SHOWN]:
        terminal.note(sentence)
    if len(photos.skipped) > _NOTES_SHOWN:
        terminal.note(f"{len(photos.skipped) - _NOTES_SHOWN} more pictures were left out likewise.")
    folder = RunFolder(out, recipe, resume=resume)
    trainer = Trainer(recipe, photos, folder, placement, resume=resume)
    terminal.say(f"{len(photos)} photos, {placement.reason}; the run is recorded in {out}")
    with terminal.progress(recipe.name or recipe.task, counted=True) as bar:
        watch = Stoppable(bar)
        with watch.listening():
            try:
                trainer.run(watch)
            except Cancelled as stop:
                raise Cancelled(
                    f"Stopped after {trainer.images_seen} of {recipe.images} images; the state is saved "
                    "and --resume goes on."
                ) from stop
    use = f" (use it with --model {folder.ema_file})" if recipe.task != "generate" else ""
    terminal.say(f"Done: {folder.ema_file}{use}")
