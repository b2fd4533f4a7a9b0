"""Laying a low-resolution picture over its high-resolution photo, pixel on pixel.

Two scans or two shots of one thing never begin at the same pixel. OpenCV finds where they lie: phase
correlation the shift, then the enhanced correlation coefficient (Evangelidis and Psarakis 2008) what is left
of shift, turn and size. Which pictures belong together is decided in `training.data.pairs.matching`.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from remend.models.imaging.opencv import load_opencv
from remend.models.imaging.picture import Pixels

SIZE_TOLERANCE = 0.03
"""Of a side, how far two scans of one thing may differ."""
MOST_SHIFT_PX = 32.0
"""How far apart two corners may lie, in pixels of the low-resolution picture."""
LEAST_CORRELATION = 0.4
"""Of details. Measured: .95 and more between a photo and its blurred, tinted copy, .1 between two photos."""
WORTH = 0.01
"""Of correlation, what another size or slant must bring to be believed: it is found less exactly."""
DETAIL_PX, CONTRAST_PX, LEAST_CONTRAST = 4.0, 8.0, 2.0
"""Standard deviations of what is taken off as ground and of what is one contrast; that of noise, of 255."""
LEFT_ALONE_PX = 0.13
"""What is off by less is not resampled, for sharpness: shifts by whole pixels of the photo are cuts."""
WORK_PX = 1600
"""Longest side at which pictures are compared."""
STEPS, LEAST_STEP = 60, 1e-6

Matrix = NDArray[np.float64]


class Pair(NamedTuple):
    """Two pictures of the same thing, pixel on pixel."""

    high: Pixels
    """(scale · H, scale · W, 3) uint8."""
    low: Pixels
    """(H, W, 3) uint8."""


def check_sizes(high: Pixels, low: Pixels, scale: int) -> str:
    """Why the sizes of two pictures make no pair of this scale, as the end of a sentence; "" if they do."""
    across, down = high.shape[1] / low.shape[1], high.shape[0] / low.shape[0]
    if all(abs(found / scale - 1) <= SIZE_TOLERANCE for found in (across, down)):
        return ""
    found = f"x{across:.2f}"
    if abs(across / down - 1) > SIZE_TOLERANCE:
        found = f"{found} across and x{down:.2f} down"
    return (
        f"that is {found}, and x{scale} is trained; give both uncropped, or weights of that scale"
    )


def align(high: Pixels, low: Pixels, scale: int) -> Pair | str:
    """Cut both pictures to what they share, so that each low pixel lies on its scale² high ones.

    Args:
        high: (H, W, 3) uint8.
        low: (h, w, 3) uint8, of about H / scale and W / scale.
        scale: A whole factor.

    Returns:
        The pair; or why it cannot be made, as the end of a sentence.
    """
    cv2 = load_opencv()
    size = high.shape[1] // scale, high.shape[0] // scale
    whole = high[: size[1] * scale, : size[0] * scale]
    reduced = np.asarray(cv2.resize(whole, size, None, 0, 0, cv2.INTER_AREA), np.uint8)
    shrink = max(1.0, max(*size, *low.shape[:2]) / WORK_PX)
    found = find_transform(details(reduced, shrink), details(low, shrink))
    if isinstance(found, str):
        return found
    matrix = found * ((1, 1, shrink), (1, 1, shrink))
    if (apart := largest_move(matrix, size)) > MOST_SHIFT_PX:
        return (
            f"they lie {apart:.0f} px apart, and at most {MOST_SHIFT_PX:.0f} px are corrected; crop "
            "one of them"
        )
    return cut(high, low, matrix, scale)


def details(picture: Pixels, factor: float) -> NDArray[np.float32]:
    """(H, W, 3) uint8 as (H / factor, W / factor) float32: grey without its ground, at one contrast.

    Colour casts and shading are gone then, which moved shifts by up to two pixels; this way by 0.1 at most.
    """
    cv2 = load_opencv()
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    if factor > 1:
        grey = cv2.resize(grey, None, None, 1 / factor, 1 / factor, cv2.INTER_AREA)
    values = np.asarray(grey, np.float32)
    values = values - np.asarray(cv2.GaussianBlur(values, (0, 0), DETAIL_PX))
    contrast = np.sqrt(np.asarray(cv2.GaussianBlur(values**2, (0, 0), CONTRAST_PX)))
    return np.asarray(values / (contrast + LEAST_CONTRAST), np.float32)


def find_transform(reference: NDArray[np.float32], other: NDArray[np.float32]) -> Matrix | str:
    """The (2, 3) matrix from points of one picture to those of the other; or why there is none.

    Args:
        reference: As `details` gives it.
        other: The same of the other picture.
    """
    cv2 = load_opencv()
    height, width = map(min, zip(reference.shape, other.shape, strict=True))
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    one, two = (np.ascontiguousarray(part[:height, :width]) for part in (reference, other))
    (right, down), _ = cv2.phaseCorrelate(one, two, window)
    matrix: Any = np.array(((1, 0, right), (0, 1, down)), np.float32)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, STEPS, LEAST_STEP)
    nothing: Any = None
    correlation = 0.0
    for motion in (cv2.MOTION_EUCLIDEAN, cv2.MOTION_AFFINE):
        try:
            better, moved = cv2.findTransformECC(
                reference, other, matrix.copy(), motion, criteria, nothing, 5
            )
        except cv2.error:  # it does not converge, or a picture is of one colour
            break
        if better > correlation + WORTH:
            correlation, matrix = better, moved
    if not correlation >= LEAST_CORRELATION:
        return (
            f"they do not show the same thing (correlation of their details {correlation:.2f} of 1, "
            f"{LEAST_CORRELATION} or more is needed); give pictures of the same thing"
        )
    return np.asarray(matrix, np.float64)


def largest_move(matrix: Matrix, size: tuple[int, int]) -> float:
    """How far a matrix moves a corner of a picture of that width and height, px."""
    width, height = size
    corners = np.array(((0, width, 0, width), (0, 0, height, height), (1, 1, 1, 1)), np.float64)
    moved = matrix @ corners - corners[:2]
    return float(np.hypot(*moved).max())


def cut(high: Pixels, low: Pixels, matrix: Matrix, scale: int) -> Pair | str:
    """Cut both by whole pixels of the high one, and resample the low one where more than that is off.

    Args:
        high: As in `align`.
        low: As in `align`.
        matrix: From points of the photo, in low-resolution pixels, to points of the low picture.
        scale: A whole factor.
    """
    centre = np.array((high.shape[1] / scale / 2, high.shape[0] / scale / 2))
    shift = matrix @ (*centre, 1) - centre
    # The low picture's pixel ``first`` begins where the photo's pixel ``start`` does.
    moves = [round(float(way) * scale) for way in shift]
    first = [max(0, math.ceil(move / scale)) for move in moves]
    start = [low_px * scale - move for low_px, move in zip(first, moves, strict=True)]
    ends = zip(
        (high.shape[1], high.shape[0]), (low.shape[1], low.shape[0]), start, first, strict=True
    )
    width, height = (min((most - begin) // scale, least - at) for most, least, begin, at in ends)
    inner = matrix.copy()
    inner[:, 2] = matrix @ (start[0] / scale, start[1] / scale, 1)
    rest = inner - ((0, 0, first[0]), (0, 0, first[1]))
    left = largest_move(rest, (width, height))
    margin = math.ceil(left) + 1 if left > LEFT_ALONE_PX else 0
    if min(width, height) <= 2 * margin:
        return "they share too little; give pictures of the same thing"
    if margin:
        cv2 = load_opencv()
        flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
        warped = cv2.warpAffine(low, inner, (width, height), None, flags, cv2.BORDER_REPLICATE)
        small = np.asarray(warped, np.uint8)
    else:
        small = low[first[1] : first[1] + height, first[0] : first[0] + width]
    inside = slice(margin, height - margin), slice(margin, width - margin)
    large = high[start[1] : start[1] + scale * height, start[0] : start[0] + scale * width]
    wide = (slice(scale * part.start, scale * part.stop) for part in inside)
    return Pair(np.ascontiguousarray(large[tuple(wide)]), np.ascontiguousarray(small[inside]))
