"""Prints that are damaged, as the network that finds damage sees them: soft, grainy, scratched."""

import cv2
import numpy as np


def print_of(seed: int = 3, scratched: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """A soft grey picture (192, 256, 3) with grain, and a crooked white scratch; and where that is."""
    dice = np.random.default_rng(seed)
    soft = cv2.resize(
        dice.integers(60, 150, (6, 8), np.uint8), (256, 192), interpolation=cv2.INTER_CUBIC
    )
    pixels = np.repeat(soft[..., None], 3, 2).astype(np.int16) + dice.integers(-3, 4, (192, 256, 1))
    where = np.zeros((192, 256), np.uint8)
    if scratched:
        points = np.array([(10, 20), (90, 70), (150, 100), (240, 170)], np.int32)
        cv2.polylines(where, [points], False, 255, 3)
        pixels[where > 0] = 245
    return pixels.clip(0, 255).astype(np.uint8), where > 0
