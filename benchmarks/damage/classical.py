"""Guess where an old photo is damaged: scratches, creases, dust and spots, by classical means.

Damage is taken to be thin or small and to stand out, lighter or darker, from what lies around it *more than
other things do there*: fine texture raises the bar where it is. The guess is a proposal for a person to
correct; nothing here fills anything, no network runs, and wide tears and stains are not found.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from remend.models.imaging.opencv import load_opencv
from remend.models.imaging.picture import Mask, Picture, to_8_bit

LOOK_PX = 1600
"""Longest side of the picture that is looked at; larger ones are reduced to it."""
DEFAULT_SENSITIVITY = 0.5

_LINE_PX = 31
_DIRECTIONS = 12
_AROUND_PX = 81  # the neighbourhood whose own texture raises the bar
_STRICT, _LAX = 12.0, 3.0  # how far damage stands out, in units of its surroundings' texture
_NOISE = 1.5  # of 255: a floor under the texture of flat regions
_LINE_FACTOR = 0.4  # a line's mean over many pixels is as telling as a spot that stands out more
_LINE_SHARE = (
    1 / 12
)  # of the picture's longest side: shorter lines are taken for things in the picture
_SPOT_FACTOR = 1.5  # texture and eyes are made of spots
_DARK_FACTOR = 2.0  # damage is seldom dark, eyes and mouths are

Field = NDArray[np.float32]


def propose_mask(picture: Picture, sensitivity: float = DEFAULT_SENSITIVITY) -> Mask:
    """Propose a mask of what looks like damage.

    Args:
        picture: Of any size and depth.
        sensitivity: 0 = only what stands out strongly, 1 = much that may be none.

    Returns:
        A mask of the picture's size, a little wider than the damage; empty where none is seen.
    """
    cv2 = load_opencv()
    light = _lightness(picture)
    bar = _STRICT * (_LAX / _STRICT) ** float(np.clip(sensitivity, 0.0, 1.0))
    # Wider things than a print's hundredth are no scratches; odd, and at most 11 for the sake of time.
    width = min(11, max(5, max(light.shape) // 100)) | 1
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    found = np.zeros(light.shape, np.uint8)
    for operation, factor in ((cv2.MORPH_TOPHAT, 1.0), (cv2.MORPH_BLACKHAT, _DARK_FACTOR)):
        standing_out = np.asarray(cv2.morphologyEx(light, operation, ellipse), np.float32)
        around = np.asarray(cv2.blur(standing_out, (_AROUND_PX, _AROUND_PX)), np.float32) + _NOISE
        found |= _find_lines(standing_out, around, factor * _LINE_FACTOR * bar)
        found |= _find_spots(standing_out, around, factor * _SPOT_FACTOR * bar, width)
    found = cv2.dilate(found, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)))
    if found.shape != picture.rgb.shape[:2]:
        found = cv2.resize(found, picture.size, interpolation=cv2.INTER_LINEAR)
    return Mask.from_array(np.asarray(found) > 127)


def _lightness(picture: Picture) -> Field:
    """The picture's luma, (H, W) of 0 to 255, reduced to `LOOK_PX`."""
    cv2 = load_opencv()
    luma = np.asarray(cv2.cvtColor(to_8_bit(picture.rgb), cv2.COLOR_RGB2GRAY))
    longest = max(picture.size)
    if longest > LOOK_PX:
        size = tuple(max(1, round(side * LOOK_PX / longest)) for side in picture.size)
        luma = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA))
    return luma.astype(np.float32)


def _find_lines(standing_out: Field, around: Field, bar: float) -> NDArray[np.uint8]:
    """Pixels of thin structures that go on in one direction, as scratches and creases do."""
    cv2 = load_opencv()
    along = np.zeros_like(standing_out)
    for kernel in _line_kernels():
        np.maximum(along, cv2.filter2D(standing_out, -1, kernel), out=along)
    shortest = max(_LINE_PX / 2, _LINE_SHARE * max(standing_out.shape))
    strong = (along > bar * around) & (standing_out > bar * around)
    joined = cv2.morphologyEx(strong.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return _keep(np.asarray(joined) > 0, lambda box, area: math.hypot(box[2], box[3]) >= shortest)


def _find_spots(standing_out: Field, around: Field, bar: float, width: int) -> NDArray[np.uint8]:
    """Small blobs that stand out strongly, as dust and specks do, down to where they fade."""
    seeds = standing_out > bar * around
    weak = standing_out > bar / 3 * around
    cv2 = load_opencv()
    _, labels = cv2.connectedComponents(weak.astype(np.uint8), connectivity=8)
    labels = np.asarray(labels, np.int32)
    chosen = np.zeros(int(labels.max()) + 1, bool)
    chosen[np.unique(labels[seeds])] = True
    chosen[0] = False
    return _keep(chosen[labels], lambda box, area: area >= 4 and max(box[2], box[3]) <= 3 * width)


def _keep(
    pixels: NDArray[np.bool_], is_wanted: Callable[[NDArray[np.int32], int], bool]
) -> NDArray[np.uint8]:
    """Those connected groups of pixels whose box (left, top, width, height) and area are wanted."""
    cv2 = load_opencv()
    _, labels, stats, _ = cv2.connectedComponentsWithStats(pixels.astype(np.uint8), connectivity=8)
    wanted = np.array([is_wanted(stat[:4], int(stat[4])) for stat in np.asarray(stats)])
    wanted[0] = False
    return np.where(wanted[np.asarray(labels, np.int32)], np.uint8(255), np.uint8(0))


def _line_kernels() -> list[Field]:
    """Lines through the middle of a square in all directions, each of sum 1."""
    cv2 = load_opencv()
    kernels: list[Field] = []
    middle, reach = _LINE_PX // 2, _LINE_PX / 2 - 1
    for step in range(_DIRECTIONS):
        angle = math.pi * step / _DIRECTIONS
        across, down = round(reach * math.cos(angle)), round(reach * math.sin(angle))
        kernel = np.zeros((_LINE_PX, _LINE_PX), np.float32)
        ends = (middle - across, middle - down), (middle + across, middle + down)
        cv2.line(kernel, *ends, 1.0)
        kernels.append(kernel / kernel.sum())
    return kernels
