"""The loaded restorers, behind one lock: what the page, the commands and a batch all work with.

Networks are loaded at first use and the last few are kept. One picture is restored at a time, since two
at once would only share the processor and double the memory; whoever waits can still cancel. No file is
read or written here.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from remend.app.engine.catalogue import find_model
from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.models.imaging.picture import Mask, Picture
from remend.models.inference.restorer import (
    FilledPatch,
    FillOptions,
    Inpainter,
    UpscaleOptions,
    Upscaler,
    load_restorer,
)
from remend.models.progress import NO_PROGRESS, Progress

_WAIT_SECONDS = 0.2


class Workshop:
    """Restorers on one device, shared by threads.

    Args:
        placement: Device and precision of every network.
        keep: How many loaded networks are kept; the one unused for longest goes first.
    """

    def __init__(self, placement: Placement, keep: int = 3) -> None:
        self.placement = placement
        self._keep = keep
        self._loaded: OrderedDict[tuple[Path, int, int, float], Inpainter | Upscaler] = (
            OrderedDict()
        )
        self._lock = threading.RLock()

    def __reduce__(self) -> tuple[type["Workshop"], tuple[Placement, int]]:
        """Networks and locks do not travel: another process loads its own."""
        return Workshop, (self.placement, self._keep)

    @property
    def devices(self) -> int:
        """How many pictures are worked on at the same time."""
        return 1

    def inpainter(
        self, model: str | Path, progress: Progress = NO_PROGRESS, *, strength: float = 1.0
    ) -> Inpainter:
        """The restorer that fills with these weights, and ``strength`` (0 to 1) of their adapter.

        Raises:
            RequestError: Unknown name, no weights, weights for something else, or no adapter to dial.
        """
        restorer = self._load(find_model(model, "fill"), progress, strength)
        if not isinstance(restorer, Inpainter):
            raise RequestError(f"{model} cannot fill.")
        return restorer

    def upscaler(
        self, model: str | Path, progress: Progress = NO_PROGRESS, *, strength: float = 1.0
    ) -> Upscaler:
        """The restorer that enlarges with these weights; arguments and errors as ``inpainter``."""
        restorer = self._load(find_model(model, "upscale"), progress, strength)
        if not isinstance(restorer, Upscaler):
            raise RequestError(f"{model} cannot upscale.")
        return restorer

    def fill(
        self,
        picture: Picture,
        mask: Mask,
        model: str | Path,
        options: FillOptions = FillOptions(),  # noqa: B008 - frozen
        progress: Progress = NO_PROGRESS,
        *,
        strength: float = 1.0,
    ) -> Picture:
        """Fill a picture where the mask says so; errors as ``Inpainter.restore``."""
        with self._turn(progress):
            restorer = self.inpainter(model, progress, strength=strength)
            return restorer.restore(picture, mask, options, progress=progress)

    def fill_patches(
        self,
        picture: Picture,
        mask: Mask,
        model: str | Path,
        options: FillOptions = FillOptions(),  # noqa: B008 - frozen
        progress: Progress = NO_PROGRESS,
    ) -> list[FilledPatch]:
        """As ``fill``, but only the rectangles that change."""
        with self._turn(progress):
            return self.inpainter(model, progress).fill_patches(
                picture, mask, options, progress=progress
            )

    def upscale(
        self,
        picture: Picture,
        model: str | Path,
        options: UpscaleOptions = UpscaleOptions(),  # noqa: B008 - frozen
        progress: Progress = NO_PROGRESS,
        *,
        strength: float = 1.0,
    ) -> Picture:
        """Enlarge a picture; errors as ``Upscaler.restore``."""
        with self._turn(progress):
            restorer = self.upscaler(model, progress, strength=strength)
            return restorer.restore(picture, options, progress=progress)

    def _load(self, path: Path, progress: Progress, strength: float) -> Inpainter | Upscaler:
        stat = path.stat()
        key = path.resolve(), stat.st_mtime_ns, stat.st_size, strength
        with self._turn(progress):
            if key not in self._loaded:
                while len(self._loaded) >= self._keep:
                    self._loaded.popitem(last=False)
                self._loaded[key] = load_restorer(path, self.placement, strength=strength)
            self._loaded.move_to_end(key)
            return self._loaded[key]

    @contextmanager
    def _turn(self, progress: Progress) -> Iterator[None]:
        while not self._lock.acquire(timeout=_WAIT_SECONDS):
            progress.update(0, 1, "waiting for the picture before")
        try:
            yield
        finally:
            self._lock.release()
