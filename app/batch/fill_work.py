"""Filling files: each photo under its mask, or where the program finds damage.

How a job is read, restored and written in general is ``app.batch.work``'s.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from remend.app.batch.estimate import Cost, fill_cost, refuse_if_too_large
from remend.app.batch.inputs import name_masks
from remend.app.batch.plan import Job, Plan
from remend.app.batch.requests import AUTO_MODEL, FillRequest
from remend.app.batch.work import EncodeOptions, FileWork, LoadedPhoto, RestoredPhoto
from remend.app.engine.catalogue import hash_weights
from remend.app.engine.model_pool import ModelPool
from remend.models.errors import InputError
from remend.models.imaging.mask_file import PhotoOf, write_mask
from remend.models.imaging.picture import Mask, Picture
from remend.models.inference.damage import DamageCount
from remend.models.inference.inpainter import check_mask
from remend.models.inference.restorer import Inpainter
from remend.models.progress import Progress, SubProgress

MUCH = 0.15
"""Of a photo: who has more of it marked as damage should look at the result."""


NO_THICK = "No model for thick holes is in the folder of models, so the usual one filled them too."


class FillWork(FileWork):
    """Fills each photo under its mask, or where damage is found.

    Args:
        pool: Runs the networks.
        request: How photos are filled.
        saving: How outputs are written.
        memory_bytes: What the whole program may take; None = no limit is looked at.

    Raises:
        RequestError: There are no such weights.
    """

    def __init__(
        self,
        pool: ModelPool,
        request: FillRequest,
        saving: EncodeOptions = EncodeOptions(),  # noqa: B008 - frozen
        memory_bytes: int | None = None,
    ) -> None:
        super().__init__(pool, saving, memory_bytes)
        self._request, self._weights = request, request.weights
        self._damage_weights = request.damage_weights
        self._thick = request.thick_weights

    def prepare(self, plan: Plan) -> None:
        """Load the weights; check the mask of a single photo."""
        self._inpainter()
        if self._damage_weights:
            self.pool.damage_finder(self._damage_weights)
        if plan.is_batch:
            return
        (job,) = plan.jobs
        self.foresee_cost(job, self.cost)
        if self._damage_weights:
            return
        with self.foreseeing(job):
            check_mask(self._mask(job), self.files.header(job).size)

    def settings(self, job: Job) -> Mapping[str, Any]:
        """What decides the output; the names are those of records made before."""
        stat = job.mask.stat() if job.mask else None
        found: dict[str, Any] = {}
        if self._damage_weights:
            found["damage"] = hash_weights(self._damage_weights), self._request.sensitivity
        if self._thick:
            found["thick"] = hash_weights(self._thick)
        return {
            "work": "fill",
            "model": hash_weights(self._weights),
            "strength": self._request.strength,
            "mask": (str(job.mask), stat.st_size, stat.st_mtime_ns) if stat else None,
            "invert": self._request.invert_mask,
            "soft": self._request.soft_mask,
            "grow": self._request.grow,
            **asdict(self._request.options),
            **asdict(self.saving),
            **found,
        }

    def cost(self, job: Job, *, timed: bool = False) -> Cost:
        """What the job will take; photo and mask are only read where ``timed``."""
        cost = fill_cost(self.files.header(job), job.output)
        refuse_if_too_large(cost, self.memory_bytes)
        if not timed:
            return cost
        seconds = self.try_reading(job, cost.size)
        if self._damage_weights:  # how much is damaged is only known afterwards
            finder = self.pool.damage_finder(self._damage_weights)
            return replace(cost, seconds=seconds + finder.seconds_for(cost.size))
        mask = self._mask(job)
        check_mask(mask, cost.size)
        thick = self.pool.inpainter(self._thick) if self._thick else None
        seconds += self._inpainter().estimate_seconds(mask, self._request.detail, thick=thick)
        return replace(cost, seconds=seconds)

    def read(self, job: Job) -> LoadedPhoto:
        """Read photo and mask."""
        self.cost(job)
        picture = self.files.picture(job)
        mask = None if self._damage_weights else self._mask(job, lambda: picture)
        return LoadedPhoto(picture, mask)

    def restore(self, material: LoadedPhoto, progress: Progress) -> RestoredPhoto:
        """Fill; what is damaged is found before, where no mask was read."""
        picture, mask = material.picture, material.mask
        if mask is None:
            looking, progress = SubProgress(progress, 0.0, 0.2), SubProgress(progress, 0.2, 1.0)
            picture, mask = self._find_damage(picture, looking)
            if mask.is_empty:
                return RestoredPhoto(picture, unchanged=True, mask=mask)
        filled = self.pool.fill(
            picture,
            mask,
            self._weights,
            self._request.options,
            progress,
            strength=self._request.strength,
            thick=self._thick,
        )
        if self._request.model == AUTO_MODEL and self._thick is None:
            filled = add_note(filled, NO_THICK)
        return RestoredPhoto(filled, unchanged=mask.is_empty, mask=mask)

    def write(self, made: RestoredPhoto, job: Job) -> tuple[str, ...]:
        """Write the output, and the mask if masks are wanted."""
        self.write_mask(made.mask, job)
        return super().write(made, job)

    def write_mask(self, mask: Mask | None, job: Job) -> None:
        """Write what was filled, if masks are wanted: as a mask that this program reads again."""
        if job.mask_output is None or mask is None:
            return
        job.mask_output.parent.mkdir(parents=True, exist_ok=True)
        write_mask(mask, job.mask_output)

    def _find_damage(self, picture: Picture, progress: Progress) -> tuple[Picture, Mask]:
        """The mask of what is damaged, and the picture with a note about it."""
        assert self._damage_weights is not None
        assert self._request.sensitivity is not None
        found = self.pool.find_damage(picture, self._damage_weights, progress)
        mask, count = found.mask_and_count(self._request.sensitivity)
        picture = add_note(picture, describe_damage(count))
        return picture, mask if mask.is_empty else mask.grown(self._request.grow)

    def _inpainter(self) -> Inpainter:
        return self.pool.inpainter(self._weights, strength=self._request.strength)

    def _mask(self, job: Job, photo: PhotoOf | None = None) -> Mask:
        if job.mask is None:
            raise InputError(f"There is no mask for it; {name_masks(job.source)}.")
        request = self._request
        mask = self.files.mask(
            job, job.mask, photo, invert=request.invert_mask, soft=request.soft_mask
        )
        return mask.grown(request.grow)


def add_note(picture: Picture, note: str) -> Picture:
    """The picture with one more note."""
    return replace(picture, meta=replace(picture.meta, notes=(*picture.meta.notes, note)))


def describe_damage(count: DamageCount) -> str:
    """What was found, as a sentence."""
    if not count.spots and not count.scratches:
        return "No damage was found."
    parts = [
        f"{number} {name}{'' if number == 1 else ending}"
        for number, name, ending in (
            (count.scratches, "scratch", "es"),
            (count.spots, "spot", "s"),
        )
        if number
    ]
    found = f"Damage was found: {' and '.join(parts)}, {count.share:.1%} of the photo"
    return f"{found}, which is much: look at the result." if count.share > MUCH else f"{found}."
