"""Doing a plan: several jobs at once, each failure recorded, none fatal.

While one photo goes through the network the next is read and the one before is written. How many are in
hand at a time is bounded by their number and by the memory they take. The network's tiles and their
numbers are the same as for one photo alone, so the bytes are. How results are shown is the caller's.
"""

import contextvars
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol

from remend.app.batch.estimate import PROGRAM_BYTES
from remend.app.batch.failures import Explain, explain_failure
from remend.app.batch.inputs import reaching
from remend.app.batch.manifest import Manifest, Result
from remend.app.batch.plan import Job, Plan
from remend.app.batch.work import Work
from remend.models.errors import InputError
from remend.models.progress import NO_PROGRESS, Cancelled, Progress, StoppableProgress
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
        memory_bytes: What the whole program may take; None = no limit.
    """

    resume: bool = False
    skip_existing: bool = False
    stop_on_error: bool = False
    dry_run: bool = False
    debug: bool = False
    readers: int = 1
    writers: int = 2
    memory_bytes: int | None = None


class Executor(Protocol):
    """What carries out jobs side by side: threads of this process, or a cluster.

    Attributes:
        width: How many jobs can be in hand.
        in_order: Whether results are told of in the order of the plan, or as they come.
        memory_bytes: What the jobs in hand and this program may take together; None = no limit.
    """

    width: int
    in_order: bool
    memory_bytes: int | None

    def submit(self, job: Job) -> "Future[Result]":
        """Begin a job. Its future fails only where the user asked for the end."""
        ...

    def close(self) -> None:
        """End what runs; nothing is submitted afterwards."""
        ...


class Pipeline:
    """Threads that take jobs through three stages side by side, at most so many in each stage.

    A job keeps one thread from its reading to its writing; the stages are what it waits for.

    Args:
        work: What is done to each file; prepared.
        options: How many jobs are in each stage, and the memory.
        progress_of: Gives the progress of a job whose network begins; called in a thread that has the
            context variables of the one that submitted the job.
        explain: See `Explain`.
    """

    in_order = True

    def __init__(
        self,
        work: Work,
        options: BatchOptions = BatchOptions(),
        progress_of: Callable[[Job], Progress] = lambda _: NO_PROGRESS,
        explain: Explain = explain_failure,
    ) -> None:
        self._work, self._debug = work, options.debug
        self._progress_of, self._explain = progress_of, explain
        self._stop = threading.Event()
        self._reading = threading.Semaphore(options.readers)
        self._restoring = threading.Semaphore(work.devices)
        self._writing = threading.Semaphore(options.writers)
        self.memory_bytes = options.memory_bytes
        stages = options.readers + work.devices + options.writers
        self.width = 1 if options.stop_on_error else stages
        self._threads = ThreadPoolExecutor(self.width, "remend")

    def submit(self, job: Job) -> "Future[Result]":
        """Begin a job."""
        return self._threads.submit(contextvars.copy_context().run, self.perform, job)

    def close(self) -> None:
        """End running jobs at their next step, and wait for that."""
        self._stop.set()
        self._threads.shutdown(cancel_futures=True)

    def perform(self, job: Job) -> Result:
        """Take a job through all stages; whatever is wrong with it becomes a failed result."""
        spent = 0.0
        begin = time.monotonic()
        try:
            with self._reading:
                begin = self._begin_stage()
                material = self._work.read(job)
                spent += time.monotonic() - begin
            with self._restoring:
                begin = self._begin_stage()
                progress = StoppableProgress(self._progress_of(job), self._stop.is_set)
                made = self._work.restore(material, progress)
                del material
                spent += time.monotonic() - begin
            with self._writing:
                begin = time.monotonic()
                notes = self._work.write(made, job)
                spent += time.monotonic() - begin
            return Result(job, "done", spent, notes)
        except Cancelled:
            raise
        except Exception as error:  # one file must not end the others, whatever is wrong with it
            if self._debug:
                traceback.print_exc()
            spent += time.monotonic() - begin
            return Result(job, "failed", spent, (), self._explain(error, job))
        finally:
            self._work.close(job)

    def _begin_stage(self) -> float:
        if self._stop.is_set():
            raise Cancelled
        return time.monotonic()


@dataclass(frozen=True, slots=True)
class PendingPhoto:
    """A job in hand: what was known before it began, and how it will end."""

    job: Job
    facts: dict[str, Any]
    weight: int
    future: "Future[Result]"


def run_plan(
    plan: Plan,
    work: Work,
    options: BatchOptions = BatchOptions(),
    executor: Executor | None = None,
) -> Iterator[Result]:
    """Do the jobs of a plan and tell of each as it ends.

    Args:
        plan: What to do; its folder exists.
        work: What is done to each file; prepared.
        options: See `BatchOptions`.
        executor: Carries out the jobs, and is closed in the end; None = a `Pipeline`.

    Yields:
        A result for every job that was looked at.

    Raises:
        Cancelled: The user asked for the end; so does KeyboardInterrupt. What was finished until then is
            on record.
    """
    executor = executor or Pipeline(work, options)
    keeps_record = plan.to_folder and (plan.is_batch or options.resume)
    with reaching(plan.folder):
        manifest = Manifest(plan.folder, work) if keeps_record else None
    with closing(manifest) if manifest else nullcontext():
        if not options.dry_run:
            for folder in {plan.folder, *(job.output.parent for job in plan.jobs)}:
                sweep(folder)
        yield from _run_jobs(plan, work, options, manifest, executor)


def _run_jobs(
    plan: Plan, work: Work, options: BatchOptions, manifest: Manifest | None, executor: Executor
) -> Iterator[Result]:
    pending: list[PendingPhoto] = []

    def land(room_for: int | None = None) -> Generator[Result, None, bool]:
        """Wait until a job of that weight fits in, or for all jobs; returns whether to go on."""
        while pending and (room_for is None or not _has_room(pending, room_for, executor)):
            photo = _wait_for_one(pending, executor.in_order)
            result = photo.future.result()
            pending.remove(photo)
            yield _record(result, photo.facts, manifest)
            if options.stop_on_error and result.status == "failed":
                return False
        return True

    try:
        for job in plan.jobs:
            settled = _settle(job, work, options, manifest)
            weight = None if settled else _weigh(job, work, executor)
            if (executor.in_order or not settled) and not (yield from land(weight)):
                return
            if settled:
                work.close(job)
                yield settled
                continue
            facts = manifest.facts(job) if manifest else {}
            pending.append(PendingPhoto(job, facts, weight or 0, executor.submit(job)))
        yield from land()
    finally:
        executor.close()
        for photo in pending:  # an interrupt or an error: what was finished goes on record
            work.close(photo.job)
            if not photo.future.cancelled() and photo.future.exception() is None:
                _record(photo.future.result(), photo.facts, manifest)


def _wait_for_one(pending: Sequence[PendingPhoto], in_order: bool) -> PendingPhoto:
    """The oldest job in hand, or the first that ends; it has ended."""
    awaited = pending[:1] if in_order else pending
    done, _ = wait([photo.future for photo in awaited], return_when=FIRST_COMPLETED)
    return next(photo for photo in awaited if photo.future in done)


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
        return Result(job, "will_fail", reason=explain_failure(error, job))
    notes = (*cost.losses, cost.note) if cost.note else cost.losses
    return Result(job, "planned", notes=notes, facts=tuple(cost.as_facts().items()))


def _is_made(job: Job, options: BatchOptions, manifest: Manifest | None) -> bool:
    """Whether an earlier run's output is kept."""
    if options.skip_existing and job.output.exists():
        return True
    return options.resume and manifest is not None and manifest.is_done(job)


def _weigh(job: Job, work: Work, executor: Executor) -> int:
    """The memory that a job takes; nothing where nobody asks, or where it will fail."""
    if executor.memory_bytes is None:
        return 0
    try:
        return work.cost(job).memory_bytes
    except Exception:  # it will fail in its turn, in words
        return 0


def _has_room(pending: Sequence[PendingPhoto], weight: int, executor: Executor) -> bool:
    if len(pending) >= executor.width:
        return False
    limit = executor.memory_bytes
    if limit is None:
        return True
    return PROGRAM_BYTES + weight + sum(photo.weight for photo in pending) <= limit


def _record(result: Result, facts: dict[str, Any], manifest: Manifest | None) -> Result:
    if manifest:
        try:
            manifest.record(result, facts)
        except InputError as error:
            return replace(result, notes=(*result.notes, str(error)))
    return result
