"""How long a network takes here for pictures of any size, from two short runs."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

_RUNS = 2


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of a run: some for every run, and some for each pixel that the network sees."""

    run_seconds: float
    pixel_seconds: float

    def seconds(self, pixels: float) -> float:
        """Of one run on that many pixels."""
        return self.run_seconds + self.pixel_seconds * pixels


def measure_pace(run: Callable[[int], object], small: int, large: int) -> Pace:
    """Time a network on two squares.

    Args:
        run: Runs it to the end on a square of that side.
        small: Side of the smaller one, in pixels.
        large: Side of the larger one, as large as most work; the same where all sizes take the same time.
    """
    # In a thread of its own, as photos are restored by a batch: the allocator of C gives memory back to the
    # system after each layer in the first thread, which took seven times as long on one machine.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_fit, run, small, large).result()


def _fit(run: Callable[[int], object], small: int, large: int) -> Pace:
    if small == large:
        run(small)
        begin = time.perf_counter()
        run(small)
        return Pace(time.perf_counter() - begin, 0.0)
    taken = list[float]()
    for side in (small, large):
        run(
            side
        )  # the first run of a size is slow, above all on GPUs, which choose their kernels in it
        begin = time.perf_counter()
        for _ in range(_RUNS):
            run(side)
        taken.append((time.perf_counter() - begin) / _RUNS)
    # What a run costs beside its pixels is not less than nothing, whatever else the machine did meanwhile.
    slope = max(0.0, taken[1] - taken[0]) / (large**2 - small**2)
    slope = min(slope, taken[1] / large**2)
    return Pace(max(0.0, taken[1] - slope * large**2), slope)
