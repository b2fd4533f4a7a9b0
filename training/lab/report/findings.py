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


@dataclass(frozen=True)
class Trial:
    """A technique on one toy problem: every measure of every arm, one value a seed.

    Attributes:
        problem: One sentence: what was run.
        measures: The first is the one that verdicts are about.
        arms: Arm -> one list of values a measure, in the order of ``measures``. The first arm is
            without the technique.
        panels: What to draw beside the measured values.
        paired: Seeds differ more than arms (each holds out another photo): draw differences.
    """

    problem: str
    measures: Sequence[Measure]
    arms: Mapping[str, Sequence[Sequence[float]]]
    panels: Sequence[Panel] = ()
    paired: bool = False

    def verdicts(self) -> dict[str, str]:
        """For each arm after the first how its first measure compares with the first arm's."""
        measure = self.measures[0]
        (_, without), *others = self.arms.items()
        return {arm: compare(without[0], values[0], measure.better) for arm, values in others}


def compare(without: Sequence[float], values: Sequence[float], better: Better) -> str:
    """Say whether ``values`` differ from ``without``, seed by seed.

    Runs of equal seeds are compared in pairs. It is an effect where all differences have one sign and
    their mean is more than 1.5 times their standard deviation; of a single pair, where it is more
    than 2 % of the larger one.
    """
    differences = [value - base for base, value in zip(without, values, strict=True)]
    mean = statistics.fmean(differences)
    if len(differences) > 1:
        agree = min(differences) > 0 or max(differences) < 0
        clear = agree and abs(mean) > 1.5 * statistics.stdev(differences)
    else:
        clear = abs(mean) > 0.02 * max(abs(without[0]), abs(values[0]))
    if not math.isfinite(mean):
        return "not finite"
    if not clear:
        return "no clear effect"
    if better == "neither":
        return "higher" if mean > 0 else "lower"
    return "better" if (mean > 0) == (better == "high") else "worse"
