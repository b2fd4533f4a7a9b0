"""Where a run is, in numbers: what its loop counts, and what may be changed from outside.

No weights and no files are here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class RunState:
    """The numbers of a run.

    Attributes:
        images: To see in all; may change while the run goes on.
        images_seen: So far.
        seconds: Spent on steps so far.
        rate_scale: Factor on both sides' learning rates; may change while the run goes on.
        notes: Plain values that are saved with the state, for whoever steers the run.
    """

    images: int
    images_seen: int = 0
    seconds: float = 0.0
    rate_scale: float = 1.0
    notes: dict[str, Any] = field(default_factory=dict[str, Any])

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs; its length follows from the recipe."""
        return {
            "images_seen": self.images_seen,
            "seconds": self.seconds,
            "rate_scale": self.rate_scale,
            "extra": self.notes,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state_dict()``."""
        self.images_seen, self.seconds = state["images_seen"], state["seconds"]
        self.rate_scale = state.get("rate_scale", 1.0)
        self.notes = dict(state.get("extra", {}))
