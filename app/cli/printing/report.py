"""Prints the results of a batch: a line or a JSON object for each job, a summary, and the exit code.

It prints what ``app.batch.pipeline`` yields and decides nothing about the work.
"""

import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from remend.app.batch.manifest import Result
from remend.app.batch.plan import Job, Plan
from remend.app.cli.printing.terminal import Bar, Terminal, format_seconds, print_json
from remend.app.engine.memory import format_size
from remend.models.storage.remote import AnyPath, RemotePath

SUMMARY = ("done", "skipped", "failed")
"""The statuses that the summary of a batch counts, in its order."""
FAILURES = ("failed", "will_fail")
_MOST_NAMED = 10  # photos in one sentence


class Report:
    """Prints the results of one batch.

    Args:
        terminal: Takes the messages.
        plan: The jobs of the batch.
        bar: Shows the progress.
        as_json: Print each result as one JSON object on stdout.
    """

    def __init__(self, terminal: Terminal, plan: Plan, bar: Bar, *, as_json: bool) -> None:
        self._terminal, self._plan, self._bar, self._as_json = terminal, plan, bar, as_json
        self._results: list[Result] = []
        self._foretold = set[tuple[str, str]]()
        self._started_jobs = 0
        self._start_time = time.monotonic()

    def foretell(self, losses: Mapping[str, Sequence[str]]) -> None:
        """Print before any work what outputs will not hold: sentences, and the photos of each."""
        for loss, names in losses.items():
            self._foretold |= {(name, loss) for name in names}
            shown = ", ".join(names[:_MOST_NAMED])
            more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
            self._terminal.print_note(
                f"{shown}{more}: {loss} Stop and write PNG or TIFF to keep it."
            )

    def start_job(self, job: Job) -> Bar:
        """Show that the network begins with a job; returns the progress of it."""
        self._bar.start_piece(self._started_jobs, len(self._plan.jobs), job.source.name)
        self._started_jobs += 1
        return self._bar

    def add_result(self, result: Result) -> None:
        """Print how a job ended."""
        self._results.append(result)
        self._started_jobs = max(self._started_jobs, len(self._results))
        job = result.job
        if self._as_json:
            print_json(result.as_json())
        count = f"{len(self._results)}/{len(self._plan.jobs)} " if self._plan.is_batch else ""
        if result.status in FAILURES:
            names_source = str(job.source) in result.reason
            self._terminal.print_error(
                result.reason if names_source else f"{job.source}: {result.reason}"
            )
        elif result.status == "planned":
            if not self._as_json:
                print(f"{job.source} -> {job.output}")
        elif result.status == "skipped":
            self._terminal.print_status(
                f"{count}{job.source}: skipped, {job.output} is there already"
            )
        else:
            took = format_seconds(result.seconds)
            self._terminal.print_status(f"{count}{job.source} -> {job.output} ({took})")
        for note in result.notes:
            if (job.source.name, note) in self._foretold:
                continue
            self._terminal.print_note(f"{job.source.name}: {note}" if self._plan.is_batch else note)
        if self._started_jobs == len(self._results):  # else the bar shows a later job
            self._bar.start_piece(self._started_jobs, len(self._plan.jobs), job.source.name)

    def finish(self) -> int:
        """Print a summary; returns the exit code."""
        counts = Counter(result.status for result in self._results)
        if counts["planned"] or counts["will_fail"]:
            self._print_estimate(counts["will_fail"])
        elif self._plan.is_batch:
            left = len(self._plan.jobs) - len(self._results)
            parts = [f"{counts[status]} {status}" for status in SUMMARY if counts[status]]
            parts += [f"{left} not started"] if left else []
            self._terminal.print_status(
                f"{', '.join(parts)} in {format_seconds(time.monotonic() - self._start_time)}"
            )
        return 1 if any(counts[status] for status in FAILURES) else 0

    def _print_estimate(self, failing: int) -> None:
        """Print how much time, memory and disk the plan needs."""
        facts = [dict(result.facts) for result in self._results if result.facts]
        if failing:
            self._terminal.print_status(f"{failing} of {len(self._plan.jobs)} will fail")
        if not facts:
            return
        seconds = sum(fact["estimated_seconds"] for fact in facts)
        disk = sum(fact["output_bytes"] for fact in facts)
        memory = max(fact["memory_bytes"] for fact in facts)
        self._terminal.print_status(
            f"{len(facts)} to do, about {format_seconds(seconds)}, "
            f"{format_size(memory)} of memory, {format_size(disk)} on disk"
        )
        free = _free_disk(self._plan.folder)
        if free is not None and disk > free:
            self._terminal.print_note(f"only {format_size(free)} are free in {self._plan.folder}.")


def _free_disk(folder: AnyPath) -> int | None:
    """The free bytes of a folder's disk; None for a folder behind a URL."""
    if isinstance(folder, RemotePath):
        return None
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
