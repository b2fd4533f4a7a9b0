"""Progressive growing: how large the pictures are after so many images, and how far they have faded in.

How a network grows is in `models.layers.growth`.
"""

from dataclasses import dataclass
from typing import NamedTuple

from remend.models.ranges import Count, GrowingCounts


class Stage(NamedTuple):
    """A moment of a growing run."""

    size: int
    """Side of the pictures, px."""
    fade: float
    """Share of the newest level of a network that grows, 0 to 1."""


@dataclass(frozen=True)
class GrowthConfig:
    """Sizes that grow while training (Karras et al. 2018).

    A network that fits every size is given larger crops; the architecture ``growing`` gets new levels,
    which fade in during the first half of their stage.
    """

    sizes: GrowingCounts = ()
    """Sides in px, such as [64, 128, 256]; empty = ``data.crop`` throughout."""
    images: tuple[Count, ...] | Count = 10_000
    """Images at each size before the last, one number for all or one for each."""

    def stage(self, images_seen: int, otherwise: int) -> Stage:
        """Where the run is; ``otherwise`` is the size where nothing grows."""
        if not self.sizes:
            return Stage(otherwise, 1.0)
        before = len(self.sizes) - 1
        images = self.images if isinstance(self.images, tuple) else (self.images,) * before
        level = 0
        while level < before and images_seen >= images[level]:
            images_seen -= images[level]
            level += 1
        if level == 0:
            return Stage(self.sizes[0], 1.0)
        # The last size has no end; it fades in as long as the one before it.
        half = images[min(level, before - 1)] / 2
        return Stage(self.sizes[level], min(1.0, images_seen / half))
