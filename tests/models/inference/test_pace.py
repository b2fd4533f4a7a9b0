"""How long networks take, from two runs: with runs whose time is known."""

import time

import pytest

from remend.models.inference.pace import Pace, measure_pace


def test_what_a_run_and_a_pixel_cost_is_found():
    sides = list[int]()

    def run(side: int) -> None:
        sides.append(side)
        time.sleep(0.02 + side**2 * 1e-6 + (0.05 if len(sides) in (1, 4) else 0))

    pace = measure_pace(run, 100, 300)
    assert sides == [100, 100, 100, 300, 300, 300]
    assert pace.seconds(0) == pytest.approx(0.02, abs=0.015)
    assert pace.seconds(1_000_000) == pytest.approx(1.02, rel=0.25)


def test_a_machine_that_was_busy_gives_no_nonsense():
    times = iter([0.0, 0.06, 0.06, 0.0, 0.01, 0.01])
    pace = measure_pace(lambda _: time.sleep(next(times)), 10, 30)
    assert pace.run_seconds > 0 and pace.pixel_seconds == 0
    assert Pace(1.0, 0.5).seconds(4) == 3


def test_a_network_of_one_size_takes_as_long_for_any_picture():
    sides = list[int]()
    pace = measure_pace(sides.append, 50, 50)
    assert sides == [50, 50] and pace.pixel_seconds == 0
