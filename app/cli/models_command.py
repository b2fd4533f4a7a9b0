"""What ``remend models`` prints: the table of weights, one card, and whether every file can be read.

Which weights there are: ``app.engine.catalogue``.
"""

import dataclasses
import json
import re
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from remend.app.cli.options import ExportFormName
from remend.app.cli.printing.terminal import Terminal, interruptible
from remend.app.engine.catalogue import (
    WEIGHTS_SUFFIXES,
    Model,
    card_of,
    find_model,
    hash_weights,
    list_models,
    user_folder,
    weights_files,
    weights_folders,
)
from remend.models.checkpoints.card import has_card
from remend.models.checkpoints.header import SUFFIX, count_parameters
from remend.models.errors import RemendError, RequestError

FETCHED = ".fetched"
"""In the user's folder of models: what is being fetched."""
_WIDTH_WITHOUT_TERMINAL = 200  # columns


def print_models() -> None:
    """Print a table of the weights that can be named.

    Raises:
        RequestError: There are none.
    """
    models = list_models()
    if not models:
        raise RequestError(f"There are no weights in {' or '.join(map(str, weights_folders()))}.")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("name", "task", "network", "scale"):
        table.add_column(name, no_wrap=True)
    for name in ("parameters", "size", "images seen"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("licence")
    table.add_column("measured")
    for model in models:
        table.add_row(*map(_as_text, _row(model)))
    console = Console()
    if not console.is_terminal:
        console.width = _WIDTH_WITHOUT_TERMINAL
    console.print(table)


def _as_text(cell: str) -> Text:
    """What a file says about itself, without commands to the terminal or to rich."""
    return Text("".join(letter if letter.isprintable() else "?" for letter in cell))


def _count_parameters(path: Path) -> str:
    return f"{count_parameters(path) / 1e6:.2f} M" if path.suffix.lower() == SUFFIX else ""


def _row(model: Model) -> list[str]:
    card = model.card
    return [
        model.name,
        card.task,
        card.architecture,
        f"x{card.scale}" if card.task == "upscale" else "",
        _count_parameters(model.path),
        f"{model.path.stat().st_size / 2**20:.1f} MiB",
        f"{card.images_seen:,}" if card.images_seen else "",
        card.licence,
        ", ".join(f"{name} {value:g}" for name, value in card.metrics.items()),
    ]


def print_card(name_or_path: str) -> None:
    """Print a card as JSON; no tensor is loaded.

    Raises:
        RequestError: There is no such file, or it holds no card.
    """
    card = card_of(find_model(name_or_path))
    print(json.dumps(dataclasses.asdict(card), indent=2, ensure_ascii=False))


def verify_all() -> int:
    """Open every weights file and print its hash; returns the exit code.

    Discriminators and files of other projects are checked too.

    Raises:
        RequestError: There are none.
    """
    from remend.models.checkpoints.checkpoint import open_network
    from remend.models.inference.foreign import open_foreign

    files = list(weights_files())
    if not files:
        raise RequestError(f"There are no weights in {' or '.join(map(str, weights_folders()))}.")
    bad = 0
    for path in files:
        try:
            open_network(path) if has_card(path) else open_foreign(path)
            print(f"good  {hash_weights(path)}  {path}")
        except RemendError as error:
            bad += 1
            print(f"BAD   {hash_weights(path)}  {path}: {error}")
    return 1 if bad else 0


def export_model(name_or_path: str, form: ExportFormName, output: Path | None) -> None:
    """Write weights for other programs and print the file's name.

    Args:
        name_or_path: The weights.
        form: As ``models.inference.export.export_weights``.
        output: The file to write; None = NAME.onnx and so on in the current folder.

    Raises:
        RequestError: As ``models.inference.export.export_weights``, or the output is the input.
    """
    from remend.models.imaging.files import same_file
    from remend.models.inference.export import SUFFIXES, export_weights

    source = find_model(name_or_path)
    ending = "-fp16" if form == "fp16" else ""
    target = output or Path(f"{source.stem}{ending}{SUFFIXES[form]}")
    if same_file(source, target):
        raise RequestError(f"{target} is the input; name another file with -o.")
    export_weights(source, form, target)
    print(f"{target}  {target.stat().st_size / 2**20:.1f} MiB  {form}")


def add_weights(
    named: str, name: str | None, licence: str, sha256: str | None, terminal: Terminal
) -> None:
    """Put weights into the folder of models and print the name under which they can be used.

    Args:
        named: Their path or address.
        name: What to call them; None = as the file.
        licence: What is known of it.
        sha256: What their hash must be.
        terminal: Shows the progress of fetching them.

    Raises:
        RequestError: As ``app.engine.added_models.add_model`` and ``app.engine.download.fetch``.
        InputError: As ``app.engine.download.fetch``.
    """
    from remend.app.engine.added_models import Origin, add_model, check_name
    from remend.app.engine.download import fetch, is_address, name_in_address

    if sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise RequestError(
            f"--sha256 {sha256} has {len(sha256)} letters and not 64 digits of 0-9 and a-f."
        )
    if name is not None:
        check_name(Path(name).stem if Path(name).suffix.lower() in WEIGHTS_SUFFIXES else name)
    file = Path(named).expanduser()
    if is_address(named):
        if name is None and (stated := name_in_address(named)) is not None:
            check_name(Path(stated).stem)  # before all of it is fetched for nothing
        with interruptible(), terminal.progress("fetching") as bar:
            file = fetch(named, user_folder() / FETCHED, bar)
    try:
        added = add_model(file, Origin(named, licence), name=name, sha256=sha256)
    finally:
        if is_address(named):
            file.unlink(missing_ok=True)
    print(f"{added.name}  {added.card.task}, {added.card.architecture}  {added.path}")


def remove_weights(name: str) -> None:
    """Take weights out of the folder of models; errors as ``app.engine.added_models.remove_model``."""
    from remend.app.engine.added_models import remove_model

    print(f"removed {remove_model(name)}")
