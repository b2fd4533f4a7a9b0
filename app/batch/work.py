"""What is done to one file: read it, fill or upscale it or both, write it.

Each kind of work is one class, so that ``app.batch.pipeline`` knows neither masks nor scales. What can be
seen to be wrong before any work is raised by ``prepare``; what is wrong with one file, by its steps:
``read``, ``restore`` and ``write``, which ``app.batch.pipeline`` does for several files at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from remend.app.batch.estimate import (
    PROGRAM_BYTES,
    Cost,
    fill_cost,
    refuse_if_too_large,
    upscale_cost,
)
from remend.app.batch.plan import Job, Plan, name_masks
from remend.app.batch.target_size import TargetSize
from remend.app.engine.catalogue import (
    default_fill_model,
    default_upscale_model,
    find_model,
    hash_weights,
)
from remend.app.engine.memory import format_size
from remend.app.engine.model_pool import ModelPool
from remend.models.errors import InputError, RequestError
from remend.models.imaging.encode import SUFFIX_FORMATS
from remend.models.imaging.files import (
    read_header,
    read_mask,
    read_picture,
    read_size,
    write_picture,
)
from remend.models.imaging.picture import Mask, Picture
from remend.models.inference.inpainter import check_mask
from remend.models.inference.regions import plan_regions
from remend.models.inference.restorer import FillOptions, UpscaleOptions
from remend.models.inference.upscaler import SMALLEST_TILE_PX, TILE_PX
from remend.models.progress import Progress
from remend.models.storage.atomic import write_atomic
from remend.models.storage.remote import AnyPath


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """How outputs are written: quality of JPEG and WebP (1 to 100), and whether metadata is kept."""

    quality: int = 95
    keep_metadata: bool = True

    def __post_init__(self) -> None:
        """Refuse a quality out of range."""
        if not 1 <= self.quality <= 100:
            raise RequestError(f"--quality {self.quality} is out of range; choose 1 to 100.")

    def save(self, picture: Picture, path: AnyPath) -> tuple[str, ...]:
        """Write a picture; returns what the format could not hold."""
        return write_picture(picture, path, quality=self.quality, keep_metadata=self.keep_metadata)


@dataclass(frozen=True, slots=True)
class LoadedPhoto:
    """What was read for a job: its photo, its mask, and how it is to be tiled."""

    picture: Picture
    mask: Mask | None = None
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class RestoredPhoto:
    """What is to be written: a picture, or a copy of the photo's file where nothing was changed."""

    picture: Picture
    unchanged: bool = False


class Work(Protocol):
    """One kind of work on files."""

    @property
    def devices(self) -> int:
        """How many files can go through networks at the same time."""
        ...

    def prepare(self, plan: Plan) -> None:
        """Load the weights, and look at the one input where there is but one.

        Raises:
            RequestError: What can be seen to be wrong before any work.
        """
        ...

    def settings(self, job: Job) -> Mapping[str, Any]:
        """All that decides the output beside the photo itself, as plain values."""
        ...

    def cost(self, job: Job, *, timed: bool = False) -> Cost:
        """What the job will take; its seconds only where ``timed``.

        Raises:
            InputError: The photo cannot be read, or cannot fit into memory.
        """
        ...

    def read(self, job: Job) -> LoadedPhoto:
        """Read what the job needs; raises a RemendError where it cannot be read."""
        ...

    def restore(self, material: LoadedPhoto, progress: Progress) -> RestoredPhoto:
        """Make the picture; raises a RemendError, or Cancelled where the user wants an end."""
        ...

    def write(self, made: RestoredPhoto, job: Job) -> tuple[str, ...]:
        """Write the output whole or not at all; returns notes for the person."""
        ...


