"""What a fine-tune's process makes of a stop, of the end of the program that asks, and of what goes wrong."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from remend.app.tuning import tuning
from remend.app.tuning.state import TuningState
from remend.app.tuning.worker import Worker
from remend.models.errors import RequestError
from remend.models.progress import Progress

PLACE = ("cpu", "float32", "a test")


def request(tmp_path: Path) -> dict[str, Any]:
    return {"task": "fill", "data": (tmp_path,), "out": tmp_path / "mine.safetensors"}


class Endless:
    """In place of a fine-tune: it runs until it is ended."""

    has_gained = True

    def __init__(self, *_: Any) -> None:
        self.has_gained = Endless.has_gained

    def run(self, progress: Progress) -> None:
        while True:
            progress.update(1, 4)
            time.sleep(0.01)

    def finish(self) -> Any:
        return SimpleNamespace(sentence="+1.00 dB")


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Worker]:
    def begin(kind: Any) -> Worker:
        monkeypatch.setattr(tuning, "Tuning", kind)
        worker = Worker()
        # torch's threads are the test's own
        worker.answer("start", request(tmp_path), PLACE, torch.get_num_threads())
        return worker

    return begin


def wait_for(worker: Worker, is_so: Callable[[TuningState], bool]) -> TuningState:
    end = time.monotonic() + 60
    while not is_so(state := worker.answer("look")):
        assert time.monotonic() < end, state
        time.sleep(0.01)
    return state


@pytest.mark.parametrize(
    ("has_gained", "phase", "end"), [(True, "done", "+1.00 dB"), (False, "stopped", "")]
)
def test_a_stop_keeps_what_is_better_than_the_parent(
    start: Any, monkeypatch: pytest.MonkeyPatch, has_gained: bool, phase: str, end: str
):
    monkeypatch.setattr(Endless, "has_gained", has_gained)
    worker = start(Endless)
    assert wait_for(worker, lambda state: state.done == 1).phase == "training"
    worker.answer("stop")
    state = wait_for(worker, lambda state: state.has_ended)
    assert (state.phase, state.end) == (phase, end)


def test_the_end_of_the_program_makes_no_file(start: Any):
    worker = start(Endless)
    wait_for(worker, lambda state: state.done == 1)
    worker.close()
    assert worker.answer("look").phase == "stopped"
    assert not [one for one in threading.enumerate() if one is worker._thread]


def test_what_a_person_caused_is_its_sentence_and_the_rest_is_a_report(start: Any):
    def refuse(*_: Any) -> None:
        raise RequestError("No pictures were found.")

    def break_down(*_: Any) -> None:
        raise ZeroDivisionError("by zero")

    state = wait_for(start(refuse), lambda state: state.has_ended)
    assert (state.phase, state.end) == ("failed", "No pictures were found.")
    state = wait_for(start(break_down), lambda state: state.has_ended)
    assert state.end.startswith("Unexpected ZeroDivisionError: by zero; the report is ")


def test_the_time_left_follows_from_the_pace(monkeypatch: pytest.MonkeyPatch):
    now = [100.0]
    monkeypatch.setattr("remend.app.tuning.worker.time.monotonic", lambda: now[0])
    worker = Worker()
    worker.update(40, 100)
    assert worker.answer("look").seconds_left is None
    now[0] += 10
    worker.update(60, 100)
    assert worker.answer("look").seconds_left == 20
