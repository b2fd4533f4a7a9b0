"""Both steps to one file: filled under its mask, then enlarged, read and written once."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from remend.app.batch.estimate import Cost, add_costs
from remend.app.batch.fill_work import FillWork
from remend.app.batch.plan import Job, Plan
from remend.app.batch.upscale_work import UpscaleWork
from remend.app.batch.work import FileWork, LoadedPhoto, RestoredPhoto
from remend.models.progress import Progress, SubProgress


class RestoreWork(FileWork):
    """Fills each photo under its mask, then enlarges it, in one pass over the file.

    Args:
        fill: The first step.
        upscale: The second; its way of writing outputs is the one that counts.
    """

    def __init__(self, fill: FillWork, upscale: UpscaleWork) -> None:
        super().__init__(upscale.pool, upscale.saving, upscale.memory_bytes)
        self.files = fill.files = upscale.files  # one photo, opened once for both steps
        self._fill, self._upscale = fill, upscale

    def prepare(self, plan: Plan) -> None:
        """Load both networks; check the mask and the size of a single photo."""
        self._fill.prepare(plan)
        self._upscale.prepare(plan)

    def settings(self, job: Job) -> Mapping[str, Any]:
        """What decides the output."""
        steps = {"fill": self._fill.settings(job), "upscale": self._upscale.settings(job)}
        return {"work": "restore", **steps}

    def cost(self, job: Job, *, timed: bool = False) -> Cost:
        """Of both steps."""
        return add_costs(self._fill.cost(job, timed=timed), self._upscale.cost(job, timed=timed))

    def read(self, job: Job) -> LoadedPhoto:
        """Read photo and mask."""
        return replace(self._fill.read(job), cost=self._upscale.cost(job))

    def restore(self, material: LoadedPhoto, progress: Progress) -> RestoredPhoto:
        """Fill, then enlarge."""
        filled = self._fill.restore(material, SubProgress(progress, 0.0, 0.2))
        enlarged = self._upscale.restore(
            replace(material, picture=filled.picture), SubProgress(progress, 0.2, 1.0)
        )
        return replace(enlarged, mask=filled.mask)

    def write(self, made: RestoredPhoto, job: Job) -> tuple[str, ...]:
        """Write the output, and the mask if masks are wanted."""
        self._fill.write_mask(made.mask, job)
        return super().write(made, job)
