"""Which parts of a photo a fill reads and changes: a plan of crops around the holes of a mask.

A network sees at most ``WORK_PX`` pixels a side, so holes are filled crop by crop. How far a crop must
be reduced depends on how *thick* its hole is, not on how long: a scratch across a large photo is
filled in several crops at full size, a large blob in one reduced crop. Nothing here runs a network.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from remend.models.imaging.opencv import load_opencv
from remend.models.imaging.picture import Mask, Pixels

WORK_PX = 512
"""Longest side of a crop as the network sees it: the cost of its attention is quadratic in that."""
THICK_PX = 128
"""Thicker holes are reduced to this thickness, about the largest that training shows."""
CONTEXT_PX = 64
"""Surroundings on each side of a hole, at least, as the network sees them."""
GAP_PX = 16
"""Holes closer than this are never separated for the sake of speed."""
SIMILAR = 1.5
"""Holes that a gap separates share a crop only if none is reduced by more than this in excess."""

THICK_HOLE_PX = 64
"""From this thickness on a hole is thick, where networks for thin and for thick holes work together."""

Values = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class WorkSizes:
    """What a network that fills likes to see, in pixels as it sees them.

    Attributes:
        work_px: Longest side of a crop.
        thick_px: Thicker holes are reduced to this.
        is_fixed: Whether it sees squares of ``work_px`` only, so that a smaller crop saves nothing.
    """

    work_px: int = WORK_PX
    thick_px: int = THICK_PX
    is_fixed: bool = False


OURS = WorkSizes()


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of pixels; ``right`` and ``bottom`` are the first column and row outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def slices(self) -> tuple[slice, slice]:
        """The index of the rectangle in an array (H, W, ...)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def inside(self, outer: "Box") -> "Box":
        """The same rectangle, counted from the corner of ``outer``."""
        x, y = outer.left, outer.top
        return Box(self.left - x, self.top - y, self.right - x, self.bottom - y)


@dataclass(frozen=True, slots=True)
class Region:
    """Some holes that are filled together.

    Attributes:
        hole: The box whose missing pixels this region fills; it overlaps no other region's.
        crop: The box that the network sees, the hole and its surroundings.
        reduction: Pixels of the photo per pixel that the network sees, at least 1.
        work_px: Longest side of a crop as the network sees it.
        is_thick: Whether the network for thick holes fills it, where there are two.
    """

    hole: Box
    crop: Box
    reduction: float
    work_px: int = WORK_PX
    is_thick: bool = False

    @property
    def fits(self) -> bool:
        """Whether the network may see the crop as it is."""
        return max(self.crop.width, self.crop.height) <= self.work_px * self.reduction

    @property
    def cost(self) -> float:
        """Pixels that the network sees."""
        return self.crop.width * self.crop.height / self.reduction**2


def grow_box(box: Box, px: int, within: Box) -> Box:
    """The box with ``px`` more on each side, cut to ``within``."""
    return Box(
        max(box.left - px, within.left),
        max(box.top - px, within.top),
        min(box.right + px, within.right),
        min(box.bottom + px, within.bottom),
    )


