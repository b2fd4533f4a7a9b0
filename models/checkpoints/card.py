"""The card of a weights file: what the header of a safetensors file says about the network in it.

Reading it loads no tensor and imports no torch, so that a list of models costs milliseconds.
``models.checkpoints.checkpoint`` saves and opens the networks themselves.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from remend.models.errors import RequestError

SUFFIX = ".safetensors"
METADATA_KEY = "__metadata__"
CARD_KEY = "remend"
MAX_HEADER_BYTES = 100_000_000
"""As the safetensors library has it."""
FORMAT = 1


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


def read_header(path: Path) -> dict[str, Any]:
    """The JSON header of a safetensors file: tensors by name, and texts under ``__metadata__``.

    Read here rather than by the library, which loads NumPy or torch for it. Sizes are checked against
    the file, so a lying header costs no memory; the library checks the rest when tensors are opened.

    Raises:
        RequestError: No such file, or no safetensors.
    """
    if not path.is_file():
        raise RequestError(f"{path} is no file; `remend models` lists the weights there are.")
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(size - 8, MAX_HEADER_BYTES):
                raise ValueError("its header has no possible length")
            header = json.loads(file.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != METADATA_KEY]
        if max(ends, default=0) != size - 8 - length:
            raise ValueError("its size is not that of its tensors")
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        RecursionError,
    ) as error:
        why = (
            error
            if type(error) in (ValueError, OSError)
            else "its header is not one of safetensors"
        )
        raise RequestError(
            f"{path} is no safetensors weights file ({why}); get the file again."
        ) from error
    return header


def count_parameters(path: Path) -> int:
    """The numbers in a safetensors file, from its header alone; errors as `read_header`."""
    header = read_header(path)
    return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != METADATA_KEY)


def has_card(path: Path) -> bool:
    """Whether Remend wrote this file; a file with another suffix is not opened.

    Raises:
        RequestError: No such file, or a ``.safetensors`` file that is none.
    """
    return path.suffix.lower() == SUFFIX and CARD_KEY in read_header(path).get(METADATA_KEY, {})


def read_card(path: Path) -> Card:
    """Read the card alone; no tensor is loaded.

    Raises:
        RequestError: No such file, no safetensors, or a file that Remend did not write.
    """
    header = read_header(path)
    try:
        stored = json.loads(header[METADATA_KEY][CARD_KEY])
        known = {f.name for f in fields(Card)}
        card = Card(**{key: value for key, value in stored.items() if key in known})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RequestError(
            f"{path} holds tensors but no Remend card, so its network is unknown; "
            "use weights made by Remend."
        ) from error
    if card.format > FORMAT:
        raise RequestError(
            f"{path} has card format {card.format}, this version reads up to {FORMAT}; "
            "update Remend."
        )
    return card
