"""The signals that ask a program to end: Ctrl+C, TERM, and HUP, which a terminal sends when it is closed."""

import atexit
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no HUP
ENDING = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))
"""Their numbers."""


@contextmanager
def handling_signals(handler: Callable[[int, Any], Any] | int) -> Iterator[None]:
    """Handle the signals for the time of a ``with``; an ignored one, as under ``nohup``, stays ignored."""
    before = {number: signal.getsignal(number) for number in ENDING}
    for number, old in before.items():
        if old != signal.SIG_IGN:  # a shell starts background jobs with SIGINT ignored; keep that
            signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def noticing_signals() -> Iterator[Callable[[], bool]]:
    """Only note the signals, however many come; gives a function that says whether there was one.

    A handler that raises KeyboardInterrupt could do so in the midst of cleaning up, or where it is swallowed.
    """
    seen: list[int] = []
    with handling_signals(lambda number, _frame: seen.append(number)):
        yield lambda: bool(seen)


def leave_at_once(code: int) -> NoReturn:
    """End this process although other threads may be at work in compiled code.

    The orderly end of the interpreter would tear such a thread out of torch or OpenCV, and the process would
    abort ("terminate called without an active exception").
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # the terminal may have gone
            stream.flush()
    os._exit(code)
