"""Doing a plan: one job after the other, every failure recorded, the rest not affected.

A batch keeps ``remend-manifest.jsonl`` beside its outputs, one line a job, the last line on an output
counts. It is what ``--resume`` goes by. How results are shown is the caller's.
"""

import hashlib
import json
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from app.crash import explain_unexpected
from app.jobs import Job, Plan
from app.work import Work
from models.errors import InputError, RemendError
from models.upscaler import is_out_of_memory
from models.watch import QUIET, Cancelled, Watch

MANIFEST_NAME = "remend-manifest.jsonl"
Status = Literal["done", "skipped", "failed", "planned"]


@dataclass(frozen=True, slots=True)
class Result:
    """How a job went.

    Attributes:
        job: Which one.
        status: ``skipped`` = the output was there already; ``planned`` = nothing was done yet.
        seconds: How long it took.
        notes: Sentences about what was converted, dropped or left.
        reason: The sentence that says why it failed.
    """

    job: Job
    status: Status
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        entry: dict[str, Any] = {"input": str(self.job.source), "output": str(self.job.output)}
        if self.job.mask:
            entry["mask"] = str(self.job.mask)
        entry |= {"status": self.status, "seconds": round(self.seconds, 3)}
        if self.notes:
            entry["notes"] = list(self.notes)
        if self.reason:
            entry["reason"] = self.reason
        return entry


class Manifest:
    """The record of a batch, and what of it still holds.

    Args:
        folder: The output folder; the file is made by the first record.
        work: Its settings are part of what must be unchanged.
    """

    def __init__(self, folder: Path, work: Work) -> None:
        self.path = folder / MANIFEST_NAME
        self._folder, self._work = folder, work
        self._entries: dict[str, dict[str, Any]] = {}
        self._ends_whole = True
        if self.path.is_file():
            text = self.path.read_text("utf-8", errors="replace")
            self._ends_whole = not text or text.endswith("\n")
            for line in text.splitlines():
                try:
                    entry = json.loads(line)
                    self._entries[entry["output"]] = entry
                except (ValueError, KeyError, TypeError):
                    continue  # a line that was cut short by a crash says nothing

    def is_done(self, job: Job) -> bool:
        """Whether the output is whole and its input and settings are unchanged."""
        entry = self._entries.get(self._name(job))
        if entry is None or entry.get("status") != "done" or not job.output.is_file():
            return False
        try:
            return all(entry.get(key) == value for key, value in self._facts(job).items())
        except (OSError, RemendError):
            return False  # it will say why when its turn comes

    def record(self, result: Result) -> None:
        """Append a line.

        Raises:
            InputError: The file cannot be written.
        """
        try:
            facts = self._facts(result.job)
        except (OSError, RemendError):  # the photo cannot be read: nothing to compare with later
            facts = {"input": str(result.job.source.absolute())}
        entry = {
            **facts,
            "output": self._name(result.job),
            "status": result.status,
            "seconds": round(result.seconds, 3),
            "reason": result.reason,
        }
        start = "" if self._ends_whole else "\n"
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{start}{json.dumps(entry)}\n")
        except OSError as error:
            raise InputError(
                f"{self.path} cannot be written ({error.strerror or error})."
            ) from error
        self._ends_whole = True

    def _name(self, job: Job) -> str:
        return job.output.relative_to(self._folder).as_posix()

    def _facts(self, job: Job) -> dict[str, Any]:
        """What must be unchanged for an output to be good still."""
        stat = job.source.stat()
        settings = json.dumps(self._work.settings(job), sort_keys=True, default=str)
        return {
            "input": str(job.source.absolute()),
            "input_bytes": stat.st_size,
            "input_mtime_ns": stat.st_mtime_ns,
            "settings": hashlib.sha256(settings.encode()).hexdigest()[:16],
            "output_bytes": job.output.stat().st_size if job.output.is_file() else None,
        }


def run_plan(
    plan: Plan,
    work: Work,
    *,
    resume: bool = False,
    skip_existing: bool = False,
    stop_on_error: bool = False,
    dry_run: bool = False,
    debug: bool = False,
    watch_job: Callable[[Job], Watch] = lambda _: QUIET,
) -> Iterator[Result]:
    """Do the jobs of a plan, in order, and tell of each as it ends.

    Args:
        plan: What to do; its folder exists.
        work: How; prepared.
        resume: Skip outputs that the manifest knows and whose input and settings are unchanged.
        skip_existing: Skip outputs that exist, whatever they are.
        stop_on_error: Leave the rest undone after the first failure.
        dry_run: Only tell what would be done.
        debug: Print the traceback of a failure.
        watch_job: Gives the watch of a job that begins.

    Yields:
        A result for every job that was looked at.

    Raises:
        Cancelled: A watch asked for the end; so does KeyboardInterrupt.
    """
    manifest = Manifest(plan.folder, work) if plan.to_folder and (plan.is_batch or resume) else None
    for job in plan.jobs:
        if (skip_existing and job.output.exists()) or (
            resume and manifest and manifest.is_done(job)
        ):
            yield Result(job, "skipped")
            continue
        if dry_run:
            yield Result(job, "planned")
            continue
        result = _do(job, work, watch_job(job), debug=debug)
        if manifest:
            try:
                manifest.record(result)
            except InputError as error:
                result = replace(result, notes=(*result.notes, str(error)))
        yield result
        if stop_on_error and result.status == "failed":
            return


def _do(job: Job, work: Work, watch: Watch, *, debug: bool) -> Result:
    begin = time.monotonic()
    try:
        notes = work.perform(job, watch)
        return Result(job, "done", time.monotonic() - begin, notes)
    except Cancelled:
        raise
    except Exception as error:  # one file must not end the others, whatever is wrong with it
        if debug:
            traceback.print_exc()
        return Result(job, "failed", time.monotonic() - begin, (), _explain(error, job))


def _explain(error: Exception, job: Job) -> str:
    if isinstance(error, RemendError):
        return str(error)
    if is_out_of_memory(error):
        return "There is not enough memory for it; close other programs or try a smaller picture."
    if isinstance(error, OSError):
        what = error.filename or job.output
        return f"{what} cannot be read or written ({error.strerror or error})."
    return explain_unexpected(error, [str(job.source)])
