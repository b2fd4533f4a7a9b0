"""The card of a weights file: what the header of a safetensors file says about the network in it.

Reading it loads no tensor and imports no torch, so that a list of models costs milliseconds.
``models.checkpoints.checkpoint`` saves and opens the networks themselves.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from remend.models.checkpoints.header import SUFFIX, read_header
from remend.models.errors import RequestError

CARD_KEY = "remend"
MAKER = "remend"
"""In ``run`` of a foreign file's card: the file was exported from weights of Remend."""
FORMAT = 1
MAX_SCALE = 16
"""Of an upscaler; the largest that spandrel knows is 8."""
_MAX_TEXT = 20_000  # characters


@dataclass(frozen=True, slots=True)
class Card:
    """What a weights file says about itself; stored as JSON in the safetensors header."""

    task: str
    architecture: str
    config: Mapping[str, Any]
    name: str = ""
    scale: int = 1
    value_range: tuple[float, float] = (-1.0, 1.0)
    images_seen: int = 0
    trained_on: Mapping[str, int] = field(default_factory=dict[str, int])
    """Source of the photos -> how many."""
    licence: str = "Apache-2.0"
    parent: str = ""
    adapter: int = 0
    """Rank of the low-rank adapter beside the parent's weights; 0 = the file has none."""
    run: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The recipe that made the weights, and how long it took."""
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    limits: str = ""
    format: int = FORMAT


def has_card(path: Path) -> bool:
    """Whether Remend wrote this file; a file with another suffix is not opened.

    Raises:
        RequestError: No such file, or a ``.safetensors`` file that is none.
    """
    return path.suffix.lower() == SUFFIX and CARD_KEY in read_header(path).texts


def read_card(path: Path) -> Card:
    """Read the card alone; no tensor is loaded.

    Raises:
        RequestError: No such file, no safetensors, a file that Remend did not write, or a card in which
            something is not what it must be.
    """
    return parse_card(read_header(path).texts.get(CARD_KEY), path)


def parse_card(text: str | None, path: Path) -> Card:
    """The card that a text holds; ``path`` is the file it is from. Errors as `read_card`."""
    try:
        stored: Any = json.loads(text or "")
    except (ValueError, RecursionError):
        stored = None
    if not isinstance(stored, dict):
        raise RequestError(
            f"{path} holds tensors but no Remend card, so its network is unknown; "
            "use weights made by Remend."
        )
    fields = cast("dict[str, Any]", stored)
    edition = fields.get("format", FORMAT)
    if type(edition) is int and edition > FORMAT:
        raise RequestError(
            f"{path} has card format {edition}, this version reads up to {FORMAT}; update Remend."
        )
    return check_card(fields, path)


def check_card(stored: Mapping[str, Any], path: Path) -> Card:
    """Make a card of its fields, each of which is checked.

    Raises:
        RequestError: A field is missing, or is not what it must be.
    """
    given = {name: stored[name] for name in _CHECKS if name in stored}
    wrong = next((name for name, value in given.items() if not _CHECKS[name](value)), None)
    wrong = wrong or next((name for name in _REQUIRED if name not in given), None)
    if wrong:
        value = json.dumps(stored.get(wrong))
        raise RequestError(
            f"{path} has a broken card ({wrong} = {value[:60]}); get the file again, or export it again "
            "where it was made."
        )
    if "metrics" in given:  # a run that diverged has measured nothing
        measured: Mapping[str, float] = given["metrics"]
        given["metrics"] = {name: value for name, value in measured.items() if math.isfinite(value)}
    if "value_range" in given:
        given["value_range"] = tuple(given["value_range"])
    return Card(**given)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_TEXT


def _is_count(value: object, most: int = 1 << 62) -> bool:
    return type(value) is int and 0 <= value <= most


def _is_number(value: object) -> bool:
    return type(value) in (int, float)


def _is_range(value: Any) -> bool:
    if not isinstance(value, list | tuple) or len(pair := cast("list[Any]", value)) != 2:
        return False
    return all(map(_is_number, pair)) and -math.inf < pair[0] < pair[1] < math.inf


def _is_object(value: object, each: Callable[[object], bool] = lambda _: True) -> bool:
    if not isinstance(value, dict):
        return False
    items = cast("dict[object, object]", value).items()
    return all(_is_text(name) and each(item) for name, item in items)


_REQUIRED = ("task", "architecture", "config")
_CHECKS: dict[str, Callable[[Any], bool]] = {
    "task": _is_text,
    "architecture": _is_text,
    "config": _is_object,
    "name": _is_text,
    "scale": lambda value: _is_count(value, MAX_SCALE) and value > 0,
    "value_range": _is_range,
    "images_seen": _is_count,
    "trained_on": lambda value: _is_object(value, _is_count),
    "licence": _is_text,
    "parent": _is_text,
    "adapter": lambda value: _is_count(value, 4096),
    "run": _is_object,
    "metrics": lambda value: _is_object(value, _is_number),
    "limits": _is_text,
    "format": lambda value: _is_count(value, FORMAT) and value > 0,
}
"""What each field of a card must be."""
