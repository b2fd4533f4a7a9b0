"""How a fine-tune in a process of its own stands, as that process tells it."""

from dataclasses import dataclass
from typing import Literal

Phase = Literal["looking", "training", "done", "stopped", "failed"]
ENDED: tuple[Phase, ...] = ("done", "stopped", "failed")


@dataclass(frozen=True, slots=True)
class TuningState:
    """What is known at one moment.

    Attributes:
        phase: It looks at the photos, trains, or how it ended.
        done: Pictures looked at, or images seen.
        total: Of how many; 0 = not known yet.
        seconds_left: Of the training; None = not known yet.
        said: The sentences so far.
        end: The last word: the gain, or what went wrong; "" = none yet.
    """

    phase: Phase = "looking"
    done: float = 0.0
    total: float = 0.0
    seconds_left: float | None = None
    said: tuple[str, ...] = ()
    end: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come."""
        return self.phase in ENDED
