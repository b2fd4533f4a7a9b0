"""The pieces of work that visitors have asked for, each with a watch of its own over its end.

Whoever asks for work numbers it before anything is sent, each number higher than the one before. So a stop
also reaches what has not arrived yet: all work of its owner up to a number is given up. Nothing here knows
Gradio, photos or networks.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from remend.models.progress import Cancelled, Progress

_OWNERS_KEPT = 1000
_MEMORY = 0.3  # how much the last piece of work counts in the mean of its kind


@dataclass
class _Owner:
    """What is remembered of one who asks for work: up to which numbers it was given up, and done."""

    given_up: int = 0
    done: int = 0


class Job(Progress):
    """A piece of work while it runs; also its progress, which ends it at its next step if it was given up.

    Attributes:
        owner: Whose numbers count.
        number: By which it was asked for; 0 = none.
        kind: What is done, such as ``fill``.
        session: Of the visitor, "" = unknown.
        is_waiting: Whether it waits for its turn at a device.
    """

    def __init__(
        self,
        jobs: "Jobs",
        owner: _Owner,
        number: int,
        kind: str,
        session: str,
        is_awaited: Callable[[], bool],
    ) -> None:
        self.number, self.kind, self.session = number, kind, session
        self._jobs, self.owner, self._is_awaited = jobs, owner, is_awaited
        self.is_waiting = False
        self._given_up = False
        self._begun = time.monotonic()
        self._worked_s = 0.0
        self._share = 0.0

    @property
    def is_given_up(self) -> bool:
        """Whether it was stopped, or nobody waits for it any more."""
        stopped = self._given_up or 0 < self.number <= self.owner.given_up
        return stopped or self._jobs.is_closed or not self._is_awaited()

    @property
    def seconds(self) -> float:
        """How long it has been at work, without waiting for its turn."""
        return time.monotonic() - self._begun

    @property
    def seconds_left(self) -> float | None:
        """How long it will take, from its share that is done or from earlier work; None = not known yet."""
        if self._share > 0:
            return self.seconds * (1 - self._share) / self._share
        usual = self._jobs.usual_seconds(self.kind)
        return None if usual is None else max(usual - self.seconds, 1.0)

    def update(self, done: float, total: float, note: str = "") -> None:
        """Keep what share is done; raises `Cancelled` once the job was given up."""
        self.check()
        self.is_waiting = False
        self._worked_s = self.seconds
        self._share = min(done / total, 1.0) if total else 0.0

    def wait(self) -> None:
        """The work has not begun yet; raises `Cancelled` likewise."""
        self.check()
        self.is_waiting = True
        # As if it had begun now: its share of the time that it will take lies behind it.
        self._begun = time.monotonic() - self._worked_s

    def check(self) -> None:
        """Raise `Cancelled` if the job was given up."""
        if self.is_given_up:
            raise Cancelled

    def commit(self) -> None:
        """From here on it is too late to stop; raises `Cancelled` if the job was given up before."""
        self._jobs.commit(self)

    def give_up(self) -> None:
        """End it at its next step."""
        self._given_up = True


class Jobs:
    """All that is running for all visitors."""

    def __init__(self) -> None:
        self._owners: OrderedDict[str, _Owner] = OrderedDict()
        self._running: list[Job] = []
        self._usual: dict[str, float] = {}
        self._changed = threading.Condition(threading.RLock())
        self.is_closed = False

    @contextmanager
    def run(
        self,
        kind: str,
        owner: str = "",
        number: int = 0,
        *,
        session: str = "",
        is_awaited: Callable[[], bool] = lambda: True,
    ) -> Iterator[Job]:
        """Do work for the time of a ``with``.

        Args:
            kind: What is done; the seconds that it takes are learned by kind.
            owner: Whose numbers count: a visitor's session, or an open photo.
            number: By which it was asked for; 0 = none, so that no number stops it.
            session: Of the visitor.
            is_awaited: Whether somebody still waits for the result.

        Raises:
            Cancelled: It was given up before it began.
        """
        with self._changed:
            job = Job(self, self._find(owner), number, kind, session, is_awaited)
            job.check()
            self._running.append(job)
        try:
            yield job
            self._learn(job)
        finally:
            with self._changed:
                self._running.remove(job)
                self._changed.notify_all()

    def stop(self, owner: str, number: int) -> bool:
        """Give up all work of an owner up to a number, running, waiting or yet to come.

        Returns:
            False where the work of that number was done before.
        """
        with self._changed:
            known = self._find(owner)
            if known.done >= number:
                return False
            known.given_up = max(known.given_up, number)
            return True

    def end_session(self, session: str) -> None:
        """Give up what is running for a visitor who has gone."""
        for job in self.running:
            if session and job.session == session:
                job.give_up()

    def commit(self, job: Job) -> None:
        """As ``Job.commit``."""
        with self._changed:
            job.check()
            job.owner.done = max(job.owner.done, job.number)

    @property
    def running(self) -> tuple[Job, ...]:
        """What is running, in the order of beginning."""
        with self._changed:
            return tuple(self._running)

    def usual_seconds(self, kind: str) -> float | None:
        """How long such work took lately; None where there was none."""
        return self._usual.get(kind)

    def close(self, timeout_s: float) -> bool:
        """Give up everything and wait for its end; False where something still runs after that time."""
        with self._changed:
            self.is_closed = True
            return self._changed.wait_for(lambda: not self._running, timeout_s)

    def _find(self, name: str) -> _Owner:
        owner = self._owners.setdefault(name, _Owner())
        self._owners.move_to_end(name)
        if len(self._owners) > _OWNERS_KEPT:
            self._forget_idle()
        return owner

    def _forget_idle(self) -> None:
        busy = {id(job.owner) for job in self._running}
        for name, owner in list(self._owners.items())[: -_OWNERS_KEPT // 2]:
            if id(owner) not in busy:
                del self._owners[name]

    def _learn(self, job: Job) -> None:
        before = self._usual.get(job.kind, job.seconds)
        self._usual[job.kind] = before + _MEMORY * (job.seconds - before)
