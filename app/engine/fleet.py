"""Several workshops, one for each GPU, behind the face of one.

A picture goes to the first that is free; each keeps its own copy of the networks. With one device there is
no fleet: ``app.engine.workshop`` serves alone.
"""

import queue
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from remend.app.engine.workshop import Workshop
from remend.models.device import Placement
from remend.models.imaging.picture import Mask, Picture
from remend.models.inference.restorer import FillOptions, Inpainter, UpscaleOptions, Upscaler
from remend.models.progress import NO_PROGRESS, Progress


class Fleet:
    """Workshops that share the work.

    Args:
        workshops: Each on a device of its own; pictures come out the same whichever takes them only
            where the devices are alike.
    """

    def __init__(self, workshops: Sequence[Workshop]) -> None:
        self._workshops = tuple(workshops)
        self._idle: queue.LifoQueue[Workshop] = queue.LifoQueue()
        for workshop in reversed(self._workshops):
            self._idle.put(workshop)

    def __reduce__(self) -> tuple[type[Workshop], tuple[Placement]]:
        """Elsewhere, as on a cluster, each process has one device."""
        return Workshop, (self._workshops[0].placement,)

    @property
    def devices(self) -> int:
        """How many pictures are worked on at the same time."""
        return len(self._workshops)

    def inpainter(
        self, model: str | Path, progress: Progress = NO_PROGRESS, *, strength: float = 1.0
    ) -> Inpainter:
        """As ``Workshop.inpainter``; loads it on every device."""
        first, *_ = [
            workshop.inpainter(model, progress, strength=strength) for workshop in self._workshops
        ]
        return first

    def upscaler(
        self, model: str | Path, progress: Progress = NO_PROGRESS, *, strength: float = 1.0
    ) -> Upscaler:
        """As ``Workshop.upscaler``; loads it on every device."""
        first, *_ = [
            workshop.upscaler(model, progress, strength=strength) for workshop in self._workshops
        ]
        return first

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
        """As ``Workshop.fill``, on a device that is free."""
        with self._one() as workshop:
            return workshop.fill(picture, mask, model, options, progress, strength=strength)

    def upscale(
        self,
        picture: Picture,
        model: str | Path,
        options: UpscaleOptions = UpscaleOptions(),  # noqa: B008 - frozen
        progress: Progress = NO_PROGRESS,
        *,
        strength: float = 1.0,
    ) -> Picture:
        """As ``Workshop.upscale``, on a device that is free."""
        with self._one() as workshop:
            return workshop.upscale(picture, model, options, progress, strength=strength)

    @contextmanager
    def _one(self) -> Iterator[Workshop]:
        workshop = self._idle.get()
        try:
            yield workshop
        finally:
            self._idle.put(workshop)
