"""What an experiment finds: numbers for each arm, whether they differ, and what to draw.

An arm is one setting of a technique; the first arm of a trial is the one without it. Nothing here
knows a technique or a figure.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Better = Literal["high", "low", "neither"]


@dataclass(frozen=True)
class Measure:
    """One number of an arm: its name with the unit, and which direction is better."""

    name: str
    better: Better = "neither"


@dataclass(frozen=True)
class Lines:
    """Curves over a common axis: label -> (x, y) of equal length."""

    title: str
    across: str
    up: str
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    logarithmic: bool = False


@dataclass(frozen=True)
class Clouds:
    """Points in the plane, one small plot a label: label -> (N, 2)."""

    title: str
    clouds: Mapping[str, Tensor]
    limit: float


@dataclass(frozen=True)
class Pictures:
    """Pictures side by side: label -> (3, H, W) in [-1, 1]."""

    title: str
    pictures: Mapping[str, Tensor]


Panel = Lines | Clouds | Pictures

STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""The 97.5 % point of Student's t with 1, 2, … degrees of freedom."""
LEAST_SHARE = 0.02
"""Of the larger one: what counts as a difference where nothing is random and one run is all."""
NO_EFFECT = "no effect seen"
NOT_FINITE = "not finite"


@dataclass(frozen=True)
class Effect:
    """How a measure of an arm differs from the first arm's.

    Attributes:
        difference: The mean over seeds of the difference from the first arm's run of the same seed.
        low, high: The interval that holds the true mean difference in 95 of 100 such trials; of a single
            run the difference itself.
        verdict: ``better``, ``worse``, ``higher``, ``lower``, `NO_EFFECT` or `NOT_FINITE`.
    """

    difference: float
    low: float
    high: float
    verdict: str


@dataclass(frozen=True)
class Trial:
    """A technique on one toy problem: every measure of every arm, one value a seed.

    Attributes:
        problem: One sentence: what was run.
        measures: The first is the one that the technique is about.
        arms: Arm -> one list of values a measure, in the order of ``measures``. The first arm is
            without the technique.
        panels: What to draw beside the measured values.
        paired: Draw differences from the first arm and their intervals: seeds differ more than arms.
        how: What else a reader must know of how it was run, as a sentence; "" = nothing.
    """

    problem: str
    measures: Sequence[Measure]
    arms: Mapping[str, Sequence[Sequence[float]]]
    panels: Sequence[Panel] = ()
    paired: bool = False
    how: str = ""

    def effects(self) -> dict[str, list[Effect]]:
        """For each arm after the first how its measures differ from the first arm's, in their order."""
        (_, without), *others = self.arms.items()
        return {
            arm: [
                compare(base, found, measure.better)
                for base, found, measure in zip(without, values, self.measures, strict=True)
            ]
            for arm, values in others
        }


def compare(without: Sequence[float], values: Sequence[float], better: Better) -> Effect:
    """Compare runs of equal seeds in pairs.

    It is an effect where Student's interval of the mean difference does not hold 0. Where a single pair was
    run (nothing in it is random) it is one where they differ by more than `LEAST_SHARE`.
    """
    differences = [value - base for base, value in zip(without, values, strict=True)]
    mean, count = statistics.fmean(differences), len(differences)
    if not math.isfinite(mean):
        return Effect(mean, mean, mean, NOT_FINITE)
    if count == 1:
        least = LEAST_SHARE * max(abs(without[0]), abs(values[0]))
        return Effect(mean, mean, mean, _verdict(mean if abs(mean) > least else 0.0, better))
    reach = STUDENT[count - 2] * statistics.stdev(differences) / math.sqrt(count)
    low, high = mean - reach, mean + reach
    return Effect(mean, low, high, _verdict(0.0 if low <= 0 <= high else mean, better))


def _verdict(effect: float, better: Better) -> str:
    if effect == 0:
        return NO_EFFECT
    if better == "neither":
        return "higher" if effect > 0 else "lower"
    return "better" if (effect > 0) == (better == "high") else "worse"
