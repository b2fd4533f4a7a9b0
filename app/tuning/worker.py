"""What runs in a process that fine-tunes for another one: a thread trains, the process answers how it goes.

When the program that asks ends, in whatever way, the run saves its state and ends too. torch is loaded in the
thread, so that the first answer does not wait for it.
"""

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from remend.app.tuning.state import TuningState
from remend.models.errors import RemendError
from remend.models.progress import Cancelled, Progress
from remend.models.storage.helper_process import serve

_NICENESS = 10
"""Whoever repairs a photo meanwhile goes first."""
_KEPT = 200
"""Sentences."""


class Worker(Progress):
    """Runs one fine-tune; it is the run's listener and its progress."""

    def __init__(self) -> None:
        self._state = TuningState()
        self._stop, self._close = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._begin: tuple[float, float] | None = None

    def answer(self, task: str, *arguments: Any) -> TuningState:
        """Do a task, ``start``, ``look`` or ``stop``, and tell how the fine-tune stands.

        Args:
            task: What to do.
            arguments: Of ``start``: the fields of a `FinetuneRequest`, a placement as device, precision and
                reason, and the threads of the CPU.
        """
        if task == "start":
            self._thread = threading.Thread(target=self._work, args=arguments)
            self._thread.start()
        elif task == "stop":
            self._stop.set()
        return self._state

    def close(self) -> None:
        """End the fine-tune after its step, with its state saved."""
        self._close.set()
        if self._thread is not None:
            self._thread.join()

    def update(self, done: float, total: float, note: str = "") -> None:
        """Note how far it is; raises `Cancelled` once the end was asked for."""
        if self._stop.is_set() or self._close.is_set():
            raise Cancelled
        now = time.monotonic()
        if self._begin is None:
            self._begin = now, done
        begin, first = self._begin
        left = (now - begin) * (total - done) / (done - first) if done > first else None
        self._change(done=done, total=total, seconds_left=left)

    def print_status(self, text: str) -> None:
        """Keep a sentence."""
        self._change(said=(*self._state.said, text)[-_KEPT:])

    def print_note(self, sentence: str) -> None:
        """Keep a sentence."""
        self.print_status(sentence)

    @contextmanager
    def progress(self, description: str, *, counted: bool = False) -> Generator[Progress]:
        """The progress of looking at photos."""
        self._begin = None
        yield self

    def _work(self, *arguments: Any) -> None:
        try:
            self._tune(*arguments)
        except Cancelled:
            self._change(phase="stopped")
        except RemendError as error:
            self._change(phase="failed", end=str(error))
        except Exception as error:
            from remend.app.engine.crash_report import explain_unexpected

            self._change(phase="failed", end=explain_unexpected(error, ["ui", "finetune"]))

    def _tune(self, request: dict[str, Any], placement: tuple[str, str, str], threads: int) -> None:
        import torch

        from remend.app.tuning.request import FinetuneRequest
        from remend.app.tuning.tuning import Tuning
        from remend.models.device import Placement

        torch.set_num_threads(threads)
        device, precision, reason = placement
        place = Placement(torch.device(device), getattr(torch, precision), reason)
        tuning = Tuning(FinetuneRequest(**request), place, self)
        self._begin = None
        self._change(phase="training", done=0.0, total=0.0, seconds_left=None)
        try:
            tuning.run(self)
        except Cancelled:
            # Who stops it wants the best so far; where the program ends, the run can go on another time.
            if self._close.is_set() or not tuning.has_gained:
                raise
        outcome = tuning.finish()
        self._change(phase="done", end=outcome.sentence)

    def _change(self, **values: Any) -> None:
        self._state = dataclasses.replace(self._state, **values)


def serve_tuning() -> None:
    """Answer until the program that asks has ended, then end the fine-tune with its state saved."""
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    for name in (
        "SIGTERM",
        "SIGHUP",
    ):  # sent to all processes of a session; the end of the asker counts
        if number := getattr(signal, name, None):
            signal.signal(number, signal.SIG_IGN)
    worker = Worker()
    try:
        serve(worker.answer)
    finally:
        worker.close()