class FileWork:
    """What all kinds of work on files share.

    Args:
        pool: Runs the networks.
        saving: How outputs are written.
        memory_bytes: What the whole program may take; None = no limit is looked at.
    """

    def __init__(
        self, pool: ModelPool, saving: EncodeOptions, memory_bytes: int | None = None
    ) -> None:
        self._pool, self._saving, self._memory_bytes = pool, saving, memory_bytes

    @property
    def devices(self) -> int:
        """How many files can go through networks at the same time."""
        return self._pool.devices

    def perform(self: "Work", job: Job, progress: Progress) -> tuple[str, ...]:
        """Make one output, one step after the other; returns notes for the person."""
        return self.write(self.restore(self.read(job), progress), job)

    def write(self, made: RestoredPhoto, job: Job) -> tuple[str, ...]:
        """Write the output; an unchanged photo as the file it was, where that is the same format."""
        job.output.parent.mkdir(parents=True, exist_ok=True)
        notes = made.picture.meta.notes
        same = made.picture.meta.source_format == SUFFIX_FORMATS[job.output.suffix.lower()]
        if made.unchanged and same and self._saving.keep_metadata:
            write_atomic(job.source.read_bytes(), job.output)  # encoding again would change pixels
            return notes
        return notes + self._saving.save(made.picture, job.output)


class FillWork(FileWork):
    """Fills each photo under its mask.

    Args:
        pool: Runs the network.
        model: Name or path of the weights; None = the default.
        options: Of the restorer.
        strength: Of an adapter in the weights, 0 to 1.
        invert: White = keep.
        grow_px: Pixels by which masks grow on every side; negative = shrink.
        saving: How outputs are written.
        memory_bytes: As for ``FileWork``.
    """

    def __init__(
        self,
        pool: ModelPool,
        model: str | None,
        options: FillOptions,
        *,
        strength: float = 1.0,
        invert: bool = False,
        grow_px: int = 0,
        saving: EncodeOptions,
        memory_bytes: int | None = None,
    ) -> None:
        super().__init__(pool, saving, memory_bytes)
        self._options, self._strength = options, strength
        self._invert, self._grow_px = invert, grow_px
        self._model = find_model(model or default_fill_model(), "fill").absolute()

    def prepare(self, plan: Plan) -> None:
        """Load the weights; check the mask of a single photo."""
        self._pool.inpainter(self._model, strength=self._strength)
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

    def cost(self, job: Job, *, timed: bool = False) -> Cost:
        """What the job will take; the masks are only read where ``timed``."""
        seconds = 0.0
        if timed:
            regions = plan_regions(self._read_mask(job))
            pixels = sum(r.crop.width * r.crop.height / r.reduction**2 for r in regions)
            seconds = (
                pixels * self._pool.inpainter(self._model, strength=self._strength).pixel_seconds
            )
        cost = fill_cost(read_header(job.source), job.output, seconds)
        refuse_if_too_large(cost, self._memory_bytes)
        return cost

    def read(self, job: Job) -> LoadedPhoto:
        """Read photo and mask."""
        self.cost(job)
        return LoadedPhoto(read_picture(job.source), self._read_mask(job))

    def restore(self, material: LoadedPhoto, progress: Progress) -> RestoredPhoto:
        """Fill."""
        assert material.mask is not None
        filled = self._pool.fill(
            material.picture,
            material.mask,
            self._model,
            self._options,
            progress,
            strength=self._strength,
        )
        return RestoredPhoto(filled, unchanged=material.mask.is_empty)

    def _read_mask(self, job: Job) -> Mask:
        if job.mask is None:
            raise InputError(f"There is no mask for it; {name_masks(job.source)}.")
        return read_mask(job.mask, invert=self._invert).grown(self._grow_px)


