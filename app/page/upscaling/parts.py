"""Parts of photos, upscaled to be judged and compared; the last ones are remembered.

Two settings can be compared without computing either twice: only what was never made is made.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from remend.app.batch.requests import UpscaleRequest
from remend.app.engine.model_pool import ModelPool
from remend.app.page.guards.memory import CHANGING_BYTES, MemoryBudget
from remend.app.page.uploads import current_visitor
from remend.app.page.upscaling.crop import cut_part
from remend.app.page.upscaling.forecast import Sized
from remend.models.imaging.files import read_picture
from remend.models.imaging.picture import Picture
from remend.models.progress import Progress

_MOST_KEPT = 16  # a part enlarged eight times has 1 megapixel

_Thing = TypeVar("_Thing")


@dataclass(frozen=True)
class Part:
    """A part of a photo before and after, and the seconds that it took."""

    before: Picture
    after: Picture
    seconds: float


class Parts:
    """Upscales parts of photos.

    Args:
        pool: The models.
        max_megapixels: Larger photos are refused.
        budget: Of memory, for decoding a photo.
    """

    def __init__(self, pool: ModelPool, max_megapixels: float, budget: MemoryBudget) -> None:
        self._pool, self._max_megapixels, self._budget = pool, max_megapixels, budget
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def upscale(
        self, photo: Sized, asked: UpscaleRequest, place: tuple[float, float], progress: Progress
    ) -> Part:
        """Upscale a part as the whole would be, unless that was done before.

        Args:
            photo: What it is a part of.
            asked: What to make of it.
            place: ``across`` and ``down`` as for ``find_part``.
            progress: Can end the work.

        Raises:
            RemendError: The photo cannot be read, or there is no such model.
        """
        weights = asked.weights_for(photo.size)
        options = asked.options_for(photo.size)
        key = photo.path, place, weights, weights.stat().st_mtime_ns, options

        def make() -> Part:
            before = self._keep((photo.path, place), lambda: self._cut(photo, place, progress))
            scale = asked.target.scale_for(photo.size)
            size = (round(before.width * scale), round(before.height * scale))
            self._pool.upscaler(weights)  # the time to load it says nothing of the whole
            start = time.monotonic()
            after = self._pool.upscale(before, weights, replace(options, size=size), progress)
            return Part(before, after, time.monotonic() - start)

        return self._keep(key, make)

    def _cut(self, photo: Sized, place: tuple[float, float], progress: Progress) -> Picture:
        needed = CHANGING_BYTES * math.prod(photo.size)
        with self._budget.hold(needed, current_visitor(), progress):
            picture = read_picture(photo.path, max_megapixels=self._max_megapixels)
            return cut_part(picture, *place)

    def _keep(self, key: Hashable, make: Callable[[], _Thing]) -> _Thing:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return made
