"""What a visitor of the page is and sends, where no browser is needed."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from remend.models.imaging.picture import Picture
from remend.models.inference.regions import Box

ENGLISH: Any = SimpleNamespace(headers={}, session_hash="one")
CHINESE: Any = SimpleNamespace(headers={"accept-language": "zh-CN,zh;q=0.9"}, session_hash="two")

RANDOM = np.random.default_rng(7)


def photo_of(width: int, height: int, kind: type = np.uint8) -> Picture:
    top = np.iinfo(kind).max
    return Picture(RANDOM.integers(0, top, (height, width, 3), endpoint=True).astype(kind))


def save_mask(path: Path, size: tuple[int, int], box: Box) -> Path:
    values = np.zeros(size[::-1], np.uint8)
    values[box.slices] = 255
    Image.fromarray(values).save(path)
    return path
