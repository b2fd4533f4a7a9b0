"""What ``remend models`` prints: the table of weights, one card, and whether every file is sound.

Which weights there are is ``app.catalogue``'s.
"""

import dataclasses
import json
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from safetensors import safe_open

from app.catalogue import (
    Model,
    find_model,
    hash_weights,
    list_models,
    weights_files,
    weights_folders,
)
from models.checkpoint import open_network, peek
from models.errors import RemendError, RequestError

_WIDE = 200  # columns where nobody's window limits them


def count_parameters(path: Path) -> int:
    """The numbers in a weights file, from its header alone."""
    total = 0
    with safe_open(path, "pt") as file:
        for name in file.keys():  # noqa: SIM118 - it is no mapping
            size = 1
            for side in file.get_slice(name).get_shape():
                size *= side
            total += size
    return total


def print_models() -> None:
    """Print a table of the weights that can be named.

    Raises:
        RequestError: There are none.
    """
    models = list_models()
    if not models:
        raise RequestError(f"There are no weights in {' or '.join(map(str, weights_folders()))}.")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("name", "task", "scale"):
        table.add_column(name, no_wrap=True)
    for name in ("parameters", "size", "images seen"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("licence")
    table.add_column("measured")
    for model in models:
        table.add_row(*_row(model))
    console = Console()
    if not console.is_terminal:
        console.width = _WIDE
    console.print(table)


def _row(model: Model) -> list[str]:
    card = model.card
    return [
        model.name,
        card.task,
        f"x{card.scale}" if card.task == "upscale" else "",
        f"{count_parameters(model.path) / 1e6:.2f} M",
        f"{model.path.stat().st_size / 2**20:.1f} MiB",
        f"{card.images_seen:,}",
        card.licence,
        ", ".join(f"{name} {value:g}" for name, value in card.metrics.items()),
    ]


def print_card(name_or_path: str) -> None:
    """Print a card as JSON; no tensor is loaded.

    Raises:
        RequestError: There is no such file, or it holds no card.
    """
    card = peek(find_model(name_or_path))
    print(json.dumps(dataclasses.asdict(card), indent=2, ensure_ascii=False))


def verify_all() -> int:
    """Open every weights file, judges too, and print its hash; returns the exit code.

    Raises:
        RequestError: There are none.
    """
    files = list(weights_files())
    if not files:
        raise RequestError(f"There are no weights in {' or '.join(map(str, weights_folders()))}.")
    bad = 0
    for path in files:
        try:
            open_network(path)
            print(f"good  {hash_weights(path)}  {path}")
        except RemendError as error:
            bad += 1
            print(f"BAD   {hash_weights(path)}  {path}: {error}")
    return 1 if bad else 0
