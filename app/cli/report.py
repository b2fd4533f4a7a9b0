"""How a batch is told of: lines or JSON as jobs end, a summary, and the exit code.

It prints what ``app.batch.pipeline`` yields and decides nothing about the work.
"""

import shutil
import time

from remend.app.batch.manifest import Result
from remend.app.batch.plan import Job, Plan
from remend.app.cli.terminal import Bar, Terminal, format_seconds, print_json
from remend.app.engine.memory import format_size
from remend.models.storage.remote import AnyPath, RemotePath


class Report:
    """The telling of one batch.

    Args:
        terminal: Where lines go.
        plan: What is being done.
        bar: Shows how far it is.
        as_json: Print each result as one JSON object on stdout.
    """

    def __init__(self, terminal: Terminal, plan: Plan, bar: Bar, *, as_json: bool) -> None:
        self._terminal, self._plan, self._bar, self._as_json = terminal, plan, bar, as_json
        self._results: list[Result] = []
        self._begun = 0
        self._begin = time.monotonic()

    def begin(self, job: Job) -> Bar:
        """The network begins with a job; returns the progress that shows it."""
        self._bar.start_piece(self._begun, len(self._plan.jobs), job.source.name)
        self._begun += 1
        return self._bar

    def add(self, result: Result) -> None:
        """A job ended."""
        self._results.append(result)
        self._begun = max(self._begun, len(self._results))
        job = result.job
        if self._as_json:
            print_json(result.as_json())
        place = f"{len(self._results)}/{len(self._plan.jobs)} " if self._plan.is_batch else ""
        if result.status == "failed":
            named = str(job.source) in result.reason
            self._terminal.complain(result.reason if named else f"{job.source}: {result.reason}")
        elif result.status == "planned":
            if not self._as_json:
                print(f"{job.source} -> {job.output}")
        elif result.status == "skipped":
            self._terminal.say(f"{place}{job.source}: skipped, {job.output} is there already")
        else:
            took = format_seconds(result.seconds)
            self._terminal.say(f"{place}{job.source} -> {job.output} ({took})")
        for note in result.notes:
            self._terminal.note(f"{job.source.name}: {note}" if self._plan.is_batch else note)
        if self._begun == len(self._results):  # else another one is being shown
            self._bar.start_piece(self._begun, len(self._plan.jobs), job.source.name)

    def close(self) -> int:
        """Say how it went as a whole; returns the exit code."""
        counts = {"done": 0, "skipped": 0, "failed": 0, "planned": 0}
        for result in self._results:
            counts[result.status] += 1
        if counts["planned"]:
            self._sum_up()
        elif self._plan.is_batch:
            left = len(self._plan.jobs) - len(self._results)
            words = [f"{number} {status}" for status, number in counts.items() if number]
            words += [f"{left} not started"] if left else []
            self._terminal.say(
                f"{', '.join(words)} in {format_seconds(time.monotonic() - self._begin)}"
            )
        return 1 if counts["failed"] else 0

    def _sum_up(self) -> None:
        """Say what the plan will take."""
        facts = [dict(result.facts) for result in self._results if result.facts]
        if not facts:
            return
        seconds = sum(fact["estimated_seconds"] for fact in facts)
        disk = sum(fact["output_bytes"] for fact in facts)
        memory = max(fact["memory_bytes"] for fact in facts)
        self._terminal.say(
            f"{len(facts)} to do, about {format_seconds(seconds)} of the network, "
            f"{format_size(memory)} of memory, {format_size(disk)} on disk"
        )
        free = _free_disk(self._plan.folder)
        if free is not None and disk > free:
            self._terminal.note(f"only {format_size(free)} are free in {self._plan.folder}.")


def _free_disk(folder: AnyPath) -> int | None:
    """What a disk can take; None behind a URL."""
    if isinstance(folder, RemotePath):
        return None
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
