"""The three streams of a process, so that no command fails by them.

A stream may be closed, its disk full, or its reader gone; names may hold bytes that its encoding has not.
What cannot be printed is lost, and the work goes on. What C libraries print past Python (decoders complain
about files, each in its own words) goes nowhere: the sentences about files are ours.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Printing:
    """A stream of text that loses what cannot be written.

    Args:
        stream: Where it is written.

    Attributes:
        lost: Why something was lost; None where nothing was.
    """

    lost: OSError | None = None

    def __init__(self, stream: Any) -> None:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or lose it."""
        try:
            if self.lost is None:
                self._stream.write(text)
        except OSError as error:
            self._lose(error)
        return len(text)

    def flush(self) -> None:
        """Write what is pending, or lose it."""
        try:
            if self.lost is None:
                self._stream.flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        self.lost = error
        # What is pending would fail again at the end of the process.
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        """Everything else is the stream's."""
        return getattr(self._stream, name)


@contextmanager
def settled_streams(*, hear_libraries: bool) -> Iterator[Printing]:
    """While this lasts, printing never fails, and C libraries are not heard unless that is asked for.

    Yields:
        What stdout is meanwhile.
    """
    _open_missing()
    before = sys.stdout, sys.stderr
    # A test or a program that has put streams of its own there has no descriptor 2 to take care of.
    own = sys.stderr is sys.__stderr__ and not hear_libraries
    with _without_libraries() if own else _as_they_are():
        out, err = Printing(sys.stdout), Printing(sys.stderr)
        sys.stdout, sys.stderr = out, err  # pyright: ignore[reportAttributeAccessIssue]
        try:
            yield out
        finally:
            out.flush()
            err.flush()
            sys.stdout, sys.stderr = before


@contextmanager
def _as_they_are() -> Iterator[None]:
    yield


@contextmanager
def _without_libraries() -> Iterator[None]:
    """Give Python's stderr a descriptor of its own, and descriptor 2 to nobody."""
    sys.stderr.flush()
    real = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    before = sys.stderr
    sys.stderr = open(  # noqa: SIM115 - it lives as long as the command
        real, "w", encoding=before.encoding, errors="backslashreplace", buffering=1, closefd=False
    )
    try:
        yield
    finally:
        os.dup2(real, 2)
        sys.stderr = before
        os.close(real)


def _open_missing() -> None:
    """Let closed streams lead nowhere; else the next file that is opened would take their place."""
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - it stays open
