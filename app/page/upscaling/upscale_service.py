"""Upscaling uploaded photos, for the Upscale tab and for the programming interface.

The work is that of the command ``upscale``; here are the limits of the page, progress and stopping, and the
sentences. What is shown before the whole work starts is in ``upscale_preview``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from remend.app.batch.manifest import Result
from remend.app.batch.pipeline import BatchOptions, Pipeline, run_plan
from remend.app.batch.plan import Job, Naming, Plan
from remend.app.batch.requests import AUTO_MODEL, UpscaleRequest
from remend.app.batch.target_size import TargetSize
from remend.app.batch.upscale_work import UpscaleWork
from remend.app.engine.model_pool import ModelPool
from remend.app.page.guards.memory import MemoryBudget
from remend.app.page.i18n import choose_language, format_message
from remend.app.page.status import check_model_name, explain, say
from remend.app.page.uploads import (
    check_megapixels,
    claim_room,
    current_visitor,
    new_folder,
    read_allowed_size,
)
from remend.app.page.upscaling.kept_out import KeepingWork, Place, read_place
from remend.app.page.upscaling.offers import Made, Offers
from remend.app.page.work.jobs import Jobs
from remend.app.page.work.listening import find_listener
from remend.models.errors import RemendError, RequestError
from remend.models.progress import Progress, SubProgress

_RESULT_FACTOR = 4
"""A result may have so many times the megapixels that a photo may have."""


def read_target(scale: float, width: float) -> TargetSize:
    """The size asked for; ``width`` in pixels wins over ``scale`` unless it is 0. Errors as there."""
    return TargetSize(width=round(width)) if width else TargetSize(scale=scale)


def read_form(
    scale: float, width: float, model: str, detail: float, denoise: float | None = None
) -> UpscaleRequest:
    """What a visitor asks for.

    Raises:
        RequestError: A value is out of range, or there is no such model.
    """
    name = None if model == AUTO_MODEL else check_model_name(model, "upscale")
    return UpscaleRequest(read_target(scale, width), name, detail=detail, denoise=denoise)


class UpscaleService:
    """Enlarges uploaded photos.

    Args:
        pool: The models.
        max_megapixels: Larger photos are refused.
        jobs: What is running; shared with ``UpscalePreview``, so that one button stops either.
        budget: Of memory, for the work on photos.
    """

    def __init__(
        self,
        pool: ModelPool,
        max_megapixels: float,
        jobs: Jobs,
        budget: MemoryBudget | None = None,
    ) -> None:
        self._pool = pool
        self._max_megapixels = max_megapixels
        self._jobs = jobs
        self._budget = MemoryBudget() if budget is None else budget
        self._offers = Offers(self._budget)

    def show(
        self, made: Sequence[Made] | None, at: int | None, request: gr.Request
    ) -> tuple[Any, Any]:
        """One of the results that were made: two pictures to compare, and its download."""
        return self._offers.show(made or [], at, choose_language(request))

    def upscale_file(
        self, photo: Path, asked: UpscaleRequest, folder: Path, progress: Progress
    ) -> Path:
        """Enlarge a photo as the command would.

        Args:
            photo: The file.
            asked: What to make of it.
            folder: Into which the result is written.
            progress: Told of every tile; it can end the work.

        Returns:
            The file that was written into ``folder``.

        Raises:
            RemendError: The photo, the size or the model is not possible.
        """
        _, larger = check_sizes(photo, asked.target, self._max_megapixels)
        claim_room(folder, _room_for(larger))
        (job,) = name_outputs([photo], asked.target, "auto", folder)
        work = UpscaleWork(self._pool, asked, memory_bytes=self._budget.job_bytes)
        with self._budget.hold_work(work, [job], current_visitor(), progress):
            work.perform(job, progress)
        return Path(job.output)

    def run(
        self,
        paths: list[str] | None,
        scale: float,
        width: float,
        model: str,
        detail: float,
        denoise: float,
        file_format: str,
        place: Any,
        number: float,
        request: gr.Request,
    ) -> tuple[Any, Any, str, Any, Any, Any]:
        """Upscale all: the first two pictures to compare, the download, the status line, and all results.

        ``number`` is that of the job; the other arguments are what the tab's controls say. The last three are
        the list to choose a result from, that one's download, and what ``show`` has to know.
        """
        language, session = choose_language(request), request.session_hash or ""
        try:
            if not paths:
                raise RequestError(format_message(language, "choose_photo"))
            asked, painted = read_form(scale, width, model, detail, denoise), read_place(place)
            files = name_outputs(list(map(Path, paths)), asked.target, file_format, new_folder())
            visitor = {"session": session, "is_awaited": find_listener()}
            with self._jobs.run("upscale", session, int(number), **visitor) as job:
                results = self._upscale_all(files, asked, painted, language, job)
                return self._offers.offer(results, language, number)
        except Exception as error:
            status = _tell(explain(error, language), number, is_error=True)
            return gr.skip(), gr.skip(), status, gr.skip(), gr.skip(), gr.skip()

    def _upscale_all(
        self,
        jobs: Sequence[Job],
        asked: UpscaleRequest,
        painted: Place,
        language: str,
        progress: Progress,
    ) -> list[Result]:
        """How each job went, in order; what is wrong with one is told in the visitor's language."""
        results: dict[Job, Result] = {}
        room = 0
        for job in jobs:
            try:
                _, larger = check_sizes(Path(job.source), asked.target, self._max_megapixels)
                needed = _room_for(larger) * (2 if len(jobs) > 1 else 1)  # several are zipped, too
                claim_room(Path(job.output).parent, room + needed)
                room += needed
            except RemendError as error:
                results[job] = Result(job, "failed", reason=explain(error, language))
        allowed = tuple(job for job in jobs if job not in results)
        plan = Plan(allowed, jobs[0].output.parent, is_batch=len(jobs) > 1, to_folder=False)

        def progress_of(job: Job) -> Progress:
            done, name = allowed.index(job), job.source.name if len(jobs) > 1 else ""
            return SubProgress(progress, done / len(allowed), (done + 1) / len(allowed), name)

        work = KeepingWork(self._pool, asked, painted, memory_bytes=self._budget.job_bytes)
        with self._budget.hold_work(work, allowed, current_visitor(), progress) as held:
            options = BatchOptions(writers=1, memory_bytes=held)
            pipeline = Pipeline(
                work, options, progress_of, lambda error, _: explain(error, language)
            )
            results |= {result.job: result for result in run_plan(plan, work, options, pipeline)}
        return [results[job] for job in jobs]

    def stop(self, number: float, request: gr.Request) -> str:
        """End what this visitor has asked for up to that number, between two tiles."""
        self._jobs.stop(request.session_hash or "", int(number))
        return _tell(format_message(choose_language(request), "stopped_short"), number)


