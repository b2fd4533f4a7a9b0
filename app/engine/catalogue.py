"""Which weights there are: the project's own folder, the user's folder, or a path.

A name is a file's stem; the user's folder wins over the project's. Only headers are read here, and what is
remembered of community files, so a list of models costs milliseconds; ``models.inference.restorer`` loads
them.
"""

import functools
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from remend.app.engine.card_cache import read_community_card
from remend.app.engine.user_dirs import data_folder
from remend.models.checkpoints.card import MAKER, Card, has_card, read_card
from remend.models.checkpoints.header import SUFFIX
from remend.models.checkpoints.onnx_file import SUFFIX as ONNX_SUFFIX
from remend.models.errors import RequestError

WEIGHTS_SUFFIXES = (SUFFIX, ".pth", ".pt", ".ckpt", ONNX_SUFFIX)
TASKS = ("fill", "upscale", "damage")
"""What weights are for that can be named; others are parts of a training."""
_OWN_FOLDER = Path(__file__).resolve().parents[2] / "weights"


@dataclass(frozen=True, slots=True)
class Model:
    """Weights that can be named: where they lie and what they say about themselves."""

    name: str
    path: Path
    card: Card

    @property
    def comes_with_us(self) -> bool:
        """Whether the weights are the project's own, not the user's."""
        return self.path.parent == _OWN_FOLDER


def user_folder() -> Path:
    """The user's own weights: ``$REMEND_MODELS``, or the system's place for application data."""
    if folder := os.environ.get("REMEND_MODELS"):
        return Path(os.path.expanduser(folder))
    return data_folder() / "models"


def own_folder() -> Path:
    """The project's own weights."""
    return _OWN_FOLDER


def weights_folders() -> list[Path]:
    """Where names are looked up, the first match wins: the user's folder, then the project's."""
    return [user_folder(), _OWN_FOLDER]


def weights_files() -> Iterator[Path]:
    """Every weights file in the folders, whether it can be opened or not."""
    for folder in weights_folders():
        if folder.is_dir():
            yield from sorted(path for path in folder.iterdir() if _is_weights_name(path))


def _is_weights_name(path: Path) -> bool:
    return path.suffix.lower() in WEIGHTS_SUFFIXES


def card_of(path: Path) -> Card:
    """The card of a weights file; a community file's is made up from its tensors.

    Raises:
        RequestError: No such file, or no weights that Remend can use.
    """
    if not path.is_file():
        raise RequestError(f"{path} is no file; `remend models` lists the weights there are.")
    if has_card(path):
        return read_card(path)
    card = read_community_card(path)
    licence = _read_licence(path.with_suffix(".md"))
    return replace(card, licence=licence) if licence else card


def _read_licence(page: Path) -> str:
    """The licence on the page that ``app.engine.added_models`` wrote beside a file; "" = there is none."""
    try:
        with page.open(encoding="utf-8") as file:
            found = re.search(r"^- licence: (.{1,200})$", file.read(4096), re.MULTILINE)
    except (OSError, ValueError):
        return ""
    return found[1] if found else ""


def list_models(task: str | None = None) -> list[Model]:
    """The models that can be named, by name; files that restore nothing are left out.

    Args:
        task: One of `TASKS`; None = all.
    """
    found: dict[str, Model] = {}
    for path in weights_files():
        try:
            card = card_of(path)
        except RequestError:
            continue  # `remend models verify` says what is wrong with it
        if card.task in TASKS and task in (None, card.task):
            found.setdefault(path.stem, Model(path.stem, path, card))
    return sorted(found.values(), key=lambda model: model.name)


def find_model(name_or_path: str | Path, task: str | None = None) -> Path:
    """Find the weights that a person names.

    Args:
        name_or_path: A name from ``list_models``, or a path: whatever has a suffix or a separator.
        task: What they are to do, one of `TASKS`; None = whatever they are for.

    Raises:
        RequestError: There are none of that name, no such file, or they are for something else.
    """
    name = str(name_or_path)
    is_path = (
        isinstance(name_or_path, Path) or Path(name).name != name or _is_weights_name(Path(name))
    )
    path = None if is_path else next((file for file in weights_files() if file.stem == name), None)
    if path is None:
        path = Path(os.path.expanduser(name))  # which says nothing where there is no home
        if not is_path and not path.is_file():
            raise RequestError(_no_such_model(name, task))
    card = card_of(path)
    if task and card.task != task:
        raise RequestError(
            f"{name} was trained to {_verb(card.task)}, not to {_verb(task)}; `remend models` lists what "
            "each is for."
        )
    return path


def _verb(task: str) -> str:
    return "find damage" if task == "damage" else task


def _no_such_model(name: str, task: str | None) -> str:
    names = [model.name for model in list_models(task)]
    kind = f"{task} model" if task else "model"
    if not names:
        folders = " or ".join(map(str, weights_folders()))
        return f"There is no {kind} {name!r} and no other; put {name}{SUFFIX} into {folders}."
    return f"There is no {kind} {name!r}; name one of {', '.join(names)}, or the path of a weights file."


def default_fill_model() -> str:
    """The name of the model that fills where none is asked for."""
    return "fill"


def thick_hole_model() -> str | None:
    """The name of the user's model that fills thick holes best; None where there is none.

    A network made for large holes: LaMa before others, and never one of Remend's own kind.
    """
    others = [
        model
        for model in list_models("fill")
        if model.card.run.get("read_by") and model.card.run.get("made_by") != MAKER
    ]
    others.sort(key=lambda model: model.card.architecture != "LaMa")
    return others[0].name if others else None


def default_damage_model() -> str:
    """The name of the model that finds damage where none is asked for."""
    return "damage"


def default_upscale_model(scale: float) -> str:
    """The name of the model for a factor: the photo model where there is one, else the faithful one.

    ``x4`` does all above 2, ``x2`` all up to it; what the model's own factor overshoots is reduced.
    """
    factor = "x4" if scale > 2 else "x2"
    names = {path.stem for path in weights_files()}
    return f"{factor}-photo" if f"{factor}-photo" in names else f"{factor}-fidelity"


@functools.lru_cache(maxsize=64)
def _hash(path: Path, _size: int, _mtime: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_weights(path: Path) -> str:
    """The SHA-256 of a weights file in hexadecimal digits; remembered until the file changes."""
    stat = path.stat()
    return _hash(path.resolve(), stat.st_size, stat.st_mtime_ns)
