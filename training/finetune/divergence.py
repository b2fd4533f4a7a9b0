"""Signs that a run goes wrong or is done: losses that explode, colours that drift, scores that stop rising.

Each piece looks at numbers and says what it sees. What is done about it is decided in
`training.finetune.finetuner`. Nothing here touches a network.
"""

import math
from collections import deque
from collections.abc import Mapping

from torch import Tensor

from remend.training.finetune.validation import Score

STEPS_LOOKED_BACK = 50
EXPLODED = 10.0
STEPS_OF_GRACE = 10
EXPLODED_EARLY = 1000.0
"""Counts while fewer steps than those of grace were seen: they say little about the size of a loss."""
COLOUR_LEVELS = 2.0
COLOURS = ("red", "green", "blue")


class DivergenceDetector:
    """Finds losses out of all bounds: not finite, or ten times the largest one of 50 steps.

    A loss that it complained of is not compared with later ones.
    """

    def __init__(self) -> None:
        self._seen: dict[str, deque[float]] = {}

    def complaint(self, losses: Mapping[str, Tensor | float]) -> str:
        """What is wrong with a step's losses, "" if nothing."""
        for name, loss in losses.items():
            value = loss.item() if isinstance(loss, Tensor) else loss
            if name == "log_mse":  # ten times the error is one more of its logarithm
                value = 10.0**value
            if not math.isfinite(value):
                return f"{name} is {value}"
            seen = self._seen.setdefault(name, deque(maxlen=STEPS_LOOKED_BACK))
            largest = max(map(abs, seen), default=0.0)
            factor = EXPLODED if len(seen) >= STEPS_OF_GRACE else EXPLODED_EARLY
            if abs(value) > factor * largest > 0:
                return f"{name} rose to {value:.3g} from {largest:.3g} at most"
            seen.append(value)
        return ""


def colour_drift(score: Score, parent: Score) -> str:
    """A sentence on the colour that is off by two more steps of 8 bit than with the parent, "" if none is."""
    drifts = {
        colour: (now, before)
        for colour, now, before in zip(COLOURS, score.bias, parent.bias, strict=True)
        if abs(now) > abs(before) + COLOUR_LEVELS
    }
    if not drifts:
        return ""
    colour, (now, before) = max(drifts.items(), key=lambda item: abs(item[1][0]))
    return f"{colour} is off by {now:+.1f} of 255 on average, with the parent by {before:+.1f}"


class Plateau:
    """Counts validations without a new best score.

    Args:
        patience: Validations after which it is enough.
    """

    def __init__(self, patience: int) -> None:
        self.patience, self.stale = patience, 0

    def add(self, *, is_best: bool) -> bool:
        """Note a validation; returns whether to stop."""
        self.stale = 0 if is_best else self.stale + 1
        return self.stale >= self.patience
