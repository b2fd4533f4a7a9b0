"""The outline of an object that somebody has circled, found by GrabCut (Rother, Kolmogorov, Blake 2004)."""

import numpy as np
from numpy.typing import NDArray

from remend.app.page.preview import preview_size, reduce_part
from remend.models.errors import RequestError
from remend.models.imaging.opencv import load_opencv
from remend.models.imaging.picture import Mask, Picture, to_8_bit
from remend.models.inference.regions import Box

MOST_POINTS = 1000
"""Of a circle that is drawn by hand; the browser thins longer ones."""

_LONGEST_PX = 256  # of what GrabCut looks at: 0.2 s for a square on one core
_ROUNDS = 3
_AROUND = 0.25  # of the circled rectangle, on each side: what the background looks like
_LEAST_SHARE = 0.02  # of the circled area; less is no object
_RIM = (
    0.012  # of the rectangle: an object's edge is soft, and what is left of it shows after a fill
)

Points = NDArray[np.float64]


def read_points(sent: object) -> Points:
    """Check what the browser sent as a closed line: 3 to ``MOST_POINTS`` pairs of finite numbers.

    Raises:
        RequestError: It is something else.
    """
    try:
        points = np.asarray(sent, np.float64)
    except (TypeError, ValueError) as error:
        raise RequestError(
            "The call's field points is not what it should be; reload the page."
        ) from error
    is_line = points.ndim == 2 and points.shape[1] == 2 and 3 <= len(points) <= MOST_POINTS
    if not is_line or not np.isfinite(points).all() or np.abs(points).max() > 1e6:
        raise RequestError("The call's field points is not what it should be; reload the page.")
    return points


def snap(picture: Picture, points: Points) -> tuple[Mask, int, int] | None:
    """Find the object within a closed line.

    Args:
        picture: The photo.
        points: Corners of the line, in the preview's pixels.

    Returns:
        A rectangle of the preview, 255 where the object is, and its left and top in the preview; None where
        nothing in the line differs from what is around it.
    """
    width, height = preview_size(picture.size)
    (left, top), (right, bottom) = points.min(0), points.max(0)
    across, down = _AROUND * (right - left) + 2, _AROUND * (bottom - top) + 2
    box = Box(
        max(0, int(left - across)), max(0, int(top - down)),
        min(width, int(right + across) + 1), min(height, int(bottom + down) + 1),
    )  # fmt: skip
    if box.width < 4 or box.height < 4:
        return None
    factor = min(1.0, _LONGEST_PX / max(box.width, box.height))
    looked_at = Box(*(int(edge * factor) for edge in (box.left, box.top, box.right, box.bottom)))
    shown = reduce_part(picture, looked_at, (int(width * factor), int(height * factor)))
    found = _cut_out(to_8_bit(shown.rgb), points * factor - (looked_at.left, looked_at.top))
    if found is None:
        return None
    opencv = load_opencv()
    rim = max(1, round(_RIM * max(found.shape))) * 2 + 1
    found = opencv.dilate(found, opencv.getStructuringElement(opencv.MORPH_ELLIPSE, (rim, rim)))
    larger = opencv.resize(found, (box.width, box.height), interpolation=opencv.INTER_LINEAR)
    return Mask.from_array(larger > 127), box.left, box.top


def _cut_out(rgb: NDArray[np.uint8], line: Points) -> NDArray[np.uint8] | None:
    """What belongs to the object, 0 or 255; nothing outside of the line does."""
    opencv = load_opencv()
    inside = np.zeros(rgb.shape[:2], np.uint8)
    opencv.fillPoly(inside, [np.round(line).astype(np.int32)], 1)
    if not inside.any() or inside.all():
        return None
    labels = np.where(inside > 0, opencv.GC_PR_FGD, opencv.GC_BGD).astype(np.uint8)
    background, object_ = np.zeros((1, 65)), np.zeros((1, 65))
    opencv.setRNGSeed(1)  # the same line finds the same object
    anywhere = (0, 0, 1, 1)  # not looked at: the labels say where
    looked_at, mode = np.ascontiguousarray(rgb), opencv.GC_INIT_WITH_MASK
    opencv.grabCut(looked_at, labels, anywhere, background, object_, _ROUNDS, mode)
    found = (labels == opencv.GC_PR_FGD) | (labels == opencv.GC_FGD)
    if found.sum() < _LEAST_SHARE * inside.sum():
        return None
    return found.astype(np.uint8) * 255
