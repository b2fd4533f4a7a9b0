"""A run's numbers as TensorBoard's event files; nothing happens where TensorBoard is not installed.

The same numbers are in stats.jsonl, which the run folder writes.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NO_TENSORBOARD = (
    "TensorBoard is not installed, so the run has no event files for it, only stats.jsonl; "
    "pip install 'remend[training]' brings it."
)


def has_tensorboard() -> bool:
    """Whether event files can be written."""
    return importlib.util.find_spec("tensorboard") is not None


class TensorBoardWriter:
    """Event files in a folder, made with the first numbers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: Any = None

    def add(self, stats: Mapping[str, Any]) -> None:
        """One point for every number, at ``stats["images"]``; the file is complete afterwards."""
        if not has_tensorboard():
            return
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._folder))
        for name, value in stats.items():
            if name != "images":
                self._writer.add_scalar(name, value, stats["images"])
        self._writer.flush()

    def close(self) -> None:
        """End the writer's thread; further numbers begin another file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
