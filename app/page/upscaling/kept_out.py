"""What a visitor paints over to keep it out of the enhancement: there a photo is only enlarged.

The browser sends strokes in the photo's pixels; they become a small mask. Where it marks, Lanczos resampling
takes the place of what a network made.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image

from remend.app.batch.estimate import Cost, picture_bytes
from remend.app.batch.plan import Job
from remend.app.batch.requests import UpscaleRequest
from remend.app.batch.upscale_work import UpscaleWork
from remend.app.batch.work import LoadedPhoto, RestoredPhoto
from remend.app.engine.model_pool import ModelPool
from remend.models.errors import RequestError
from remend.models.imaging.opencv import load_opencv
from remend.models.imaging.picture import Mask, Picture, Pixels
from remend.models.inference.regions import Box
from remend.models.inference.upscaler import BILINEAR, LANCZOS, resize, spread_colours
from remend.models.progress import Progress

MOST_POINTS = 20_000
"""Of all strokes together; a person paints some thousand."""
_LARGEST_PX = 10**6
_MASK_PX = 2048  # longest side of a mask: finer than what is painted on, and it is softened
_THICKEST_PX = 32_767  # that OpenCV draws
_SOFT_PX = 3.0
_FILTER_PX = 3  # that Lanczos reaches
_ROWS = 64  # of the result that are put together at once


@dataclass(frozen=True)
class Stroke:
    """A line of the brush or the eraser; radius and points (x, y) in the photo's pixels."""

    radius: float
    points: Sequence[tuple[float, float]]
    erases: bool = False


@dataclass(frozen=True)
class Place:
    """What the component ``place`` says: the photo that is looked at, and the strokes on each, by path."""

    looked: str = ""
    strokes: Mapping[str, Sequence[Stroke]] = field(default_factory=dict)

    def strokes_on(self, photo: str) -> Sequence[Stroke]:
        """The strokes on the photo of a path."""
        return self.strokes.get(photo, ())


def read_place(value: Any) -> Place:
    """Check what the browser sent.

    Args:
        value: ``{"looked": path, "strokes": {path: [{"radius", "erases", "points": [[x, y], ...]}]}}``,
            or None.

    Raises:
        RequestError: It is anything else, or has too many points.
    """
    if value is None:
        return Place()
    try:
        strokes = {
            str(path): [_read_stroke(stroke) for stroke in painted]
            for path, painted in dict(value["strokes"]).items()
        }
        looked = str(value["looked"])
    except (TypeError, ValueError, KeyError) as error:
        raise RequestError("What was painted did not arrive whole; reload the page.") from error
    count = sum(len(stroke.points) for painted in strokes.values() for stroke in painted)
    if count > MOST_POINTS:
        raise RequestError(
            f"The strokes have {count} points, and {MOST_POINTS} are possible; clear some of the paint."
        )
    return Place(looked, strokes)


def _read_stroke(sent: Any) -> Stroke:
    points = [(float(x), float(y)) for x, y in sent["points"]]
    radius = float(sent["radius"])
    numbers = [radius, *(value for point in points for value in point)]
    if not points or radius <= 0 or not all(abs(value) <= _LARGEST_PX for value in numbers):
        raise ValueError("a stroke of no points, or beyond any photo")
    return Stroke(radius, points, bool(sent["erases"]))


def draw_strokes(strokes: Sequence[Stroke], part: Box) -> Mask | None:
    """Draw strokes on a part of a photo.

    Args:
        strokes: In the photo's pixels.
        part: In the photo's pixels.

    Returns:
        A soft mask of the part's shape, its longer side 2048 pixels at most: 255 = only enlarged. None where
        nothing is painted.
    """
    factor = min(1.0, _MASK_PX / max(part.width, part.height))
    width, height = (max(1, round(length * factor)) for length in (part.width, part.height))
    values = np.zeros((height, width), np.uint8)
    cv2 = load_opencv()
    for stroke in strokes:
        places = (np.asarray(stroke.points) - (part.left, part.top)) * factor
        places = places.round().astype(np.int32).reshape(-1, 1, 2)
        thickness = round(min(max(2 * stroke.radius * factor, 1), _THICKEST_PX))
        line = places if len(places) > 1 else np.repeat(places, 2, 0)
        cv2.polylines(values, [line], False, (0 if stroke.erases else 255,), thickness)
    if not values.any():
        return None
    softness = max(1.0, _SOFT_PX * factor)
    return Mask(np.asarray(cv2.GaussianBlur(values, (0, 0), softness), np.uint8))


def keep_plain(enlarged: Picture, photo: Picture, mask: Mask) -> Picture:
    """Put the photo, only enlarged, over what a network made of it, as far as a mask says so.

    Args:
        enlarged: What was made.
        photo: What it was made of.
        mask: Of the photo's shape, at any size; 255 = only enlarged.

    Returns:
        A new picture of the same size.
    """
    source = photo.rgb if photo.alpha is None else spread_colours(photo.rgb, photo.alpha)
    rgb = np.array(enlarged.rgb)
    for top in range(0, enlarged.height, _ROWS):
        bottom = min(top + _ROWS, enlarged.height)
        shares = top / enlarged.height, bottom / enlarged.height
        size = (enlarged.width, bottom - top)
        weight = _resize_rows(mask.values, shares, size, BILINEAR)
        if weight.any():
            plain = _resize_rows(source, shares, size, LANCZOS)
            weight = weight[..., None].astype(np.float32) / 255
            rgb[top:bottom] = (rgb[top:bottom] * (1 - weight) + plain * weight).round()
    return replace(enlarged, rgb=rgb)


def _resize_rows(
    values: Pixels, shares: tuple[float, float], size: tuple[int, int], kind: Image.Resampling
) -> Pixels:
    """The rows between two shares of the height, at another size."""
    height, width = values.shape[:2]
    first, last = (share * height for share in shares)
    reach = math.ceil(_FILTER_PX * max(1.0, (last - first) / size[1])) + 1
    start, end = max(0, math.floor(first) - reach), min(height, math.ceil(last) + reach)
    return resize(values[start:end], size, kind, (0, first - start, width, last - start))


class KeepingWork(UpscaleWork):
    """Enlarges each photo, and keeps what is painted over out of the enhancement.

    Args:
        pool: Runs the network.
        request: How photos are enlarged.
        place: What is painted, by photo.
        memory_bytes: As for ``UpscaleWork``.
    """

    def __init__(
        self,
        pool: ModelPool,
        request: UpscaleRequest,
        place: Place,
        memory_bytes: int | None = None,
    ) -> None:
        super().__init__(pool, request, memory_bytes=memory_bytes)
        self._place = place

    def cost(self, job: Job, *, timed: bool = False) -> Cost:
        """With the copy of the result into which the photo is put."""
        cost = super().cost(job, timed=timed)
        if not self._strokes(job):
            return cost
        copy = picture_bytes(self.files.header(job), cost.size)
        return replace(cost, memory_bytes=cost.memory_bytes + copy)

    def read(self, job: Job) -> LoadedPhoto:
        """Read the photo and draw what is painted over it."""
        loaded = super().read(job)
        mask = draw_strokes(self._strokes(job), Box(0, 0, *loaded.picture.size))
        return replace(loaded, mask=mask)

    def restore(self, material: LoadedPhoto, progress: Progress) -> RestoredPhoto:
        """Enlarge, then keep out."""
        made = super().restore(material, progress)
        if material.mask is None:
            return made
        return replace(made, picture=keep_plain(made.picture, material.picture, material.mask))

    def _strokes(self, job: Job) -> Sequence[Stroke]:
        return self._place.strokes_on(str(job.source))
