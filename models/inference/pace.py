"""How long a network takes here for pictures of any size, from two short runs."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of a run: some for every run, and some for each pixel that the network sees."""

    run_seconds: float
    pixel_seconds: float

    def seconds(self, pixels: float) -> float:
        """Of one run on that many pixels."""
        return self.run_seconds + self.pixel_seconds * pixels


def measure_pace(run: Callable[[int], object], small: int, large: int, *, warm_up: bool) -> Pace:
    """Time a network on two squares.

    Args:
        run: Runs it to the end on a square of that side.
        small: Side of the smaller one, in pixels; it is run once before, since the first run is slow.
        large: Side of the larger one, as large as most work.
        warm_up: Run the larger one twice too, as GPUs need it, which choose kernels for each size.
    """
    run(small)
    if warm_up:
        run(large)
    taken = []
    for side in (small, large):
        begin = time.perf_counter()
        run(side)
        taken.append(time.perf_counter() - begin)
    # What a run costs beside its pixels is not less than nothing, whatever else the machine did meanwhile.
    slope = max(0.0, taken[1] - taken[0]) / (large**2 - small**2)
    slope = min(slope, taken[1] / large**2)
    return Pace(max(0.0, taken[1] - slope * large**2), slope)
