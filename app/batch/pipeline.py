"""Doing a plan: reading, network and writing of several jobs at once, each failure recorded, none fatal.

While one photo goes through the network the next is read and the one before is written. How many are in
hand at a time is bounded by their number and by the memory they take. The network's tiles and their
numbers are the same as for one photo alone, so the bytes are. How results are shown is the caller's.
"""

import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from remend.app.batch.estimate import PROGRAM_BYTES
from remend.app.batch.manifest import Manifest, Result
from remend.app.batch.plan import Job, Plan, reaching
from remend.app.batch.work import Work
from remend.app.engine.crash_report import explain_unexpected
from remend.models.errors import InputError, RemendError
from remend.models.inference.upscaler import is_out_of_memory
from remend.models.progress import NO_PROGRESS, Cancelled, Progress
from remend.models.storage.atomic import sweep


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How a plan is done.

    Attributes:
        resume: Skip outputs that the manifest knows and whose input and settings are unchanged.
        skip_existing: Skip outputs that exist, whatever they are.
        stop_on_error: Leave the rest undone after the first failure; one photo is in hand at a time then.
        dry_run: Only tell what would be done and what it would take.
        debug: Print the traceback of a failure.
        readers: Photos that are read at the same time.
        writers: Photos that are written at the same time.
        memory_bytes: What the whole program may take; None = no limit is looked at.
    """

    resume: bool = False
    skip_existing: bool = False
    stop_on_error: bool = False
    dry_run: bool = False
    debug: bool = False
    readers: int = 1
    writers: int = 2
    memory_bytes: int | None = None


Perform = Callable[[Sequence[Job]], Iterator[Result]]


@dataclass(frozen=True, slots=True)
class PendingPhoto:
    """A job in hand: what was known before it began, and how it will end."""

    job: Job
    facts: dict[str, Any]
    weight: int
    future: "Future[Result]"


@dataclass
class Pipeline:
    """The three stages through which jobs pass side by side, at most so many in each.

    A job keeps one thread from its reading to its writing; the stages are what it waits for.
    """

    work: Work
    options: BatchOptions
    progress_of: Callable[[Job], Progress] = lambda _: NO_PROGRESS
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Set the width of each stage."""
        self._reading = threading.Semaphore(self.options.readers)
        self._restoring = threading.Semaphore(self.work.devices)
        self._writing = threading.Semaphore(self.options.writers)

    @property
    def width(self) -> int:
        """How many jobs can be in hand."""
        if self.options.stop_on_error:
            return 1
        return self.options.readers + self.work.devices + self.options.writers

    def perform(self, job: Job) -> Result:
        """Take a job through all stages; whatever is wrong with it becomes a failed result."""
        spent = 0.0
        begin = time.monotonic()
        try:
            with self._reading:
                begin = self._begin_stage()
                material = self.work.read(job)
                spent += time.monotonic() - begin
            with self._restoring:
                begin = self._begin_stage()
                made = self.work.restore(material, Stopping(self.progress_of(job), self.stop))
                del material
                spent += time.monotonic() - begin
            with self._writing:
                begin = time.monotonic()
                notes = self.work.write(made, job)
                spent += time.monotonic() - begin
            return Result(job, "done", spent, notes)
        except Cancelled:
            raise
        except Exception as error:  # one file must not end the others, whatever is wrong with it
            if self.options.debug:
                traceback.print_exc()
            spent += time.monotonic() - begin
            return Result(job, "failed", spent, (), explain(error, job))

    def _begin_stage(self) -> float:
        if self.stop.is_set():
            raise Cancelled
        return time.monotonic()


class Stopping(Progress):
    """Progress that ends the work once somebody set an event."""

    def __init__(self, shown: Progress, stop: threading.Event) -> None:
        self._shown, self._stop = shown, stop

    def update(self, done: float, total: float, note: str = "") -> None:
        """Pass progress on; raises `Cancelled` after the event."""
        if self._stop.is_set():
            raise Cancelled
        self._shown.update(done, total, note)


def run_plan(
    plan: Plan,
    work: Work,
    options: BatchOptions = BatchOptions(),
    *,
    progress_of: Callable[[Job], Progress] = lambda _: NO_PROGRESS,
    elsewhere: Perform | None = None,
) -> Iterator[Result]:
    """Do the jobs of a plan and tell of each, in order, as it ends.

    Args:
        plan: What to do; its folder exists.
        work: How; prepared.
        options: See `BatchOptions`.
        progress_of: Gives the progress of a job whose network begins; called in a thread.
        elsewhere: Does jobs somewhere else than in this process and tells of them in any order.

    Yields:
        A result for every job that was looked at.

    Raises:
        Cancelled: The user asked for the end; so does KeyboardInterrupt. What was finished until then is
            on record.
    """
    keeps_record = plan.to_folder and (plan.is_batch or options.resume)
    with reaching(plan.folder):
        manifest = Manifest(plan.folder, work) if keeps_record else None
    with closing(manifest) if manifest else nullcontext():
        if not options.dry_run:
            for folder in {plan.folder, *(job.output.parent for job in plan.jobs)}:
                sweep(folder)
        if elsewhere and not options.dry_run:
            yield from _run_elsewhere(plan, elsewhere, options, manifest)
        else:
            yield from _run_here(plan, work, options, manifest, progress_of)


