"""What tests of commands share: what a command left, the photos and masks that it is given."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The JSON lines of stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


Remend = Callable[..., Outcome]


def scene(width: int = 48, height: int = 40, seed: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


def save(name: str, pixels: np.ndarray | None = None, **how: Any) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene() if pixels is None else pixels).save(path, **how)
    return path


def save_mask(name: str, width: int = 48, height: int = 40, value: int = 255) -> Path:
    hole = np.zeros((height, width), np.uint8)
    hole[10:20, 12:30] = value
    return save(name, hole)


def load(name: str | Path) -> np.ndarray:
    return np.asarray(Image.open(name))


def only_sentence(outcome: Outcome) -> str:
    """The one line on stderr of a command that went wrong."""
    (line,) = outcome.err.splitlines()
    assert line.startswith("remend: "), line
    assert line[-1] in ".?)", line
    return line.removeprefix("remend: ")
