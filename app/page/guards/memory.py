"""The memory that visitors' photos may take while they are decoded, changed and written.

Each call says before it begins what it takes at most, and waits until that is free. So many calls at once are
no more than one after the other.
"""

import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress

from remend.app.batch.estimate import PROGRAM_BYTES
from remend.app.batch.plan import Job
from remend.app.batch.work import Work
from remend.app.engine.memory import format_size, free_bytes
from remend.models.errors import InputError, RemendError, RequestError
from remend.models.progress import NO_PROGRESS, Progress

OPENING_BYTES = 24
"""To a pixel of a photo that is decoded and shown; measured: 16 of 8 bits, 19 of 16 bits."""
CHANGING_BYTES = 12
"""To a pixel of an open photo or a mask that is worked on or written; measured: 2 to 10."""

_KEPT_SHARE, _MOST_KEPT = 0.25, 2**30
_LOOK_S = 0.2  # between two looks whether somebody still waits
_MOST_WAITING, _MOST_WAITING_ONE = 12, 4  # they take threads that others' calls need


class MemoryBudget:
    """What may be taken, and what is.

    Args:
        limit_bytes: For the whole program; None = 80 % of what is free now.
        patience_s: Seconds for which a call waits.
    """

    def __init__(self, limit_bytes: int | None = None, patience_s: float = 60.0) -> None:
        self.limit_bytes = limit_bytes or (free_bytes() or 2 * _MOST_KEPT) + PROGRAM_BYTES
        room = max(0, self.limit_bytes - PROGRAM_BYTES)
        self.kept_bytes = min(_MOST_KEPT, int(_KEPT_SHARE * room))
        """Of it, for open photos."""
        self.working_bytes = room - self.kept_bytes
        """Of it, for the work on them."""
        self.job_bytes = PROGRAM_BYTES + self.working_bytes
        """What the whole program may take with one job in hand."""
        self._patience_s = patience_s
        self._taken = 0
        self._waiting: Counter[str] = Counter()
        self._freed = threading.Condition()

    @contextmanager
    def hold(
        self, needed: int, visitor: str = "", progress: Progress = NO_PROGRESS
    ) -> Generator[None]:
        """Take memory for the time of a ``with``, when it is free; ``progress`` can end the waiting.

        Raises:
            InputError: It is more than there can be.
            RequestError: It did not become free in time, or too many wait already.
        """
        if needed > self.working_bytes:
            raise InputError(
                f"This takes about {format_size(needed)} of memory, and {format_size(self.working_bytes)} "
                "may be used here; take a smaller photo, or raise --max-memory when starting the page."
            )
        self._take(needed, visitor, progress)
        try:
            yield
        finally:
            with self._freed:
                self._taken -= needed
                self._freed.notify_all()

    @contextmanager
    def hold_work(
        self,
        work: Work,
        jobs: Sequence[Job],
        visitor: str = "",
        progress: Progress = NO_PROGRESS,
    ) -> Generator[int]:
        """Take what the largest of some jobs needs; a job that will fail needs nothing.

        Returns:
            What the program may take meanwhile, as ``BatchOptions`` has it.

        Raises:
            RequestError: As ``hold``.
        """
        needed = 0
        for job in jobs:
            with suppress(RemendError):  # it fails in its turn, in words
                needed = max(needed, work.cost(job).memory_bytes)
            work.close(job)  # its turn may be long after that of many others
        try:
            with self.hold(min(needed, self.working_bytes), visitor, progress):
                yield PROGRAM_BYTES + needed
        finally:
            for job in jobs:  # one that was stopped has weighed the next
                work.close(job)

    def _take(self, needed: int, visitor: str, progress: Progress) -> None:
        with self._freed:
            if self._taken + needed > self.working_bytes:
                self._wait(needed, visitor, progress)
            self._taken += needed

    def _wait(self, needed: int, visitor: str, progress: Progress) -> None:
        busy = RequestError("Too many photos are being worked on here; try again in a minute.")
        own, all_waiting = self._waiting[visitor], self._waiting.total()
        if own >= _MOST_WAITING_ONE or all_waiting >= _MOST_WAITING:
            raise busy
        self._waiting[visitor] += 1
        end = time.monotonic() + self._patience_s
        try:
            while self._taken + needed > self.working_bytes:
                progress.wait()
                if time.monotonic() > end:
                    raise busy
                self._freed.wait(_LOOK_S)
        finally:
            self._waiting[visitor] -= 1
            self._waiting += Counter()  # forgets who waits no more
