"""Progress and cancel in one small object, for everything that takes longer than a moment.

The terminal's bar, the page's bar and a training run's stop signal are subclasses of `Watch`; the
plain class is silence.
"""


class Cancelled(Exception):  # noqa: N818 - no error: somebody asked for it
    """Whoever watches wants the work to end; what is finished stays, what is half done is dropped."""


class Watch:
    """Told about progress, and asked at every step whether to go on."""

    def update(self, done: float, total: float, note: str = "") -> None:
        """Report ``done`` of ``total`` units of work; raises `Cancelled` to end it."""


QUIET = Watch()