class UpscaleWork(FileWork):
    """Enlarges each photo.

    Args:
        pool: Runs the network.
        model: Name or path of the weights; None = the default for the factor.
        target: How large.
        detail: 0 = faithful, 1 = the refine stage in full; None = the restorer's default.
        strength: Of an adapter in the weights, 0 to 1.
        denoise: 0 = noise is kept, 1 = all is taken away; None = the restorer's default.
        tta: As for ``UpscaleOptions``.
        tile_px: As for ``UpscaleOptions``.
        saving: How outputs are written.
        memory_bytes: As for ``FileWork``; where tiles of ``tile_px`` do not fit, they get smaller.
    """

    def __init__(
        self,
        pool: ModelPool,
        model: str | None,
        target: TargetSize,
        *,
        detail: float | None = None,
        strength: float = 1.0,
        denoise: float | None = None,
        tta: bool = False,
        tile_px: int | None = None,
        saving: EncodeOptions,
        memory_bytes: int | None = None,
    ) -> None:
        super().__init__(pool, saving, memory_bytes)
        self._target, self._strength = target, strength
        asked = {"detail": detail, "denoise": denoise, "tta": tta, "tile_px": tile_px}
        self._options = UpscaleOptions(**{k: v for k, v in asked.items() if v is not None})  # pyright: ignore[reportArgumentType]
        self._model = find_model(model, "upscale").absolute() if model else None

    def prepare(self, plan: Plan) -> None:
        """Load the weights; check the size of a single photo's result."""
        for model in self._models_for(plan.jobs):
            self._pool.upscaler(model, strength=self._strength)
        if not plan.is_batch:
            with suppress(InputError):
                size = read_size(plan.jobs[0].source)
                try:
                    self._target.scale_for(size)
                    self.cost(plan.jobs[0])
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

    def _model_for_file(self, photo: AnyPath) -> Path:
        return self._model_for((1, 1) if self._is_fixed else read_size(photo))

    def _model_for(self, size: tuple[int, int]) -> Path:
        if self._model is not None:
            return self._model
        return find_model(default_upscale_model(self._target.scale_for(size)), "upscale")

    def settings(self, job: Job) -> Mapping[str, Any]:
        """What decides the output."""
        options = asdict(self._options)
        del options["size"]
        return {
            "work": "upscale",
            "model": hash_weights(self._model_for_file(job.source)),
            "strength": self._strength,
            **options,
            **asdict(self._target),
            **asdict(self._saving),
        }

    def cost(self, job: Job, *, timed: bool = False) -> Cost:
        """What the job will take, in tiles so small that it fits where that helps."""
        header = read_header(job.source)
        upscaler = self._pool.upscaler(self._model_for(header.size), strength=self._strength)
        size = self._target.size_for(header.size)
        width, height = header.size
        seconds = width * height * upscaler.pixel_seconds if timed else 0.0
        seconds *= 8 if self._options.tta else 1
        cost = None
        for tile_px in self._tile_sides(max(header.size)):
            cost = upscale_cost(
                header, upscaler.card.scale, size, job.output, upscaler.tile_bytes(tile_px), seconds
            )
            if self._memory_bytes is None or self._fits(cost):
                return self._with_tile(cost, tile_px, max(header.size))
        assert cost is not None
        refuse_if_too_large(cost, self._memory_bytes)
        return cost

    def _tile_sides(self, longest: int) -> Iterator[int]:
        """The tile's side that was asked for (no longer than the photo), its half, its quarter, ..."""
        asked = TILE_PX if self._options.tile_px is None else self._options.tile_px or longest
        yield min(asked, longest)
        while (asked := asked // 2) >= SMALLEST_TILE_PX:
            if asked < longest:
                yield asked

    def _fits(self, cost: Cost) -> bool:
        limit = self._memory_bytes
        return limit is None or cost.memory_bytes + PROGRAM_BYTES <= limit

    def _with_tile(self, cost: Cost, tile_px: int, longest: int) -> Cost:
        if tile_px == next(self._tile_sides(longest)):
            return cost
        limit = format_size(self._memory_bytes or 0)
        note = f"Tiles of {tile_px} px were used, smaller ones than usual, to stay within {limit}."
        return replace(cost, tile_px=tile_px, note=note)

    def read(self, job: Job) -> LoadedPhoto:
        """Read the photo."""
        cost = self.cost(job)
        return LoadedPhoto(read_picture(job.source), cost=cost)

    def restore(self, material: LoadedPhoto, progress: Progress) -> RestoredPhoto:
        """Enlarge."""
        picture, cost = material.picture, material.cost
        options = replace(self._options, size=self._target.size_for(picture.size))
        if cost and cost.tile_px:
            options = replace(options, tile_px=cost.tile_px)
            notes = (*picture.meta.notes, cost.note)
            picture = replace(picture, meta=replace(picture.meta, notes=notes))
        model = self._model_for(picture.size)
        strength = self._strength
        return RestoredPhoto(
            self._pool.upscale(picture, model, options, progress, strength=strength)
        )
