"""What tells a mask from a photo and from noise; what follows from it is ``mask_file``'s."""

import numpy as np
from numpy.typing import NDArray

from remend.models.imaging.picture import Picture, to_8_bit

_TILE_PX = 16
_FEWEST_TILES, _MOST_TILES = 9, 4096  # smaller pictures are not judged; more are looked at in part
_SHARE = 0.9  # of the tiles; more of them without a shape make a mask without one
_NOISY, _GREY = 1 / 32, 1 / 4  # shares of a tile's pixels that are grey
_UNRELATED = 0.9
"""Mean step between neighbours over mean distance from the tile's mean; 1 or more for unrelated pixels."""
_UNEVEN = 8.0  # standard deviation of a tile, in levels of 255
_WHITE = 240
_ALIKE = 12.0  # mean difference between a photo and its copy, in levels of 255
_SAMPLES = 1000  # of each side, on which the two are compared


def is_shapeless(values: NDArray[np.uint8], least: int, *, only_noise: bool = False) -> bool:
    """Whether grey is everywhere and nowhere a shape: noise, clouds, or a photo.

    Args:
        values: (H, W), 255 = marked.
        least: Smaller values are black.
        only_noise: Let smooth greys pass, which a mask of shares may have.
    """
    side = _TILE_PX
    rows, columns = (length // side for length in values.shape)
    if rows * columns < _FEWEST_TILES:
        return False
    step = max(1, int(np.sqrt(rows * columns / _MOST_TILES)))
    cut = values[: rows * side, : columns * side].reshape(rows, side, columns, side)
    tiles = cut[::step, :, ::step].swapaxes(1, 2).reshape(-1, side, side).astype(np.float32)
    share = ((tiles >= least) & (tiles < _WHITE)).mean((1, 2))
    steps = sum(np.abs(np.diff(tiles, axis=axis)).mean((1, 2)) for axis in (1, 2)) / 2
    distance = np.abs(tiles - tiles.mean((1, 2), keepdims=True)).mean((1, 2))
    noisy = (share >= _NOISY) & (steps > _UNRELATED * distance)
    uneven = (share >= _GREY) & (tiles.std((1, 2)) > _UNEVEN)
    return bool((noisy if only_noise else noisy | uneven).mean() > _SHARE)


def is_copy(picture: Picture, alpha: NDArray[np.uint8] | None, photo: Picture) -> bool:
    """Whether a picture shows the photo wherever it is opaque.

    Args:
        picture: Perhaps a copy.
        alpha: Its transparency as 8 bits; None = opaque.
        photo: The original.
    """
    if picture.size != photo.size:
        return False
    every = tuple(
        slice(None, None, max(1, side // _SAMPLES)) for side in (photo.height, photo.width)
    )
    one, other = (to_8_bit(each.rgb[every]).astype(np.int16) for each in (picture, photo))
    difference = np.abs(one - other)
    if alpha is not None:
        difference = difference[alpha[every] == 255]
    return difference.size > 0 and float(difference.mean()) < _ALIKE
