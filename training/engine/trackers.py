"""A run's numbers for the programs that draw them: TensorBoard, and one more that the recipe names.

Both are Hugging Face Accelerate's trackers. The same numbers are in stats.jsonl, which the run folder writes.
"""

import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remend.models.errors import RequestError

NO_TENSORBOARD = (
    "TensorBoard is not installed, so the run has no event files for it, only stats.jsonl; "
    "pip install 'remend[training]' brings it."
)


def has_tensorboard() -> bool:
    """Whether event files can be written."""
    return all(importlib.util.find_spec(name) for name in ("tensorboard", "accelerate"))


class Trackers:
    """The trackers of a run, started with its first numbers.

    Args:
        folder: The run's; TensorBoard's events lie in it.
        name: Of a tracker beside TensorBoard; "none" = no other.
        settings: The recipe, which that tracker shows with the run.

    Raises:
        RequestError: That tracker is not installed.
    """

    def __init__(self, folder: Path, name: str, settings: Mapping[str, Any]) -> None:
        self._folder, self._name, self._settings = folder, name, settings
        self._started: list[Any] | None = None
        if name != "none" and not importlib.util.find_spec(name):
            raise RequestError(
                f"run.tracker = {name} needs its package: pip install {name}. Or set run.tracker to none."
            )

    def add(self, stats: Mapping[str, Any]) -> None:
        """One point for every number, at ``stats["images"]``."""
        if self._started is None:
            self._started = self._start()
        values = {name: value for name, value in stats.items() if name != "images"}
        for tracker in self._started:
            tracker.log(values, step=stats["images"])

    def _start(self) -> list[Any]:
        names = ["tensorboard"] * has_tensorboard() + [self._name] * (self._name != "none")
        if not names:
            return []
        accelerate: Any = importlib.import_module("accelerate")  # which has no types
        accelerate.PartialState(cpu=True)  # its trackers want to know which process they are in
        tracking: Any = importlib.import_module("accelerate.tracking")
        started: list[Any] = []
        for name in names:
            kind = tracking.LOGGER_TYPE_TO_CLASS[name]
            where = [str(self._folder.parent)] if kind.requires_logging_directory else []
            # Its folder is called as the run is; elsewhere that is the project's name.
            tracker = kind(self._folder.name, *where)
            tracker.main_process_only = False  # the process that writes is the run's choice
            tracker.start()
            if name == self._name:
                tracker.store_init_configuration(dict(self._settings))
            started.append(tracker)
        return started

    def close(self) -> None:
        """End the trackers; further numbers start them again."""
        for tracker in self._started or []:
            tracker.finish()
        self._started = None
