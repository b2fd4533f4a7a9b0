"""A fine-tune in a process of its own, so that the program that shows it stays quick and outlives it.

One runs at a time. What is asked for again under the same name goes on where it was ended.
"""

import dataclasses
import threading
import time
from pathlib import Path

import torch

from remend.app.tuning.request import FinetuneRequest
from remend.app.tuning.state import TuningState
from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.models.storage.helper_process import HelperProcess, describe_end

_PROGRAM = Path(__file__).with_name("program.py")


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """A fine-tune that was started.

    Attributes:
        request: What was asked for.
        since: ``time.time()`` from which on its record counts; 0 = it went on from an earlier one.
    """

    request: FinetuneRequest
    since: float

    @property
    def name(self) -> str:
        """Of the weights that are made."""
        return self.request.out.stem

    @property
    def folder(self) -> Path:
        """Where the run is recorded."""
        return self.request.out.with_suffix(".run")


class TuningProcess:
    """Starts fine-tunes, one at a time, and tells how the last one stands.

    Attributes:
        asked: What was started last; None = nothing yet.
    """

    def __init__(self) -> None:
        self.asked: Asked | None = None
        self._process: HelperProcess | None = None
        self._state = TuningState()
        self._lock = threading.RLock()

    def start(self, request: FinetuneRequest, placement: Placement) -> None:
        """Begin a fine-tune, or go on with one of the same name that was ended before its time.

        Raises:
            RequestError: One is running already.
        """
        with self._lock:
            if self.asked is not None and not self.look().has_ended:
                raise RequestError(
                    f"{self.asked.name} is being fine-tuned already; wait for its end, or stop it."
                )
            goes_on = (request.out.with_suffix(".run") / "state.pt").is_file()
            request = dataclasses.replace(request, resume=goes_on)
            fields = {
                field.name: getattr(request, field.name) for field in dataclasses.fields(request)
            }
            place = (
                str(placement.device),
                str(placement.dtype).removeprefix("torch."),
                placement.reason,
            )
            self.asked = Asked(request, 0.0 if goes_on else time.time())
            self._state = TuningState()
            self._process = HelperProcess(_PROGRAM)
            self._tell("start", fields, place, torch.get_num_threads())

    def look(self) -> TuningState:
        """How it stands."""
        return self._tell("look")

    def stop(self) -> TuningState:
        """Let it end after its step; the best state so far becomes the file, if it beats the parent."""
        return self._tell("stop")

    def close(self, seconds: float | None = None) -> None:
        """End it with its state saved; another start under its name goes on.

        Args:
            seconds: To wait for its end; None = until it has ended. It ends by itself in any case.
        """
        with self._lock:
            if self._process is not None:
                self._process.end(seconds)
                self._process = None
            if not self._state.has_ended:
                self._state = dataclasses.replace(self._state, phase="stopped")

    def _tell(self, *message: object) -> TuningState:
        with self._lock:
            if self._process is None:
                return self._state
            try:
                self._state = self._process.ask(message)
            except (EOFError, OSError):
                end = _crash(describe_end(self._process.end()))
                self._state = dataclasses.replace(self._state, phase="failed", end=end)
                self._process = None
            else:
                if self._state.has_ended:
                    self.close()
            return self._state


def _crash(how: str) -> str:
    return (
        f"The process of the fine-tune ended before its time ({how}), mostly for want of memory; start it "
        "again under the same name, and it goes on from its last state."
    )