def _widen_box(box: Box, px: int, within: Box) -> Box:
    """The box with sides of at least ``px``, or those of ``within`` where it is smaller; moved into that."""
    sides: list[tuple[int, int]] = []
    for first, last, most in (
        (box.left, box.right, within.right),
        (box.top, box.bottom, within.bottom),
    ):
        side = min(max(last - first, px), most)
        start = min(max(0, (first + last - side) // 2), most - side)
        sides.append((start, start + side))
    return Box(sides[0][0], sides[1][0], sides[0][1], sides[1][1])


def _find_bounds(values: NDArray[np.generic], within: Box) -> Box:
    """The smallest box that holds all that is not 0 in a part of an array; something must be."""
    part = values[within.slices]
    rows, columns = np.flatnonzero(part.any(1)), np.flatnonzero(part.any(0))
    return Box(
        within.left + int(columns[0]),
        within.top + int(rows[0]),
        within.left + int(columns[-1]) + 1,
        within.top + int(rows[-1]) + 1,
    )


def _find_gap(filled: NDArray[np.intp]) -> tuple[int, int]:
    """Length and middle of the longest run of numbers that a rising sequence leaves out."""
    if filled.size == 1:
        return 0, 0
    lengths = np.diff(filled) - 1
    longest = int(lengths.argmax())
    return int(lengths[longest]), int(filled[longest] + filled[longest + 1] + 1) // 2


def _find_narrowest(counts: NDArray[np.intp]) -> int:
    """Where in the middle half of a line least is filled, as near to its middle as possible."""
    middle = len(counts) // 2
    first = len(counts) // 4
    inner = counts[first : len(counts) - first]
    lowest = (inner == inner.min()).nonzero()[0] + first
    return max(1, int(lowest[np.abs(lowest - middle).argmin()]))


class _Planner:
    """The recursion behind `plan_regions`, in the part of the photo where something is missing."""

    def __init__(self, values: Values, sizes: WorkSizes, thick: WorkSizes | None) -> None:
        self.sizes, self.thick = sizes, thick
        height, width = values.shape
        self.photo = Box(0, 0, width, height)
        # With a rim of known pixels, where there is one, distances are measured to it.
        self.view = grow_box(_find_bounds(values, self.photo), 1, self.photo)
        cv2 = load_opencv()
        missing = (values[self.view.slices] > 0).astype(np.uint8)
        self.distance = np.asarray(cv2.distanceTransform(missing, cv2.DIST_L2, 3), np.float32)

    def describe(self, box: Box) -> Region:
        """The region that fills a box of the view."""
        thickness = 2.0 * float(self.distance[box.slices].max())
        is_thick = self.thick is not None and thickness >= THICK_HOLE_PX
        sizes = self.thick if self.thick is not None and is_thick else self.sizes
        most = max(1.0, max(self.photo.width, self.photo.height) / sizes.work_px)
        reduction = min(max(thickness / sizes.thick_px, 1.0), most)
        # More than half the thickness: the deepest pixel too has a known one in sight.
        context = round(max(0.75 * thickness, CONTEXT_PX * reduction))
        x, y = self.view.left, self.view.top
        hole = Box(x + box.left, y + box.top, x + box.right, y + box.bottom)
        crop = grow_box(hole, context, self.photo)
        if sizes.is_fixed:
            crop = _widen_box(crop, int(sizes.work_px * reduction), self.photo)
        return Region(hole, crop, reduction, sizes.work_px, is_thick)

    def cut(self, box: Box, *, forced: bool) -> tuple[Box, Box] | None:
        """Halve a box at its widest gap, or else, if ``forced``, where it cuts least."""
        filled = self.distance[box.slices] > 0
        row_gap, row = _find_gap(np.flatnonzero(filled.any(1)))
        column_gap, column = _find_gap(np.flatnonzero(filled.any(0)))
        across = row_gap >= column_gap
        if max(row_gap, column_gap) < GAP_PX:
            if not forced:
                return None
            across = box.height >= box.width
            row, column = _find_narrowest(filled.sum(1)), _find_narrowest(filled.sum(0))
        if across:
            first = replace(box, bottom=box.top + row)
            second = replace(box, top=box.top + row)
        else:
            first = replace(box, right=box.left + column)
            second = replace(box, left=box.left + column)
        return _find_bounds(self.distance, first), _find_bounds(self.distance, second)

    def plan(self, box: Box) -> list[Region]:
        """The cheapest regions for a box of the view, each of which fits."""
        whole = self.describe(box)
        halves = self.cut(box, forced=not whole.fits)
        if halves is None:
            return [whole]
        parts = [region for half in halves for region in self.plan(half)]
        if not whole.fits or sum(part.cost for part in parts) < whole.cost:
            return parts
        if any(part.is_thick != whole.is_thick for part in parts):
            return parts
        if whole.reduction > SIMILAR * min(part.reduction for part in parts):
            return parts
        return [whole]


def plan_regions(
    mask: Mask, sizes: WorkSizes = OURS, thick: WorkSizes | None = None
) -> list[Region]:
    """Plan how the holes of a mask are filled.

    Every missing pixel (mask > 0) lies in the hole of exactly one region. The thinnest come first:
    once filled, they are surroundings for the others.

    Args:
        mask: A mask with something missing and something known.
        sizes: Those of the network.
        thick: Those of another network, which fills the thick holes; None = there is none.
    """
    planner = _Planner(mask.values, sizes, thick)
    start = _find_bounds(planner.distance, Box(0, 0, *planner.distance.shape[::-1]))
    return sorted(planner.plan(start), key=lambda region: (region.is_thick, region.reduction))


def feather_mask(mask: Mask, px: int) -> Mask:
    """Give a mask a soft edge: outside it, values fall from 255 to 0 over ``px`` pixels."""
    if px == 0 or mask.is_empty:
        return mask
    frame = Box(0, 0, *mask.size)
    box = grow_box(_find_bounds(mask.values, frame), px, frame)
    cv2 = load_opencv()
    inside = mask.values[box.slices]
    known: Values = (inside == 0).astype(np.uint8)
    outside = cv2.distanceTransform(known, cv2.DIST_L2, 5)
    ramp = np.clip(255 * (1 - np.asarray(outside, np.float32) / (px + 1)), 0, 255)
    values = mask.values.copy()
    values[box.slices] = np.where(inside > 0, inside, ramp.round().astype(np.uint8))
    return Mask(values, mask.notes)


def composite(original: Pixels, fill: Pixels, values: Values) -> Pixels:
    """Paste a fill: all of it where the mask is 255, none of it where the mask is 0.

    Args:
        original: (h, w, 3), uint8 or uint16.
        fill: As the original.
        values: (h, w), how much of the fill is pasted, of 255.

    Returns:
        (h, w, 3) of the same type; where the mask is 0, the very bits of the original.
    """
    share = values[..., None].astype(np.float32) / 255
    mixed = (original + share * (fill.astype(np.float32) - original)).round()
    return mixed.astype(original.dtype)
