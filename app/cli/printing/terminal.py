"""What a command prints: a bar or plain lines on stderr, results on stdout; and how signals stop it.

Messages go to stderr; stdout holds only what was asked for (a table, a plan, JSON lines). Nothing here knows
pictures or networks.
"""

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from remend.app.engine.signals import handling_signals
from remend.models.progress import Progress, StoppableProgress

if TYPE_CHECKING:  # a command that only prints its help does not wait for rich
    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

_LINE_INTERVAL_SECONDS = 10.0  # between two plain lines about the progress of one piece of work


class Terminal:
    """Prints a command's messages on stderr.

    Args:
        quiet: Print errors only.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet

    @cached_property
    def _console(self) -> "Console":
        from rich.console import Console

        return Console(stderr=True)

    @property
    def draws_bars(self) -> bool:
        """Whether stderr is a terminal on which progress bars are wanted."""
        return self._console.is_terminal and not self.quiet

    def print_error(self, sentence: str) -> None:
        """Print what went wrong, even where `quiet` is asked for."""
        self._print(f"remend: {sentence}")

    def print_status(self, text: str) -> None:
        """Print what has been done or is being done."""
        if not self.quiet:
            self._print(text)

    def print_note(self, sentence: str) -> None:
        """Print what the user should know although nothing went wrong."""
        self.print_status(f"note: {sentence}")

    def _print(self, text: str) -> None:
        self._console.out(text, highlight=False)

    @contextmanager
    def progress(self, description: str, *, counted: bool = False) -> Iterator["Bar"]:
        """A progress bar; plain lines now and then where stderr is no terminal.

        Args:
            description: What is being done.
            counted: Show ``done/total`` instead of per cent.
        """
        if not self.draws_bars:
            yield Bar(self, description, None)
            return
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress

        amount = MofNCompleteColumn() if counted else TaskProgressColumn()
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            amount,
            TextColumn("{task.fields[note]}", markup=False),
            TimeRemainingColumn(),
        )
        with RichProgress(*columns, console=self._console, transient=True) as progress:
            yield Bar(self, description, progress)


class Bar(Progress):
    """Shows the progress of one piece of work, or of several one after the other that count the same."""

    def __init__(
        self, terminal: Terminal, description: str, progress: "RichProgress | None"
    ) -> None:
        self._terminal, self._description, self._progress = terminal, description, progress
        self._task: TaskID | None = None
        self._offset, self._pieces = 0, 0
        self._begin: tuple[float, float] | None = None
        self._printed = time.monotonic()

    def start_piece(self, index: int, pieces: int, description: str) -> None:
        """Begin piece ``index`` (from 0) of ``pieces``."""
        self._offset, self._pieces, self._description = index, pieces, description
        self.update(0, 1)

    def update(self, done: float, total: float, note: str = "") -> None:
        """Show that ``done`` of ``total`` units of the piece are done."""
        if self._pieces:
            done, total = self._offset + done / max(total, 1e-9), self._pieces
        if self._progress is None:
            self._print_line(done, total, note)
        else:
            if self._task is None:
                self._task = self._progress.add_task("", total=total, note="")
            self._progress.update(
                self._task, description=self._description, total=total, completed=done, note=note
            )

    def _print_line(self, done: float, total: float, note: str) -> None:
        now = time.monotonic()
        if self._begin is None:
            self._begin = now, done
        if now - self._printed < _LINE_INTERVAL_SECONDS or done >= total:
            return
        self._printed = now
        begin, first = self._begin
        parts = [f"{self._description}: {done / total:.0%}", note]
        if done > first:
            parts.append(f"{format_seconds((total - done) * (now - begin) / (done - first))} left")
        self._terminal.print_status(", ".join(part for part in parts if part))


@contextmanager
def stopped_by_signals(shown: Progress) -> Iterator[Progress]:
    """Progress that the ending signals end after the current step; a second one ends it at once.

    Args:
        shown: What shows the progress.
    """
    stop = threading.Event()

    def ask(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, signal.default_int_handler)

    with handling_signals(ask):
        yield StoppableProgress(shown, stop.is_set)


@contextmanager
def interruptible() -> Iterator[None]:
    """While this lasts, all ending signals do what SIGINT does: they raise KeyboardInterrupt."""
    with handling_signals(signal.default_int_handler):
        yield


def print_json(value: Any) -> None:
    """Print one JSON object as one line of ASCII on stdout, at once.

    Bytes of a file name that are no text become U+FFFD: JSON has no way to write them.
    """
    text = json.dumps(value, ensure_ascii=False)
    valid = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    print(json.dumps(json.loads(valid)), flush=True)


def format_seconds(seconds: float) -> str:
    """A duration in words: ``4.2 s``, ``3 min``, ``2 h 10 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
