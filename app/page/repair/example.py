"""A damaged photo to try the page on: one that the gradio package brings, with scratches drawn over it."""

from dataclasses import replace
from pathlib import Path

import gradio
import numpy as np
from numpy.typing import NDArray

from remend.models.imaging.files import read_picture, write_picture
from remend.models.imaging.opencv import load_opencv

_PHOTO = Path(gradio.__file__).parent / "media_assets" / "images" / "cheetah.jpg"
_SCRATCHES = 4


def write_example(folder: Path) -> Path:
    """Write the photo into a folder; the same at each call."""
    picture = read_picture(_PHOTO)
    rgb = picture.rgb.copy()
    rgb[_draw_damage(*rgb.shape[:2]) > 0] = 240
    path = folder / "example.png"
    write_picture(replace(picture, rgb=rgb), path)
    return path


def _draw_damage(height: int, width: int) -> NDArray[np.uint8]:
    """Scratches from top to bottom, and a date stamp."""
    opencv = load_opencv()
    drawn = np.zeros((height, width), np.uint8)
    dice = np.random.default_rng(5)
    for number in range(_SCRATCHES):
        steps = dice.normal((0, height / 30), (width / 90, 3), (36, 2)).cumsum(0)
        start = np.array([(number + 0.5) * width / _SCRATCHES, -10])
        opencv.polylines(drawn, [(start + steps).astype(np.int32)], False, 255, 2)
    place = (int(0.04 * width), int(0.95 * height))
    opencv.putText(drawn, "12 7 98", place, opencv.FONT_HERSHEY_DUPLEX, height / 380, 255, 2)
    return drawn
