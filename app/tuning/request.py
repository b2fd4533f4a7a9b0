"""What can be asked of a fine-tune, by the command line and by the page."""

import dataclasses
import json
import math
from pathlib import Path

from remend.app.engine.catalogue import (
    SUFFIX,
    default_fill_model,
    default_upscale_model,
    find_model,
)
from remend.models.errors import OptionError, RequestError
from remend.training.data.holes.mask_files import load_mask_files

DEFAULT_MINUTES = 20.0
MIN_MINUTES = 0.2


@dataclasses.dataclass(frozen=True, slots=True)
class FinetuneRequest:
    """What is asked of a fine-tune.

    Attributes:
        task: ``fill`` or ``upscale``.
        data: Folders, shards or photos.
        out: The weights file to write.
        parent: Name or path of the weights to start from; None = the default ones.
        minutes: Wall time in all.
        images: Images to see in all, instead.
        adapter: Train a low-rank adapter.
        texture: Teach a fill's texture too.
        resume: Continue a fine-tune that was stopped.
        settings: Changes of the recipe, each ``key.path=value``.
        validate: Folders, shards or photos to validate on, instead of a part of ``data``.
        masks: A folder of masks, or one, whose holes are trained and validated on; of a fill only.
        pairs: A folder of low-resolution pictures, called as the photos; of an upscale only.
    """

    task: str
    data: tuple[Path, ...]
    out: Path
    parent: str | None = None
    minutes: float | None = None
    images: int | None = None
    adapter: bool = False
    texture: bool = False
    resume: bool = False
    settings: tuple[str, ...] = ()
    validate: tuple[Path, ...] = ()
    masks: Path | None = None
    pairs: Path | None = None

    def __post_init__(self) -> None:
        """Refuse values that cannot be used.

        Raises:
            RequestError: One sentence about the first of them.
        """
        if self.task not in ("fill", "upscale"):
            raise RequestError(
                f"There is nothing to fine-tune called {self.task!r}; choose fill or upscale."
            )
        if self.masks is not None and self.task != "fill":
            raise OptionError("masks", self.masks, f"is for fill; {self.task} has no holes")
        if self.pairs is not None and self.task != "upscale":
            raise OptionError("pairs", self.pairs, f"is for upscale; {self.task} enlarges nothing")
        if self.out.suffix != SUFFIX:
            problem = f"is no weights file; name one that ends in {SUFFIX}"
            raise OptionError("output", self.out, problem)
        if self.out.exists():
            raise RequestError(
                f"{self.out} exists already; name another -o, or move it out of the way."
            )
        if self.minutes is not None and self.images is not None:
            raise RequestError("--minutes and --images exclude each other; name one.")
        if self.minutes is not None and not MIN_MINUTES <= self.minutes < math.inf:
            raise OptionError(
                "minutes", self.minutes, "is not possible", f"{MIN_MINUTES:g} or more"
            )
        if self.images is not None and self.images < 1:
            raise OptionError("images", self.images, "is not possible", "1 or more")

    @property
    def seconds(self) -> float | None:
        """Wall time in seconds; None where images are counted."""
        if self.images is not None:
            return None
        return 60 * (self.minutes or DEFAULT_MINUTES)

    @property
    def all_settings(self) -> tuple[str, ...]:
        """The settings with those of masks and pairs; errors as `load_mask_files`."""
        own = {"holes.masks": self.masks, "data.pairs": self.pairs}
        if self.masks is not None:
            load_mask_files(str(self.masks))
        return (
            *(f"{key}={json.dumps(str(path))}" for key, path in own.items() if path is not None),
            *self.settings,
        )

    def find_parent(self) -> Path:
        """The weights to start from; errors as ``find_model``."""
        default = default_fill_model() if self.task == "fill" else default_upscale_model(4)
        return find_model(self.parent or default, self.task)
