"""The memory that visitors' photos may take."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from remend.app.batch.estimate import PROGRAM_BYTES
from remend.app.engine.model_pool import ModelPool
from remend.app.page.guards.limits import Limits
from remend.app.page.guards.memory import OPENING_BYTES, MemoryBudget
from remend.app.page.server import running_page
from remend.models.errors import InputError, RequestError
from tests.helpers.calling import call, upload

MB = 1_000_000


def flat_png(width: int, height: int, value: int) -> bytes:
    """A tiny file of many pixels of 16 bits."""
    return cv2.imencode(".png", np.full((height, width, 3), value, np.uint16))[1].tobytes()


class Peak:
    """How much this process grows during a ``with``."""

    grown = 0

    def __enter__(self) -> "Peak":
        self._process, self._end = psutil.Process(), threading.Event()
        self._before = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(0.005):
            self.grown = max(self.grown, self._process.memory_info().rss - self._before)


def test_who_finds_no_memory_waits_until_there_is_some():
    budget = MemoryBudget(PROGRAM_BYTES + 400 * MB)
    assert (budget.kept_bytes, budget.working_bytes) == (100 * MB, 300 * MB)
    order: list[str] = []

    def work(name: str, started: Callable[[], object]) -> None:
        with budget.hold(200 * MB):
            order.append(f"{name} begins")
            started()
            order.append(f"{name} ends")

    second = threading.Thread(target=work, args=("second", lambda: None))

    def start_second() -> None:
        second.start()
        time.sleep(0.1)
        with budget.hold(100 * MB):
            order.append("a small one fits beside")

    work("first", start_second)
    second.join(10)
    assert order == [
        "first begins", "a small one fits beside", "first ends", "second begins", "second ends",
    ]  # fmt: skip


def test_what_never_fits_is_refused_at_once_and_who_waits_too_long_in_time():
    budget = MemoryBudget(PROGRAM_BYTES + 400 * MB, patience_s=0.05)
    with pytest.raises(InputError, match=r"301 MB of memory, and 300 MB .*--max-memory"):
        budget.hold(301 * MB).__enter__()
    with budget.hold(300 * MB), pytest.raises(RequestError, match="try again"):
        budget.hold(1).__enter__()
    with budget.hold(300 * MB):
        pass


def test_one_visitor_cannot_take_all_places_to_wait_in():
    budget = MemoryBudget(PROGRAM_BYTES + 400 * MB, patience_s=10)
    entered: list[str] = []

    def work(name: str) -> None:
        with budget.hold(1, name):
            entered.append(name)

    waiting = [threading.Thread(target=work, args=("greedy",)) for _ in range(4)]
    with budget.hold(300 * MB):
        for thread in waiting:
            thread.start()
        time.sleep(0.2)
        with pytest.raises(RequestError):
            work("greedy")
        other = threading.Thread(target=work, args=("other",))
        other.start()
        waiting.append(other)
    for thread in waiting:
        thread.join(10)
    assert sorted(entered) == ["greedy"] * 4 + ["other"]


def test_many_photos_opened_at_once_stay_within_the_budget(
    pool: ModelPool, free_port: int, tmp_path: Path
):
    width, height = 3000, 2000
    room = 360 * MB
    assert OPENING_BYTES * width * height > room / 3
    with running_page(
        pool, port=free_port, limits=Limits(memory_bytes=PROGRAM_BYTES + room)
    ) as address:
        paths = []
        for number in range(5):
            tiny = flat_png(width, height, 1000 * number + 500)
            assert len(tiny) < MB
            paths += upload(address, f"{number}.png", tiny).json
        visitors = [{"x_forwarded_for": f"10.0.0.{number}"} for number in range(5)]
        with Peak() as peak, ThreadPoolExecutor(5) as threads:
            answers = list(
                threads.map(
                    lambda path, visitor: call(address, "open_photo", {"path": path}, **visitor),
                    paths,
                    visitors,
                )
            )
        assert [answer.json["width"] for answer in answers] == [width] * 5
        assert peak.grown < room * 1.15
        (path,) = upload(address, "l.png", flat_png(4500, 4000, 0)).json
        assert "--max-memory" in call(address, "open_photo", {"path": path}).json["error"]
