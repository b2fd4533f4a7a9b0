"""A folder of one process in the system's temporary folder, gone when the process ends or is found dead.

The process holds a lock on its folder. One that was killed, or whose machine lost power, holds none any more:
the next process that wants such a folder removes what it left.
"""

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where nothing tells the folders of dead processes
    fcntl = None


@contextmanager
def private_folder(prefix: str) -> Generator[Path]:
    """A new folder that only this user can read; those of dead processes are removed first.

    Args:
        prefix: What the names of such folders begin with, and nothing else.
    """
    sweep_folders(prefix)
    folder, lock = _make_locked(prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def sweep_folders(prefix: str) -> int:
    """Remove this user's folders of that prefix that no process holds; returns how many."""
    removed = 0
    if fcntl is None:
        return removed
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):  # held, gone meanwhile, or another's
            lock = _lock(folder)
            try:
                if os.fstat(lock).st_uid == os.getuid():
                    shutil.rmtree(folder, ignore_errors=True)
                    removed += 1
            finally:
                os.close(lock)
    return removed


def _make_locked(prefix: str) -> tuple[Path, int | None]:
    """A folder and the lock on it; a sweep may come between the two."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        if fcntl is None:
            return folder, None
        try:
            lock = _lock(folder)
        except FileNotFoundError:
            continue
        except OSError:
            if folder.is_dir():  # some disks have no locks; there a sweep leaves all folders
                return folder, None
            continue
        if folder.is_dir() and os.path.samestat(os.fstat(lock), folder.stat()):
            return folder, lock
        os.close(lock)


def _lock(folder: Path) -> int:
    """Open a folder, never through a link, and lock it; an ``OSError`` where another holds it."""
    assert fcntl is not None
    handle = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle
