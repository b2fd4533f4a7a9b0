"""What the shipped weights made of the doctor's scene when they were published, to compare with.

A few pixels of each result, by the weights' SHA-256, in ``weights/golden.json``; ``benchmarks/golden.py``
writes it. A difference means that this machine computes other values than the one that made them.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from remend.models.errors import RemendError
from remend.models.imaging.picture import Pixels

GOLDEN_FILE = Path(__file__).resolve().parents[2] / "weights" / "golden.json"
SAMPLES = 8
"""Pixels a side that are kept of a result."""
TOLERANCES = {"torch.float32": 2, "torch.bfloat16": 8, "torch.float16": 8}
"""Levels of 255 by which they may differ, by the precision of the network."""


def sample(result: Pixels) -> list[int]:
    """``SAMPLES`` x ``SAMPLES`` pixels of a picture or a part of it (h, w, 3), evenly spread."""
    height, width = result.shape[:2]
    rows = np.linspace(0, height - 1, SAMPLES).round().astype(int)
    columns = np.linspace(0, width - 1, SAMPLES).round().astype(int)
    return result[np.ix_(rows, columns)].reshape(-1).tolist()


def read_golden() -> Mapping[str, list[int]]:
    """The stored samples, by the weights' SHA-256; none where the file is missing."""
    if not GOLDEN_FILE.is_file():
        return {}
    return json.loads(GOLDEN_FILE.read_bytes())


def compare(result: Pixels, sha256: str, precision: str, name: str) -> str:
    """Compare a result with the stored one; returns words for a line about it.

    Raises:
        RemendError: It differs by more than the precision explains.
    """
    stored = read_golden().get(sha256)
    if stored is None:
        return "good, with no stored result for these weights"
    worst = int(np.abs(np.array(sample(result)) - np.array(stored)).max())
    allowed = TOLERANCES.get(precision, 2)
    if worst > allowed:
        raise RemendError(
            f"{name} gives a result that differs from the stored one by {worst}/255, more than {allowed}; "
            "try --precision fp32 and --device cpu, and report it."
        )
    return f"good, as stored ({worst}/255)"
