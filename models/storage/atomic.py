"""Writing a file whole or not at all; every file that Remend leaves on a disk in one piece goes this way.

A process that is killed while it writes leaves a temporary file, whose name nothing else has;
``sweep`` removes those of dead processes and leaves those of running ones.
"""

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed anyway
    fcntl = None

from remend.models.errors import InputError, RequestError
from remend.models.storage.remote import AnyPath, RemotePath


def write_atomic(data: bytes, path: AnyPath) -> None:
    """Put bytes into a file so that at any moment it is wholly the old or wholly the new one.

    Raises:
        RequestError: The folder is missing or may not be written, or the path is a folder.
        InputError: The disk is full or fails.
    """
    if isinstance(path, RemotePath):
        _write_remote(data, path)
    else:
        _put(path, len(data), lambda file: file.write(data))


def copy_atomic(source: Path, path: Path) -> None:
    """Copy a file, however large, as `write_atomic` writes one; errors as there."""
    with source.open("rb") as content:
        size = os.fstat(content.fileno()).st_size
        _put(path, size, lambda file: shutil.copyfileobj(content, file, 1 << 20))


def _put(path: Path, size: int, write: Callable[[BinaryIO], object]) -> None:
    try:
        with _temporary_beside(path) as (temporary, file):
            write(file)
            file.flush()
            os.fsync(file.fileno())
            if fcntl is None:
                file.close()
            os.replace(temporary, path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RequestError(
            f"The folder {path.parent} does not exist, so {path.name} cannot be written; create it."
        ) from error
    except (IsADirectoryError, PermissionError) as error:
        if path.is_dir():
            raise RequestError(f"{path} is a folder; name a file to write.") from error
        raise RequestError(
            f"{path} cannot be written (permission denied); choose another folder."
        ) from error
    except OSError as error:
        if error.errno == errno.EROFS:
            raise RequestError(
                f"{path} cannot be written (the disk is read-only); choose another folder."
            ) from error
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InputError(
                f"The disk of {path.parent} is full: {path.name} needs {size / 1e6:.1f} MB; "
                "free some space and run again."
            ) from error
        raise InputError(
            f"{path} cannot be written ({error.strerror or error}); check the disk and the path."
        ) from error


def _write_remote(data: bytes, path: RemotePath) -> None:
    try:
        path.write_atomic(data)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror or error}); check the storage."
        ) from error


@contextmanager
def _temporary_beside(path: Path) -> Generator[tuple[Path, BinaryIO]]:
    """A new file in the same folder, locked while it is written, gone if that fails."""
    while True:
        # Short and beside the target: the longest names still fit, and the renaming stays on one disk.
        temporary = path.with_name(f".remend-{secrets.token_hex(8)}.tmp")
        with temporary.open("xb") as file:
            try:
                if not _is_ours(file, temporary):
                    continue
                yield temporary, file
            except BaseException:
                file.close()
                temporary.unlink(missing_ok=True)
                raise
            return


def _is_ours(file: BinaryIO, path: Path) -> bool:
    """Lock a file and tell whether it is still there: a sweep may have come between."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
    except OSError as error:
        # Some network disks have no locks; there a sweep finds none either and leaves all files.
        return error.errno not in (errno.EAGAIN, errno.EACCES)


def sweep(folder: AnyPath) -> int:
    """Remove what killed processes left half-written in a folder of a disk; returns how many files."""
    if isinstance(folder, RemotePath):  # no locks show there which files are still being written
        return 0
    removed = 0
    for path in folder.glob(".remend-*.tmp"):
        with suppress(OSError), path.open("rb") as file:  # it may be gone, or another's
            if fcntl is None:
                file.close()
            else:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
            removed += 1
    return removed