def _run_here(
    plan: Plan,
    work: Work,
    options: BatchOptions,
    manifest: Manifest | None,
    progress_of: Callable[[Job], Progress],
) -> Iterator[Result]:
    pipeline = Pipeline(work, options, progress_of)
    pending: deque[PendingPhoto] = deque()
    with ThreadPoolExecutor(pipeline.width, "remend") as threads:
        try:
            for job in plan.jobs:
                if result := _settle(job, work, options, manifest):
                    while pending:
                        yield _land(pending, manifest)
                    yield result
                    continue
                weight = _weigh(job, work, options)
                while pending and not _has_room(pending, weight, pipeline.width, options):
                    result = _land(pending, manifest)
                    yield result
                    if options.stop_on_error and result.status == "failed":
                        return
                facts = manifest.facts(job) if manifest else {}
                pending.append(
                    PendingPhoto(job, facts, weight, threads.submit(pipeline.perform, job))
                )
            while pending:
                yield _land(pending, manifest)
        finally:
            pipeline.stop.set()
            threads.shutdown(cancel_futures=True)
            for photo in pending:  # an interrupt or an error: what was finished goes on record
                if not photo.future.cancelled() and photo.future.exception() is None:
                    _record(photo.future.result(), photo.facts, manifest)


def _settle(
    job: Job, work: Work, options: BatchOptions, manifest: Manifest | None
) -> Result | None:
    """The result of a job that needs no doing."""
    if _is_made(job, options, manifest):
        return Result(job, "skipped")
    if not options.dry_run:
        return None
    try:
        cost = work.cost(job, timed=True)
    except Exception as error:
        return Result(job, "planned", notes=(f"It will fail: {explain(error, job)}",))
    facts = {
        "width": cost.size[0],
        "height": cost.size[1],
        "estimated_seconds": round(cost.seconds, 1),
        "memory_bytes": cost.memory_bytes + PROGRAM_BYTES,
        "output_bytes": cost.disk_bytes,
    }
    return Result(job, "planned", facts=tuple(facts.items()))


def _is_made(job: Job, options: BatchOptions, manifest: Manifest | None) -> bool:
    """Whether an earlier run's output is kept."""
    if options.skip_existing and job.output.exists():
        return True
    return options.resume and manifest is not None and manifest.is_done(job)


def _weigh(job: Job, work: Work, options: BatchOptions) -> int:
    """The memory that a job takes; nothing where nobody asks, or where it will fail."""
    if options.memory_bytes is None:
        return 0
    try:
        return work.cost(job).memory_bytes
    except Exception:  # it will fail in its turn, in words
        return 0


def _has_room(pending: deque[PendingPhoto], weight: int, width: int, options: BatchOptions) -> bool:
    if len(pending) >= width:
        return False
    limit = options.memory_bytes
    if limit is None:
        return True
    return PROGRAM_BYTES + weight + sum(photo.weight for photo in pending) <= limit


def _land(pending: deque[PendingPhoto], manifest: Manifest | None) -> Result:
    """Wait for the oldest job in hand and record it."""
    photo = pending[0]
    result = photo.future.result()
    pending.popleft()
    return _record(result, photo.facts, manifest)


def _record(result: Result, facts: dict[str, Any], manifest: Manifest | None) -> Result:
    if manifest:
        try:
            manifest.record(result, facts)
        except InputError as error:
            return replace(result, notes=(*result.notes, str(error)))
    return result


def _run_elsewhere(
    plan: Plan, elsewhere: Perform, options: BatchOptions, manifest: Manifest | None
) -> Iterator[Result]:
    facts: dict[Job, dict[str, Any]] = {}
    for job in plan.jobs:
        if _is_made(job, options, manifest):
            yield Result(job, "skipped")
        else:
            facts[job] = manifest.facts(job) if manifest else {}
    for result in elsewhere(list(facts)):
        yield _record(result, facts[result.job], manifest)
        if options.stop_on_error and result.status == "failed":
            return


def explain(error: Exception, job: Job) -> str:
    """The sentence for whatever went wrong with a job."""
    if isinstance(error, RemendError):
        return str(error)
    if is_out_of_memory(error):
        return "There is not enough memory for it; close other programs or try a smaller picture."
    if isinstance(error, OSError):
        what = error.filename or job.output
        return f"{what} cannot be read or written ({error.strerror or error})."
    return explain_unexpected(error, [str(job.source)])
