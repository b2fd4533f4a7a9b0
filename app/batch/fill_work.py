"""Filling files: each photo under its mask.

How a job is read, restored and written in general is ``app.batch.work``'s.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from remend.app.batch.estimate import Cost, fill_cost, refuse_if_too_large
from remend.app.batch.inputs import name_masks
from remend.app.batch.plan import Job, Plan
from remend.app.batch.requests import FillRequest
from remend.app.batch.work import EncodeOptions, FileWork, LoadedPhoto, RestoredPhoto
from remend.app.engine.catalogue import hash_weights
from remend.app.engine.model_pool import ModelPool
from remend.models.errors import InputError
from remend.models.imaging.mask_file import PhotoOf
from remend.models.imaging.picture import Mask
from remend.models.inference.inpainter import check_mask
from remend.models.inference.restorer import Inpainter
from remend.models.progress import Progress


class FillWork(FileWork):
    """Fills each photo under its mask.

    Args:
        pool: Runs the network.
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

    def prepare(self, plan: Plan) -> None:
        """Load the weights; check the mask of a single photo."""
        self._inpainter()
        if plan.is_batch:
            return
        (job,) = plan.jobs
        self.foresee_cost(job, self.cost)
        with self.foreseeing(job):
            check_mask(self._mask(job), self.files.header(job).size)

    def settings(self, job: Job) -> Mapping[str, Any]:
        """What decides the output; the names are those of records made before."""
        stat = job.mask.stat() if job.mask else None
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
        }

    def cost(self, job: Job, *, timed: bool = False) -> Cost:
        """What the job will take; photo and mask are only read where ``timed``."""
        cost = fill_cost(self.files.header(job), job.output)
        refuse_if_too_large(cost, self.memory_bytes)
        if not timed:
            return cost
        mask = self._mask(job)
        check_mask(mask, cost.size)
        seconds = self.try_reading(job, cost.size)
        seconds += self._inpainter().estimate_seconds(mask, self._request.detail)
        return replace(cost, seconds=seconds)

    def read(self, job: Job) -> LoadedPhoto:
        """Read photo and mask."""
        self.cost(job)
        picture = self.files.picture(job)
        return LoadedPhoto(picture, self._mask(job, lambda: picture))

    def restore(self, material: LoadedPhoto, progress: Progress) -> RestoredPhoto:
        """Fill."""
        assert material.mask is not None
        filled = self.pool.fill(
            material.picture,
            material.mask,
            self._weights,
            self._request.options,
            progress,
            strength=self._request.strength,
        )
        return RestoredPhoto(filled, unchanged=material.mask.is_empty)

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
