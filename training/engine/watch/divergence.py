"""Signs that a run goes wrong or is done: losses that explode, scores that stop rising.

Each piece looks at numbers and says what it sees. What is done about it is decided in
`training.engine.watch.guard`. Nothing here touches a network.
"""

import math
from collections import deque
from collections.abc import Mapping

from torch import Tensor

STEPS_LOOKED_BACK = 50
EXPLODED = 10.0
STEPS_OF_GRACE = 10
EXPLODED_EARLY = 1000.0
"""Counts while fewer steps than those of grace were seen: they say little about the size of a loss."""
STEPS_IN_A_ROW = 3
"""One batch of odd photos can have a loss of ten times the others."""
OF_A_GAME = ("adversarial", "d_loss", "d_real", "d_fake", "penalty")
"""Losses that swing with the opponent and cross 0, so that no earlier one is a measure for them."""
ABSURD = 1e8
"""Any loss beyond it has exploded, those of a game too."""


class DivergenceDetector:
    """Finds losses out of all bounds: not finite, or for three steps ten times the largest one of 50 steps.

    A loss that it found too large is not compared with later ones.
    """

    def __init__(self) -> None:
        self._seen: dict[str, deque[float]] = {}
        self._in_a_row: dict[str, int] = {}

    def complaint(self, losses: Mapping[str, Tensor | float]) -> str:
        """What is wrong with a step's losses, "" if nothing."""
        for name, loss in losses.items():
            value = loss.item() if isinstance(loss, Tensor) else loss
            if name == "log_mse":  # ten times the error is one more of its logarithm
                value = 10.0 ** min(value, 300.0)
            if not math.isfinite(value):
                return f"{name} is {value}"
            if abs(value) > ABSURD:
                return f"{name} rose to {value:.3g}"
            if name not in OF_A_GAME and (complaint := self._explosion(name, value)):
                return complaint
        return ""

    def _explosion(self, name: str, value: float) -> str:
        seen = self._seen.setdefault(name, deque(maxlen=STEPS_LOOKED_BACK))
        largest = max(map(abs, seen), default=0.0)
        factor = EXPLODED if len(seen) >= STEPS_OF_GRACE else EXPLODED_EARLY
        if not abs(value) > factor * largest > 0:
            self._in_a_row[name] = 0
            seen.append(value)
            return ""
        self._in_a_row[name] = self._in_a_row.get(name, 0) + 1
        if self._in_a_row[name] < STEPS_IN_A_ROW:
            return ""
        return f"{name} rose to {value:.3g} from {largest:.3g} at most"


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
