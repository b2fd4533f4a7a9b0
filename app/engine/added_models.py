"""Weights that people add to their folder of models, and take out of it again.

Command line and page add files in the same way: the name is free and cannot be taken for one of ours, the
network is built once to see whether it works, and a page for people is written beside the copy: where the
file came from, under which licence, and its hash. Fetching a file: ``app.engine.download``.
"""

import hashlib
import re
import threading
import unicodedata
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from remend.app.engine.catalogue import (
    WEIGHTS_SUFFIXES,
    Model,
    card_of,
    own_folder,
    user_folder,
    weights_files,
)
from remend.app.engine.memory import format_size
from remend.models.checkpoints.card import Card, has_card
from remend.models.errors import RequestError
from remend.models.storage.atomic import copy_atomic, write_atomic

ASK = "ask its maker"
"""The licence of weights about which nothing was said."""
_NAME = re.compile(r"[\w][\w.+-]{0,79}")
_MEANT = frozenset({"auto", "none", "default"})
"""Names that mean something else where a model is named."""
_DEVICES = frozenset({"con", "prn", "aux", "nul"})  # of Windows, whatever follows their dot
_adding = threading.Lock()


@dataclass(frozen=True, slots=True)
class Origin:
    """What a person says about a file.

    Attributes:
        source: Where it is from: an address or a path.
        licence: Its licence, in any words; "" = not stated.
    """

    source: str
    licence: str = ""


def add_model(
    file: Path,
    origin: Origin,
    *,
    name: str | None = None,
    sha256: str | None = None,
    most_bytes: int | None = None,
) -> Model:
    """Check a weights file and copy it to the user's folder.

    Args:
        file: The weights, of Remend or of another maker.
        origin: What is known of them.
        name: What they are to be called; None = as the file, without its suffix.
        sha256: What their SHA-256 must be, in hexadecimal digits.
        most_bytes: What the folder may hold afterwards; None = the disk decides.

    Raises:
        RequestError: They are no weights that restore photos, have another hash or do not fit into the
            folder, or their name is used already or not possible.
    """
    from remend.models.device import choose_placement
    from remend.models.inference.restorer import load_restorer

    suffix = file.suffix.lower()
    if suffix not in WEIGHTS_SUFFIXES:
        raise RequestError(
            f"{file.name} is no weights file; files that can be added end in {', '.join(WEIGHTS_SUFFIXES)}."
        )
    called = check_name(file.stem if name is None else name.removesuffix(suffix))
    if not file.is_file():
        raise RequestError(f"{file} is no file; check the path.")
    digest = hash_file(file)
    check_hash(digest, sha256, file.name)
    card = card_of(file)
    if card.task == "damage":
        raise RequestError(
            f"{file.name} finds damage, and Remend uses its own weights for that; add weights that fill or "
            "upscale."
        )
    load_restorer(file, choose_placement("cpu", "fp32"))  # damage shows when all tensors are read
    target = user_folder() / f"{called}{suffix}"
    with _adding:
        check_name(called)
        _check_room(file, most_bytes)
        user_folder().mkdir(parents=True, exist_ok=True)
        copy_atomic(file, target)
    licence = card.licence if has_card(file) else origin.licence or ASK
    write_atomic(_page(called, card, origin, licence, digest), target.with_suffix(".md"))
    return Model(called, target, card)


def remove_model(name: str) -> Path:
    """Take weights out of the user's folder, with the page beside them.

    Returns:
        The file that was removed.

    Raises:
        RequestError: There are none of that name in the user's folder.
    """
    mine = [path for path in weights_files() if path.parent == user_folder() and path.stem == name]
    if not mine:
        ours = any(path.stem == name for path in weights_files())
        why = "belongs to Remend" if ours else "is no model there"
        raise RequestError(
            f"{name} {why}; only weights in {user_folder()} can be removed, `remend models` lists all."
        )
    try:
        for path in mine:
            path.unlink()
            path.with_suffix(".md").unlink(missing_ok=True)
    except OSError as error:
        raise RequestError(
            f"{mine[0]} cannot be removed ({error.strerror or error}); check who may write there."
        ) from error
    return mine[0]


def check_name(name: str) -> str:
    """The name, if weights can be called so.

    Raises:
        RequestError: It has letters that it may not have, means something else, or is taken; letters that
            look alike, large or small, are the same.
    """
    plain = unicodedata.normalize("NFKC", name)
    if plain != name or not _NAME.fullmatch(name) or name.endswith(".") or ".." in name:
        raise RequestError(
            f"{name!r} cannot be the name of a model; use up to 80 letters, digits, - and _, beginning "
            "with a letter or digit."
        )
    folded = name.casefold()
    if folded in _MEANT or folded.partition(".")[0] in _DEVICES:
        raise RequestError(f"{name!r} has another meaning; choose another name.")
    taken = {unicodedata.normalize("NFKC", path.stem).casefold(): path for path in weights_files()}
    if (path := taken.get(folded)) is not None:
        whose = "one of Remend's" if path.parent == own_folder() else "one of yours"
        raise RequestError(f"There is a model {path.stem} already, {whose}; choose another name.")
    return name


def hash_file(file: Path) -> str:
    """The SHA-256 of a file in hexadecimal digits."""
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise RequestError(f"{file} cannot be read ({error.strerror or error}).") from error


def check_hash(digest: str, wanted: str | None, name: str) -> None:
    """Raise a RequestError where a file has another SHA-256 than the person was told."""
    if wanted is not None and digest != wanted.lower():
        raise RequestError(
            f"{name} has the SHA-256 {digest} and not {wanted}; it is another file or damaged, get it "
            "elsewhere."
        )


def _check_room(file: Path, most_bytes: int | None) -> None:
    if most_bytes is None or not user_folder().is_dir():
        return
    held = sum(path.stat().st_size for path in user_folder().iterdir() if path.is_file())
    if held + file.stat().st_size > most_bytes:
        raise RequestError(
            f"The folder of models would hold more than {format_size(most_bytes)}; who runs this server can "
            "remove some."
        )


def _page(name: str, card: Card, origin: Origin, licence: str, digest: str) -> bytes:
    """What is known of the weights, for people."""
    kind = f"enlarges {card.scale} times" if card.task == "upscale" else "fills holes"
    if card.task == "upscale" and card.scale == 1:
        kind = "cleans and keeps the size"
    lines = [
        f"# {name}",
        "",
        f"- what it does: {kind} ({card.architecture})",
        f"- from: {origin.source}",
        f"- licence: {licence}",
        f"- added: {date.today().isoformat()}",
        f"- SHA-256: {digest}",
        "",
    ]
    text = "\n".join("".join(c if c.isprintable() else "?" for c in line) for line in lines)
    return text.encode()
