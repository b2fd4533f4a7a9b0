"""What photos will become and take, before any work: pixels, bytes, seconds."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from remend.app.batch.estimate import file_bytes
from remend.app.batch.requests import UpscaleRequest
from remend.app.engine.memory import format_size
from remend.app.engine.model_pool import ModelPool
from remend.app.page.i18n import format_message, spell_seconds
from remend.app.page.status import explain
from remend.app.page.upscaling.upscale_service import check_sizes, name_outputs
from remend.models.errors import RemendError
from remend.models.imaging.files import read_header
from remend.models.imaging.picture import Picture
from remend.models.inference.restorer import UpscaleOptions
from remend.models.progress import Progress

_SIDE_PX = 64  # of the small picture: a fifth of a second on two cores

Size = tuple[int, int]


@dataclass(frozen=True)
class Sized:
    """A photo that can be upscaled.

    Attributes:
        path: Its file.
        size: Width and height.
        larger: Those of its result.
    """

    path: Path
    size: Size
    larger: Size


def size_photos(
    paths: Sequence[str], asked: UpscaleRequest, max_megapixels: float, language: str
) -> tuple[list[Sized], list[str]]:
    """The photos that can be upscaled, and what is wrong with the others, in words."""
    good: list[Sized] = []
    wrong: list[str] = []
    for path in map(Path, paths):
        try:
            good.append(Sized(path, *check_sizes(path, asked.target, max_megapixels)))
        except RemendError as error:
            wrong.append(explain(error, language))
    return good, wrong


def describe_sizes(photos: Sequence[Sized], language: str) -> str:
    """What the photos will become, in a sentence."""
    if len(photos) == 1:
        (width, height), (across, down) = photos[0].size, photos[0].larger
        values = {"width": width, "height": height, "across": across, "down": down}
        return format_message(language, "size_says", name=photos[0].path.name, **values)
    megapixels = f"{sum(math.prod(photo.larger) for photo in photos) / 1e6:.1f}"
    return format_message(language, "sizes_say", count=len(photos), megapixels=megapixels)


class Forecast:
    """Remembers how quick each model is here; the first question about one runs a small picture.

    Args:
        pool: The models.
    """

    def __init__(self, pool: ModelPool) -> None:
        self._pool = pool
        self._paces: dict[tuple[Path, bool], float] = {}

    def describe(
        self,
        photos: Sequence[Sized],
        asked: UpscaleRequest,
        file_format: str,
        language: str,
        measuring: Progress | None = None,
    ) -> str:
        """Megapixels, bytes and, where it is known or may be measured, seconds of all results.

        Args:
            photos: What is to be upscaled.
            asked: What to make of it.
            file_format: Of the results, as for ``Naming``.
            language: Of the sentence.
            measuring: Can end the measuring; None = nothing may be measured.
        """
        values = {
            "megapixels": f"{sum(math.prod(photo.larger) for photo in photos) / 1e6:.1f}",
            "bytes": format_size(_count_bytes(photos, asked, file_format)),
        }
        seconds = self._seconds(photos, asked, measuring)
        if seconds is None:
            return format_message(language, "forecast_size", **values)
        values["seconds"] = spell_seconds(seconds, language)
        return format_message(language, "forecast", **values)

    def learn(self, photo: Sized, asked: UpscaleRequest, seconds: float) -> None:
        """Remember how many seconds a pixel of such a photo takes; a larger part says it best."""
        self._paces[asked.weights_for(photo.size), asked.options.detail > 0] = seconds

    def _seconds(
        self, photos: Sequence[Sized], asked: UpscaleRequest, measuring: Progress | None
    ) -> float | None:
        total = 0.0
        for photo in photos:
            weights, options = asked.weights_for(photo.size), asked.options
            key = (weights, options.detail > 0)
            if key not in self._paces:
                if measuring is None:
                    return None
                self._paces[key] = self._measure(weights, options, measuring)
            total += self._paces[key] * math.prod(photo.size)
        return total

    def _measure(self, weights: Path, options: UpscaleOptions, progress: Progress) -> float:
        """Seconds to a pixel."""
        dice = np.random.default_rng(0)
        small = Picture(dice.integers(0, 256, (_SIDE_PX, _SIDE_PX, 3)).astype(np.uint8))
        self._pool.upscaler(weights)  # the time to load it says nothing of the whole
        start = time.monotonic()
        self._pool.upscale(small, weights, options, progress)
        return (time.monotonic() - start) / _SIDE_PX**2


def _count_bytes(photos: Sequence[Sized], asked: UpscaleRequest, file_format: str) -> int:
    jobs = name_outputs([photo.path for photo in photos], asked.target, file_format, Path())
    pairs = zip(photos, jobs, strict=True)
    return sum(file_bytes(read_header(one.path), one.larger, job.output) for one, job in pairs)
