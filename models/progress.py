"""Progress and cancel in one small object, for everything that takes longer than a moment.

The terminal's bar, the page's bar and a training run's stop signal are subclasses of `Progress`; the
plain class is silence.
"""


class Cancelled(Exception):  # noqa: N818 - no error: somebody asked for it
    """The user cancelled the work; what is finished stays, what is half done is dropped."""


class Progress:
    """Receives progress at every step, and can end the work."""

    def update(self, done: float, total: float, note: str = "") -> None:
        """Report ``done`` of ``total`` units of work; raises `Cancelled` to end it."""


NO_PROGRESS = Progress()


class SubProgress(Progress):
    """A stretch of a longer piece of work, reported as a share of the whole.

    Args:
        whole: Receives the progress of the whole work.
        start: Where the stretch begins, 0 to 1.
        end: Where it ends.
    """

    def __init__(self, whole: Progress, start: float, end: float) -> None:
        self._whole, self._start, self._length = whole, start, end - start

    def update(self, done: float, total: float, note: str = "") -> None:
        """Pass progress on."""
        self._whole.update(self._start + self._length * done / max(total, 1e-9), 1.0, note)
