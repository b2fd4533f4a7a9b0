"""The part of a photo that is upscaled first, so that model and detail can be judged.

Nothing here upscales; positions are shares of the way from one edge to the other.
"""

import dataclasses

from remend.models.imaging.picture import Picture
from remend.models.inference.regions import Box

PART_PX = 128
"""Longest side of the part."""

Size = tuple[int, int]


def find_part(size: Size, across: float, down: float, side: int = PART_PX) -> Box:
    """The square to look at, no larger than a picture of that size.

    Args:
        size: Width and height of the picture.
        across: Where it lies, 0 = at the left edge, 1 = at the right edge.
        down: Likewise from top to bottom.
        side: In pixels.
    """
    width, height = min(side, size[0]), min(side, size[1])
    left = round(min(max(across, 0.0), 1.0) * (size[0] - width))
    top = round(min(max(down, 0.0), 1.0) * (size[1] - height))
    return Box(left, top, left + width, top + height)


def centre_part(size: Size, x: float, y: float, side: int = PART_PX) -> tuple[float, float]:
    """Where the part lies whose middle is a pixel of a picture.

    Args:
        size: Width and height of the picture.
        x: The pixel, from left to right.
        y: From top to bottom.
        side: Of the part, in pixels.

    Returns:
        ``across`` and ``down`` as for ``find_part``; the part stays within the picture.
    """

    def share(at: float, length: int) -> float:
        slack = length - min(side, length)
        return round(min(max((at - side / 2) / slack, 0.0), 1.0), 3) if slack else 0.5

    return share(x, size[0]), share(y, size[1])


def cut_part(picture: Picture, across: float, down: float, side: int = PART_PX) -> Picture:
    """Cut the part out; arguments as ``find_part``."""
    rows, columns = find_part(picture.size, across, down, side).slices
    alpha = None if picture.alpha is None else picture.alpha[rows, columns].copy()
    return dataclasses.replace(picture, rgb=picture.rgb[rows, columns].copy(), alpha=alpha)
