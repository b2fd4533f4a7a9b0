"""Progress and cancel in one small object, for everything that takes longer than a moment.

The terminal's bar and the page's bar are subclasses of `Progress`; the plain class shows nothing.
`StoppableProgress` ends the work on request, `SubProgress` reports a part of a longer piece of work.
"""

from collections.abc import Callable


class Cancelled(Exception):  # noqa: N818 - no error: somebody asked for it
    """The user wants the work to end; what is finished stays, what is half done is dropped."""


class Progress:
    """Told about progress, and asked at every step whether to go on."""

    def update(self, done: float, total: float, note: str = "") -> None:
        """Report ``done`` of ``total`` units of work; raises `Cancelled` to end it."""

    def wait(self) -> None:
        """The work waits for its turn; told again and again, and raises `Cancelled` likewise."""
        self.update(0, 1, "waiting for the picture before")


NO_PROGRESS = Progress()


class StoppableProgress(Progress):
    """Progress that ends the work at its next step once somebody asked for it.

    Args:
        shown: What shows the progress.
        is_stopped: Whether the end was asked for, such as ``threading.Event().is_set``.
    """

    def __init__(self, shown: Progress, is_stopped: Callable[[], bool]) -> None:
        self._shown, self._is_stopped = shown, is_stopped

    def update(self, done: float, total: float, note: str = "") -> None:
        """Pass progress on; raises `Cancelled` once the end was asked for."""
        if self._is_stopped():
            raise Cancelled
        self._shown.update(done, total, note)

    def wait(self) -> None:
        """Pass the waiting on; raises `Cancelled` likewise."""
        if self._is_stopped():
            raise Cancelled
        self._shown.wait()


class SubProgress(Progress):
    """A part of a longer piece of work, reported as a share of the whole.

    Args:
        whole: Progress of the whole.
        start: Where the part begins, 0 to 1.
        end: Where it ends.
        name: Of the part, put before each note; "" = none.
    """

    def __init__(self, whole: Progress, start: float, end: float, name: str = "") -> None:
        self._whole, self._start, self._length, self._name = whole, start, end - start, name

    def update(self, done: float, total: float, note: str = "") -> None:
        """Pass progress on."""
        if self._name:
            note = f"{self._name}, {note}" if note else self._name
        self._whole.update(self._start + self._length * done / max(total, 1e-9), 1.0, note)

    def wait(self) -> None:
        """Pass the waiting on."""
        self._whole.wait()
