"""The record that a batch keeps beside its outputs: ``remend-manifest.jsonl``, one line a job.

The last line on an output counts; a run that is resumed goes by it. Lines are appended in one piece and
never changed, so that several processes may write to one record, and one that is killed spoils at most
its own last line. Behind a URL nothing can be appended: there the record is put anew every few seconds and at
the end, and a process that is killed forgets what it did since.
"""

import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from remend.app.batch.plan import Job
from remend.app.batch.work import Work
from remend.models.errors import InputError, RemendError, RequestError
from remend.models.storage.atomic import write_atomic
from remend.models.storage.remote import AnyPath, RemotePath

MANIFEST_NAME = "remend-manifest.jsonl"
_PUT_SECONDS = 10.0  # between two puts of a record behind a URL
Status = Literal["done", "skipped", "failed", "planned", "will_fail"]


@dataclass(frozen=True, slots=True)
class Result:
    """How a job went.

    Attributes:
        job: Which one.
        status: ``skipped`` = the output was there already. Of a dry run: ``planned`` = nothing was done yet,
            ``will_fail`` = it cannot be done.
        seconds: How long it took, without waiting for its turn.
        notes: Sentences about what was converted, dropped, left, or done otherwise than usual.
        reason: The sentence that says why it failed or will fail.
        facts: For a planned job, what it will take; numbers by name.
    """

    job: Job
    status: Status
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    reason: str = ""
    facts: tuple[tuple[str, float], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        entry: dict[str, Any] = {"input": str(self.job.source), "output": str(self.job.output)}
        if self.job.mask:
            entry["mask"] = str(self.job.mask)
        entry |= {"status": self.status, "seconds": round(self.seconds, 3), **dict(self.facts)}
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

    Raises:
        RequestError: There is a link of the record's name, which could lead anywhere.
    """

    def __init__(self, folder: AnyPath, work: Work) -> None:
        self.path = folder / MANIFEST_NAME
        self._folder, self._work = folder, work
        self._entries: dict[str, dict[str, Any]] = {}
        self._lines: list[str] = []
        self._unsaved, self._saved_at = 0, time.monotonic()
        if isinstance(self.path, Path) and self.path.is_symlink():
            raise RequestError(
                f"{self.path} is a link, and the record of a batch is never written through one; remove it."
            )
        if self.path.is_file():
            self._lines = self.path.read_bytes().decode("utf-8", "replace").splitlines()
            for line in self._lines:
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
        facts = {**self.facts(job), "output_bytes": job.output.stat().st_size}
        return "settings" in facts and all(entry.get(key) == facts[key] for key in facts)

    def facts(self, job: Job) -> dict[str, Any]:
        """What must be unchanged for an output to be good still; to be taken before the photo is read."""
        facts: dict[str, Any] = {"input": str(job.source.absolute())}
        try:
            stat = job.source.stat()
            settings = json.dumps(self._work.settings(job), sort_keys=True, default=str)
        except (OSError, RemendError):  # it cannot be read: nothing to compare with later
            return facts
        return facts | {
            "input_bytes": stat.st_size,
            "input_mtime_ns": stat.st_mtime_ns,
            "settings": hashlib.sha256(settings.encode()).hexdigest()[:16],
        }

    def record(self, result: Result, facts: dict[str, Any]) -> None:
        """Append a line.

        Args:
            result: How the job went.
            facts: Of the job, as they were before it began.

        Raises:
            InputError: The file cannot be written.
        """
        output = result.job.output
        entry = {
            **facts,
            "output": self._name(result.job),
            "output_bytes": output.stat().st_size if output.is_file() else None,
            "status": result.status,
            "seconds": round(result.seconds, 3),
            "reason": result.reason,
            "notes": list(result.notes),
        }
        line = json.dumps(entry)
        if isinstance(self.path, RemotePath):
            self._lines.append(line)
            self._unsaved += 1
            if time.monotonic() > self._saved_at + _PUT_SECONDS:
                self.close()
            return
        try:
            append_line(self.path, line)
        except OSError as error:
            raise InputError(
                f"{self.path} cannot be written ({error.strerror or error})."
            ) from error

    def close(self) -> None:
        """Put what is not yet on record; errors as ``record``."""
        if self._unsaved:
            write_atomic("".join(f"{line}\n" for line in self._lines).encode(), self.path)
            self._unsaved, self._saved_at = 0, time.monotonic()

    def _name(self, job: Job) -> str:
        return job.output.relative_to(self._folder).as_posix()


def append_line(path: Path, line: str) -> None:
    """Add a line to a file in one piece, after ending what a crash cut short."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
    for name in ("O_BINARY", "O_NOFOLLOW"):  # each system has one of them
        flags |= getattr(os, name, 0)
    handle = os.open(path, flags, 0o666)
    try:
        end = os.lseek(handle, 0, os.SEEK_END)
        if end:
            os.lseek(handle, end - 1, os.SEEK_SET)
        torn = end > 0 and os.read(handle, 1) != b"\n"
        start = "\n" if torn else ""
        os.write(handle, f"{start}{line}\n".encode())
    finally:
        os.close(handle)
