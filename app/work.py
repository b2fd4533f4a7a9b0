"""What is done to one file: read it, fill or upscale it, write it.

Each kind of work is one class, so that ``app.batch`` knows neither masks nor scales. What can be seen to
be wrong before any work is raised by ``prepare``; what is wrong with one file, by ``perform``.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from app.catalogue import default_fill_model, default_upscale_model, find_model, hash_weights
from app.jobs import Job, Plan, name_masks
from app.sizes import TargetSize
from app.workshop import Workshop
from models.errors import InputError, RequestError
from models.image_encode import SUFFIX_FORMATS
from models.image_files import read_mask, read_picture, read_size, write_picture
from models.inpainter import check_mask
from models.picture import Mask, Picture
from models.restorer import FillOptions, UpscaleOptions
from models.watch import Watch
from models.whole_file import save_whole


@dataclass(frozen=True, slots=True)
class Saving:
    """How outputs are written: quality of JPEG and WebP (1 to 100), and whether metadata is kept."""

    quality: int = 95
    keep_metadata: bool = True

    def __post_init__(self) -> None:
        """Refuse a quality out of range."""
        if not 1 <= self.quality <= 100:
            raise RequestError(f"--quality {self.quality} is out of range; choose 1 to 100.")

    def save(self, picture: Picture, path: Path) -> tuple[str, ...]:
        """Write a picture; returns what the format could not hold."""
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_picture(picture, path, quality=self.quality, keep_metadata=self.keep_metadata)


class Work(Protocol):
    """One kind of work on files."""

    def prepare(self, plan: Plan) -> None:
        """Load the weights, and look at the one input where there is but one.

        Raises:
            RequestError: What can be seen to be wrong before any work.
        """
        ...

    def settings(self, job: Job) -> Mapping[str, Any]:
        """All that decides the output beside the photo itself, as plain values."""
        ...

    def perform(self, job: Job, watch: Watch) -> tuple[str, ...]:
        """Make the output; returns notes for the person.

        Raises:
            RemendError: This file cannot be processed.
            Cancelled: The watch wants an end; nothing was written.
        """
        ...


class FillWork:
    """Fills each photo under its mask.

    Args:
        workshop: Runs the network.
        model: Name or path of the weights; None = the default.
        options: Of the restorer.
        strength: Of an adapter in the weights, 0 to 1.
        invert: White = keep.
        grow_px: Pixels by which masks grow on every side; negative = shrink.
        saving: How outputs are written.
    """

    def __init__(
        self,
        workshop: Workshop,
        model: str | None,
        options: FillOptions,
        *,
        strength: float = 1.0,
        invert: bool = False,
        grow_px: int = 0,
        saving: Saving,
    ) -> None:
        self._workshop, self._options, self._saving = workshop, options, saving
        self._invert, self._grow_px, self._strength = invert, grow_px, strength
        self._model = find_model(model or default_fill_model(), "fill")

    def prepare(self, plan: Plan) -> None:
        """Load the weights; check the mask of a single photo."""
        self._workshop.inpainter(self._model, strength=self._strength)
        if plan.is_batch:
            return
        (job,) = plan.jobs
        with suppress(InputError):  # a file that cannot be read fails when its turn comes
            check_mask(self._read_mask(job), read_size(job.source))

    def settings(self, job: Job) -> Mapping[str, Any]:
        """What decides the output."""
        stat = job.mask.stat() if job.mask else None
        return {
            "work": "fill",
            "model": hash_weights(self._model),
            "strength": self._strength,
            "mask": (str(job.mask), stat.st_size, stat.st_mtime_ns) if stat else None,
            "invert": self._invert,
            "grow": self._grow_px,
            **asdict(self._options),
            **asdict(self._saving),
        }

    def perform(self, job: Job, watch: Watch) -> tuple[str, ...]:
        """Read photo and mask, fill, write."""
        picture, mask = read_picture(job.source), self._read_mask(job)
        filled = self._workshop.fill(
            picture, mask, self._model, self._options, watch, strength=self._strength
        )
        same_format = picture.meta.source_format == SUFFIX_FORMATS[job.output.suffix.lower()]
        if mask.is_empty and same_format and self._saving.keep_metadata:
            job.output.parent.mkdir(parents=True, exist_ok=True)
            save_whole(job.source.read_bytes(), job.output)  # encoding again would change pixels
            return filled.meta.notes
        return filled.meta.notes + self._saving.save(filled, job.output)

    def _read_mask(self, job: Job) -> Mask:
        if job.mask is None:
            raise InputError(f"There is no mask for it; {name_masks(job.source)}.")
        return read_mask(job.mask, invert=self._invert).grown(self._grow_px)


class UpscaleWork:
    """Enlarges each photo.

    Args:
        workshop: Runs the network.
        model: Name or path of the weights; None = the default for the factor.
        target: How large.
        detail: 0 = faithful, 1 = the refine stage in full; None = the restorer's default.
        strength: Of an adapter in the weights, 0 to 1.
        tile_px: As for ``UpscaleOptions``.
        saving: How outputs are written.
    """

    def __init__(
        self,
        workshop: Workshop,
        model: str | None,
        target: TargetSize,
        *,
        detail: float | None = None,
        strength: float = 1.0,
        tile_px: int | None = None,
        saving: Saving,
    ) -> None:
        self._workshop, self._target, self._saving = workshop, target, saving
        self._detail, self._strength, self._tile_px = detail, strength, tile_px
        self._model = find_model(model, "upscale") if model else None

    def prepare(self, plan: Plan) -> None:
        """Load the weights; check the size of a single photo's result."""
        for model in self._models_for(plan.jobs):
            self._workshop.upscaler(model, strength=self._strength)
        if not plan.is_batch:
            with suppress(InputError):
                size = read_size(plan.jobs[0].source)
                try:
                    self._target.scale_for(size)
                except InputError as error:
                    raise RequestError(str(error)) from error

    def _models_for(self, jobs: Sequence[Job]) -> set[Path]:
        models: set[Path] = set()
        for job in jobs[:1] if self._is_fixed else jobs:
            with suppress(InputError):
                models.add(self._model_for_file(job.source))
        return models

    @property
    def _is_fixed(self) -> bool:
        """Whether the model is the same for all photos."""
        return self._model is not None or self._target.fixed_scale is not None

    def _model_for_file(self, photo: Path) -> Path:
        return self._model_for((1, 1) if self._is_fixed else read_size(photo))

    def _model_for(self, size: tuple[int, int]) -> Path:
        if self._model is not None:
            return self._model
        return find_model(default_upscale_model(self._target.scale_for(size)), "upscale")

    def settings(self, job: Job) -> Mapping[str, Any]:
        """What decides the output."""
        return {
            "work": "upscale",
            "model": hash_weights(self._model_for_file(job.source)),
            "strength": self._strength,
            "detail": self._detail,
            "tile": self._tile_px,
            **asdict(self._target),
            **asdict(self._saving),
        }

    def perform(self, job: Job, watch: Watch) -> tuple[str, ...]:
        """Read the photo, enlarge it, write it."""
        picture = read_picture(job.source)
        model, size = self._model_for(picture.size), self._target.size_for(picture.size)
        detail = {} if self._detail is None else {"detail": self._detail}
        options = UpscaleOptions(size=size, tile_px=self._tile_px, **detail)
        enlarged = self._workshop.upscale(picture, model, options, watch, strength=self._strength)
        del picture
        return enlarged.meta.notes + self._saving.save(enlarged, job.output)
