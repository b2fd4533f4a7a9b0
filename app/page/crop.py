"""The part of a photo that is upscaled first, to judge model and detail by."""

import dataclasses

from models.picture import Picture

CROP_PX = 128
"""Longest side of the part."""


def cut_crop(picture: Picture, across: float, down: float, side: int = CROP_PX) -> Picture:
    """Cut a square out, as far as the picture reaches.

    Args:
        picture: Of any size.
        across: Where it lies, 0 = at the left edge, 1 = at the right edge.
        down: Likewise from top to bottom.
        side: In pixels.
    """
    width, height = min(side, picture.width), min(side, picture.height)
    left = round(min(max(across, 0.0), 1.0) * (picture.width - width))
    top = round(min(max(down, 0.0), 1.0) * (picture.height - height))
    rows, columns = slice(top, top + height), slice(left, left + width)
    alpha = None if picture.alpha is None else picture.alpha[rows, columns].copy()
    return dataclasses.replace(picture, rgb=picture.rgb[rows, columns].copy(), alpha=alpha)
