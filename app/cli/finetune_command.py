"""What ``remend finetune`` prints around a fine-tune; a signal ends it after its step, with its state saved.

What it does is in ``app.tuning``.
"""

from pathlib import Path

from remend.app.cli.printing.terminal import Terminal, stopped_by_signals
from remend.app.engine.catalogue import user_folder, weights_files
from remend.app.tuning.request import FinetuneRequest
from remend.app.tuning.tuning import Tuning
from remend.models.device import Placement
from remend.models.progress import Cancelled
from remend.training.finetune.outcome import Outcome


def run_finetune(request: FinetuneRequest, placement: Placement, terminal: Terminal) -> Outcome:
    """Fine-tune, write the file and print what was gained.

    Raises:
        RequestError: The parent, the photos or the output cannot be used.
        InputError: The disk is full, or there is not enough memory.
        Cancelled: A signal asked for the end; its text says how to go on.
    """
    tuning = Tuning(request, placement, terminal)
    with (
        terminal.progress(f"finetune {request.task}", counted=True) as bar,
        stopped_by_signals(bar) as progress,
    ):
        try:
            tuning.run(progress)
        except Cancelled as stop:
            raise Cancelled(
                f"Stopped after {tuning.images_seen} images; the state is saved in "
                f"{tuning.folder.path} and --resume goes on."
            ) from stop
    outcome = tuning.finish()
    terminal.print_status(f"Done: {request.out} (use it with --model {request.out})")
    print_model_name(request.out, terminal)
    return outcome


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
