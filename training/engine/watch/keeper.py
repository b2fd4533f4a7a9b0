"""Which states of a run stay as files besides the last one: the best, and numbered ones.

It decides by numbers; what is written is the caller's. A fine-tune keeps its best state by itself.
"""

from collections.abc import Callable
from pathlib import Path

from remend.training.engine.run_state import RunState
from remend.training.engine.watch.divergence import Plateau
from remend.training.recipe.schema import RunConfig


class Keeper:
    """Keeps checkpoints of one run, and says when it is enough.

    Args:
        folder: The run's.
        config: What is kept, and how many reports without a new best end the run.
        state: Its notes hold the best value and how many reports are past since, for a resumed run.
    """

    def __init__(self, folder: Path, config: RunConfig, state: RunState) -> None:
        self.best_file, self._numbered = folder / "best.safetensors", folder / "checkpoints"
        self._config, self._state = config, state

    def add(self, value: float | None, before: int, save: Callable[[Path], None]) -> bool:
        """Note a report.

        Args:
            value: Of the state of this moment, higher is better; None = it has none.
            before: Images seen at the last report.
            save: Writes the average with its card.

        Returns:
            Whether the run is to end here.
        """
        config, notes, seen = self._config, self._state.notes, self._state.images_seen
        every = config.keep_images
        if every and seen // every > before // every:
            self._numbered.mkdir(exist_ok=True)
            save(self._numbered / f"{seen:09d}.safetensors")
        if value is None:
            return False
        is_best = value > notes.get("best_value", -float("inf"))
        if is_best:
            notes["best_value"] = value
            if config.keep_best:
                save(self.best_file)
        plateau = Plateau(config.patience or 10**9)
        plateau.stale = notes.get("reports_since_best", 0)
        enough = plateau.add(is_best=is_best)
        notes["reports_since_best"] = plateau.stale
        return enough
