"""The guard of every run: it takes networks back that diverge, and lets none be saved that are no numbers.

It knows a run only through the state that it copies and gives back. What counts as divergence is decided in
`training.engine.watch.divergence`.
"""

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from remend.models.errors import InputError
from remend.training.engine.run_state import RunState
from remend.training.engine.watch.divergence import DivergenceDetector

MOST_ROLLBACKS = 5
SavedState = dict[str, Any]
"""A run's state, to go back to."""
Say = Callable[[str], None]


class DivergedError(InputError):
    """A run that was taken back again and again."""


class Guard:
    """Keeps the last good state of a run, and goes back to it with half the learning rate.

    Args:
        state: The run's numbers; the notes count how often it was taken back.
        networks: Whose weights must be numbers.
        copy_state: Gives the run's whole state.
        load_state: Takes the networks of such a state, and where the run is from another.
        moment: Where the run is, and what it draws next.
        say: Takes sentences for the person.
    """

    def __init__(
        self,
        state: RunState,
        networks: Iterable[nn.Module | None],
        copy_state: Callable[[], SavedState],
        load_state: Callable[[SavedState], None],
        moment: Callable[[], SavedState],
        say: Say,
    ) -> None:
        self.state, self.say = state, say
        self._networks = [network for network in networks if network is not None]
        self._copy_state, self._load_state, self._moment = copy_state, load_state, moment
        self._losses = DivergenceDetector()
        self._is_back = False
        self.good: SavedState = {}
        """The state that is gone back to; empty before the first step."""

    @property
    def rollbacks(self) -> int:
        """How often the run was taken back."""
        return self.state.notes.get("rollbacks", 0)

    def keep(self) -> None:
        """Take the state of this moment for a good one."""
        self.good = copy.deepcopy(self._copy_state())

    def is_bad(self, losses: Mapping[str, Tensor | float]) -> bool:
        """Look at a step's losses, and go back if they are out of bounds.

        Raises:
            DivergedError: The run was taken back too often.
        """
        if complaint := self._losses.complaint(losses):
            self.go_back(complaint)
        self._is_back = bool(complaint)
        return self._is_back

    def is_broken(self) -> bool:
        """Look at the weights themselves, and go back if one is no number; errors as `is_bad`."""
        if self.are_finite():
            return False
        self.go_back("the weights are no numbers any more")
        self._is_back = True
        return True

    def are_finite(self) -> bool:
        """Whether all weights are numbers."""
        values = [value for network in self._networks for value in network.state_dict().values()]
        return bool(torch.stack([value.isfinite().all() for value in values]).all())

    def go_back(self, complaint: str) -> None:
        """Take the networks of the last good state; what was seen since stays seen, the next crops are new.

        Raises:
            DivergedError: It was the last time.
        """
        state = self.state
        state.notes["rollbacks"] = self.rollbacks + 1
        now = {**self._moment(), "rate_scale": state.rate_scale / 2}
        self._load_state({**copy.deepcopy(self.good), **now})
        self._losses = DivergenceDetector()
        self.say(
            f"At {state.images_seen} images {complaint}: back to the last good state, "
            f"with {state.rate_scale:g} times the learning rate."
        )
        if self.rollbacks >= MOST_ROLLBACKS:
            raise DivergedError(self.sentence)

    def refuse_an_end_like_this(self) -> None:
        """Raise `DivergedError` if nothing has been learned since the run was taken back."""
        if self._is_back:
            raise DivergedError(self.sentence)

    @property
    def sentence(self) -> str:
        """How a run ends that diverges."""
        times = "once" if self.rollbacks == 1 else f"{self.rollbacks} times"
        return (
            f"The run diverged and was taken back {times}; its last good state is saved. "
            "Set a lower optimiser.generator.lr or optimiser.discriminator.lr, and begin anew."
        )
