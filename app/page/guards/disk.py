"""The disk that visitors may fill: a budget for each and for all, counted by what is really there.

Everything that the page and Gradio write for visitors is in one folder. What is old goes while the server
runs, sooner when the folder is nearly full; what is left of an upload that broke off goes at once.
"""

import os
import shutil
import stat
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from remend.app.engine.memory import format_size
from remend.models.errors import RequestError

PHOTOS = "photos"
"""The folder within the folder, in which each open photo has one of its own."""

_SMALLEST_BYTES = 65_536  # for each file and folder, so that they cannot become too many to count
_LOOK_S = 1.0
_CROWDED = 0.75  # of the budget; beyond it files live shorter


class DiskBudget:
    """Who has written what into a folder, and who may write more.

    Args:
        folder: Where all of it is.
        total_bytes: For all visitors together.
        lifetime_s: Seconds after which what is not written to is removed.
        crowded_s: The same while the folder is nearly full.

    One visitor may have half of all.
    """

    def __init__(
        self,
        folder: Path,
        total_bytes: int,
        lifetime_s: float = 86_400.0,
        crowded_s: float = 3600.0,
    ) -> None:
        self.folder, self.total_bytes = folder, total_bytes
        self.visitor_bytes = total_bytes // 2
        self._lifetime_s, self._crowded_s = lifetime_s, min(crowded_s, lifetime_s)
        self._written: defaultdict[str, set[Path]] = defaultdict(set)
        self._reserved: Counter[str] = Counter()
        self._total, self._looked_at = 0, -_LOOK_S
        self._lock = threading.Lock()

    def reserve(self, visitor: str, more: int) -> None:
        """Set room aside for what a visitor is about to write.

        Raises:
            RequestError: The visitor's budget, that of all, or the disk has no such room.
        """
        with self._lock:
            own = self._count_of(visitor) + self._reserved[visitor] + more
            if own > self.visitor_bytes:
                raise RequestError(
                    f"Your files on this server would take {format_size(own)}, more than the "
                    f"{format_size(self.visitor_bytes)} for one visitor; send less, or wait until older "
                    "ones are removed."
                )
            everything = self._count_all() + self._reserved.total() + more
            free = shutil.disk_usage(self.folder).free - self._reserved.total()
            if everything > self.total_bytes or more > free:
                raise RequestError(
                    "The room for visitors' files on this server is used up "
                    f"({format_size(self.total_bytes)} for all); try again later."
                )
            self._reserved[visitor] += more

    def release(self, visitor: str, reserved: int) -> None:
        """Give back what was set aside; what was written in the meantime counts by itself."""
        with self._lock:
            self._total += reserved  # as if it had been written, until the next look
            self._reserved[visitor] -= reserved
            self._reserved += Counter()  # forgets who has nothing

    def entry_of(self, path: str) -> Path:
        """The folder of an uploaded file, which lives and goes as one with it."""
        parent = Path(path).parent
        return Path(path) if parent == self.folder else parent

    def charge(self, visitor: str, path: Path) -> None:
        """Note that a file or folder is a visitor's."""
        with self._lock:
            self._written[visitor].add(path)

    def count(self, visitor: str) -> int:
        """Bytes on the disk that are a visitor's."""
        with self._lock:
            return self._count_of(visitor)

    def sweep(self) -> None:
        """Remove what is old."""
        is_crowded = measure(self.folder) > _CROWDED * self.total_bytes
        oldest = time.time() - (self._crowded_s if is_crowded else self._lifetime_s)
        for path in self._entries():
            if newest_time(path) < oldest:
                remove(path)
        with self._lock:
            for visitor, paths in list(self._written.items()):
                paths -= {path for path in paths if not path.exists()}
                if not paths:
                    del self._written[visitor]

    def remove_dead_uploads(self) -> None:
        """Remove what Gradio began to write for an upload that has ended.

        Such files lie at the top of the folder, are open as long as their upload lasts, and go elsewhere when
        it is whole. To be called in the thread of the event loop, where that going is one step.
        """
        begun = {entry.path for entry in os.scandir(self.folder) if entry.is_file()}
        if begun:
            alive = {file.path for file in psutil.Process().open_files()}
            for path in begun - alive:
                remove(Path(path))

    def _entries(self) -> Iterable[Path]:
        """What lives and goes as one."""
        for path in list(self.folder.iterdir()):
            if path.name == PHOTOS:
                yield from list(path.iterdir())
            elif path.is_dir():
                yield path

    def _count_all(self) -> int:
        """About what all of it takes; looking through the folder takes a while."""
        if time.monotonic() - self._looked_at > _LOOK_S:
            self._total, self._looked_at = measure(self.folder), time.monotonic()
        return self._total

    def _count_of(self, visitor: str) -> int:
        return sum(measure(path) for path in self._written.get(visitor, ()))


def measure(path: Path) -> int:
    """Bytes that a file or folder takes; 0 = it is not there."""
    return sum(max(found.st_blocks * 512, _SMALLEST_BYTES) for found in _stats(path))


def newest_time(path: Path) -> float:
    """When a file or something in a folder was last written; infinity = it is not there."""
    return max((found.st_mtime for found in _stats(path)), default=float("inf"))


def remove(path: Path) -> None:
    """Remove a file or folder; one that is not there is no error."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def _stats(path: Path) -> Iterable[os.stat_result]:
    """Of a file or folder and everything in it; what goes meanwhile is left out."""
    with suppress(OSError):
        found = path.lstat()
        yield found
        if stat.S_ISDIR(found.st_mode):
            yield from _stats_in(str(path))


def _stats_in(folder: str) -> Iterable[os.stat_result]:
    """Of everything in a folder."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                yield entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    yield from _stats_in(entry.path)
