"""Enlarging files: each photo to the size asked for, in tiles that fit into memory.

How a job is read, restored and written in general is ``app.batch.work``'s.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from remend.app.batch.estimate import PROGRAM_BYTES, Cost, refuse_if_too_large, upscale_cost
from remend.app.batch.plan import Job, Plan
from remend.app.batch.requests import UpscaleRequest
from remend.app.batch.work import EncodeOptions, FileWork, LoadedPhoto, RestoredPhoto
from remend.app.engine.catalogue import default_upscale_model, find_model, hash_weights
from remend.app.engine.memory import format_size
from remend.app.engine.model_pool import ModelPool
from remend.models.inference.restorer import Upscaler
from remend.models.inference.upscaler import SMALLEST_TILE_PX, TILE_PX
from remend.models.progress import Progress


class UpscaleWork(FileWork):
    """Enlarges each photo.

    Args:
        pool: Runs the network.
        request: How photos are enlarged.
        saving: How outputs are written.
        memory_bytes: What the whole program may take; None = no limit is looked at. Where tiles of the side
            asked for do not fit, they get smaller.

    Raises:
        RequestError: There are no such weights.
    """

    def __init__(
        self,
        pool: ModelPool,
        request: UpscaleRequest,
        saving: EncodeOptions = EncodeOptions(),  # noqa: B008 - frozen
        memory_bytes: int | None = None,
    ) -> None:
        super().__init__(pool, saving, memory_bytes)
        self._request, self._fixed_weights = request, request.fixed_weights

    def prepare(self, plan: Plan) -> None:
        """Load the weights; check the size of a single photo's result.

        Where the factor differs from photo to photo, a batch loads the default weights for all factors, so
        that no photo needs to be opened before its turn.
        """
        if self._fixed_weights:
            self._upscaler(self._fixed_weights)
        elif plan.is_batch:
            for name in {default_upscale_model(scale) for scale in (2, 4)}:
                self._upscaler(find_model(name, "upscale").absolute())
        if plan.is_batch:
            return
        (job,) = plan.jobs
        self.foresee_cost(job, self.cost)

    def settings(self, job: Job) -> Mapping[str, Any]:
        """What decides the output; the names are those of records made before."""
        options = asdict(self._request.options)
        del options["size"]
        return {
            "work": "upscale",
            "model": hash_weights(self._weights_for(job)),
            "strength": self._request.strength,
            **options,
            **asdict(self._request.target),
            **asdict(self.saving),
        }

    def cost(self, job: Job, *, timed: bool = False) -> Cost:
        """What the job will take; the photo is only read where ``timed``."""
        upscaler = self._upscaler(self._weights_for(job))
        cost = self._cost(job, upscaler)
        if not timed:
            return cost
        options = self._request.options
        if cost.tile_px:
            options = replace(options, tile_px=cost.tile_px)
        seconds = self.try_reading(job, cost.size)
        seconds += upscaler.estimate_seconds(self.files.header(job).size, options)
        return replace(cost, seconds=seconds)

    def _cost(self, job: Job, upscaler: Upscaler) -> Cost:
        """Memory and disk, in tiles so small that it fits where that helps."""
        header = self.files.header(job)
        size = self._request.target.size_for(header.size)
        cost = None
        for tile_px in self._tile_sides(max(header.size)):
            cost = upscale_cost(
                header, upscaler.card.scale, size, job.output, upscaler.tile_bytes(tile_px)
            )
            if self.memory_bytes is None or self._fits(cost):
                return self._with_tile(cost, tile_px, max(header.size))
        assert cost is not None
        refuse_if_too_large(cost, self.memory_bytes)
        return cost

    def read(self, job: Job) -> LoadedPhoto:
        """Read the photo."""
        cost = self.cost(job)
        return LoadedPhoto(self.files.picture(job), cost=cost)

    def restore(self, material: LoadedPhoto, progress: Progress) -> RestoredPhoto:
        """Enlarge."""
        picture, cost = material.picture, material.cost
        options = self._request.options_for(picture.size)
        if cost and cost.tile_px:
            options = replace(options, tile_px=cost.tile_px)
            notes = (*picture.meta.notes, cost.note)
            picture = replace(picture, meta=replace(picture.meta, notes=notes))
        weights = self._fixed_weights or self._request.weights_for(picture.size)
        strength = self._request.strength
        return RestoredPhoto(
            self.pool.upscale(picture, weights, options, progress, strength=strength)
        )

    def _weights_for(self, job: Job) -> Path:
        return self._fixed_weights or self._request.weights_for(self.files.header(job).size)

    def _upscaler(self, weights: Path) -> Upscaler:
        return self.pool.upscaler(weights, strength=self._request.strength)

    def _tile_sides(self, longest: int) -> Iterator[int]:
        """The tile's side that was asked for (no longer than the photo), its half, its quarter, ..."""
        tile_px = self._request.tile_px
        asked = TILE_PX if tile_px is None else tile_px or longest
        yield min(asked, longest)
        while (asked := asked // 2) >= SMALLEST_TILE_PX:
            if asked < longest:
                yield asked

    def _fits(self, cost: Cost) -> bool:
        limit = self.memory_bytes
        return limit is None or cost.memory_bytes + PROGRAM_BYTES <= limit

    def _with_tile(self, cost: Cost, tile_px: int, longest: int) -> Cost:
        if tile_px == next(self._tile_sides(longest)):
            return cost
        limit = format_size(self.memory_bytes or 0)
        note = f"Tiles of {tile_px} px were used, smaller ones than usual, to stay within {limit}."
        return replace(cost, tile_px=tile_px, note=note)
