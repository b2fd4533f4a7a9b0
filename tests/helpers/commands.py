"""What tests of commands share: what a command left, the photos and masks it is given, processes of it."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image


class Outcome(NamedTuple):
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


def start(*words: str | Path, limit_bytes: int | None = None) -> subprocess.Popen[str]:
    """Start Remend; with files limited in size as if the disk were full beyond."""

    def prepare() -> None:
        # A shell may have started these tests with interrupts ignored, which children inherit.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if limit_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    return subprocess.Popen(
        [sys.executable, "-m", "remend", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=prepare,
    )


def wait_for(process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 180
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)
