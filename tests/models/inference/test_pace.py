"""How long networks take, from two runs: with runs whose time is known, by a clock that they alone move."""

import pytest

from remend.models.inference.pace import Pace, measure_pace


class Clock:
    """What the module finds as ``time``."""

    def __init__(self) -> None:
        self.now = 1000.0

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("remend.models.inference.pace.time", clock)
    return clock


def test_what_a_run_and_a_pixel_cost_is_found(clock: Clock):
    sides = list[int]()

    def run(side: int) -> None:
        sides.append(side)
        clock.sleep(0.02 + side**2 * 1e-6 + (0.05 if len(sides) in (1, 4) else 0))

    pace = measure_pace(run, 100, 300)
    assert sides == [100, 100, 100, 300, 300, 300]
    assert pace.seconds(0) == pytest.approx(0.02)
    assert pace.seconds(1_000_000) == pytest.approx(1.02)


def test_a_machine_that_was_busy_gives_no_nonsense(clock: Clock):
    times = iter([0.0, 0.06, 0.06, 0.0, 0.01, 0.01])
    pace = measure_pace(lambda _: clock.sleep(next(times)), 10, 30)
    assert pace.run_seconds > 0 and pace.pixel_seconds == 0
    assert Pace(1.0, 0.5).seconds(4) == 3


def test_a_network_of_one_size_takes_as_long_for_any_picture(clock: Clock):
    sides = list[int]()

    def run(side: int) -> None:
        sides.append(side)
        clock.sleep(0.3 if len(sides) == 1 else 0.1)

    pace = measure_pace(run, 50, 50)
    assert sides == [50, 50]
    assert (pace.run_seconds, pace.pixel_seconds) == (pytest.approx(0.1), 0)