def check_sizes(
    photo: Path, target: TargetSize, max_megapixels: float
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Read the size of a photo and compute that of its result.

    Args:
        photo: The file.
        target: The size that was asked for.
        max_megapixels: Of a photo; a result may have four times as many.

    Returns:
        Width and height of the photo, and of its result.

    Raises:
        InputError: It is no picture, or one of the two is larger than allowed.
    """
    size = read_allowed_size(photo, max_megapixels)
    larger = target.size_for(size)
    name = f"At {target.scale_for(size):g} times its size {photo.name}"
    check_megapixels(name, larger, _RESULT_FACTOR * max_megapixels)
    return size, larger


def _room_for(size: tuple[int, int]) -> int:
    """Bytes of disk that a result of that width and height takes; a photo as PNG takes about that."""
    return 2 * size[0] * size[1]


def name_outputs(
    photos: Sequence[Path], target: TargetSize, file_format: str, folder: Path
) -> list[Job]:
    """A job for each photo; two photos of one name get outputs of two names."""
    suffix = f"-{target.width}px" if target.width else f"-x{target.fixed_scale:g}"
    naming = Naming(file_format, suffix)
    jobs: dict[Path, Job] = {}
    for photo in photos:
        output = folder / naming.name_for(photo)
        number = 1
        while output in jobs:
            number += 1
            output = (folder / naming.name_for(photo)).with_stem(f"{photo.stem}{suffix}-{number}")
        jobs[output] = Job(photo, output)
    return list(jobs.values())


def _tell(text: str, number: float, *, is_error: bool = False) -> str:
    return say(text, "upscale", is_error=is_error, number=number)
