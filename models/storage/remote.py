"""Files behind a URL, such as ``s3://bucket/album``: pathlib's names, fsspec's storage.

A `RemotePath` has no links, no appending and no permissions, which nothing here needs. ``file://`` is a plain
``Path``. Which kinds of storage there are depends on the packages of fsspec that are installed; those
packages find the credentials.
"""

import contextlib
import errno
import importlib
import io
import re
import secrets
import time
from collections.abc import Generator, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NamedTuple

from remend.models.errors import RequestError

_URL = re.compile(r"([a-z][a-z0-9+.-]+)://(.*)", re.IGNORECASE)
_BLOCK_BYTES = 2**20  # a header needs one request, a photo a few
# Object stores: what is put there appears whole or not at all. Elsewhere a file grows while it is written.
_PUT_WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "memory"})


class Stat(NamedTuple):
    """Size and time of a file, by the names that ``os.stat`` gives them."""

    st_size: int
    st_mtime_ns: int


class RemotePath(PurePosixPath):
    """A file or folder behind a URL; written ``s3://bucket/name``, its first part is ``s3:``.

    Whatever goes wrong in reading and writing is an ``OSError``.
    """

    def __str__(self) -> str:
        scheme, colon, rest = super().__str__().partition(":/")
        return f"{scheme}://{rest}" if colon else scheme

    def absolute(self) -> "RemotePath":
        """Itself: a URL says all."""
        return self

    def resolve(self) -> "RemotePath":
        """Itself: there are no links."""
        return self

    def open(self, mode: str = "rb") -> BinaryIO:
        """Open for reading, in bytes."""
        with _as_os_errors():
            return self._storage().open(str(self), mode, block_size=_BLOCK_BYTES)

    def read_bytes(self) -> bytes:
        """All of it."""
        with _as_os_errors():
            return self._storage().cat_file(str(self))

    def write_atomic(self, content: bytes) -> None:
        """Make or replace it; no reader sees it half-written."""
        storage = self._storage()
        with _as_os_errors():
            if self.parts[0][:-1] in _PUT_WHOLE:
                storage.pipe_file(str(self), content)
                return
            temporary = str(self.with_name(f".remend-{secrets.token_hex(8)}.tmp"))
            try:
                storage.pipe_file(temporary, content)
                storage.mv(temporary, str(self))
            except BaseException:
                with contextlib.suppress(Exception):
                    storage.rm_file(temporary)
                raise

    def unlink(self) -> None:
        """Remove it."""
        with _as_os_errors():
            self._storage().rm_file(str(self))

    def mkdir(self, parents: bool = True, exist_ok: bool = True) -> None:
        """Make the folder and those above it, where the storage has folders."""
        with _as_os_errors():
            self._storage().makedirs(str(self), exist_ok=exist_ok)

    def exists(self) -> bool:
        """Whether it is a file or a folder."""
        with _as_os_errors():
            return self._storage().exists(str(self))

    def is_file(self) -> bool:
        """Whether it is a file."""
        with _as_os_errors():
            return self._storage().isfile(str(self))

    def is_dir(self) -> bool:
        """Whether it is a folder, or what many names begin with."""
        with _as_os_errors():
            return self._storage().isdir(str(self))

    def stat(self) -> Stat:
        """Size and time; a storage that does not know times always says now, so nothing seems unchanged."""
        storage = self._storage()
        with _as_os_errors():
            size = storage.size(str(self))
            try:
                changed = int(storage.modified(str(self)).timestamp() * 1e6) * 1000
            except NotImplementedError:
                changed = time.time_ns()
        return Stat(size or 0, changed)

    def files(self, *, recursive: bool) -> Iterator["RemotePath"]:
        """The files in the folder, or in folders below it too; one request for many."""
        storage = self._storage()
        with _as_os_errors():
            base = storage._strip_protocol(str(self)).rstrip("/")
            found = storage.find(str(self), maxdepth=None if recursive else 1)
        for name in found:
            yield self / name[len(base) :].lstrip("/")

    def glob_here(self) -> Iterator["RemotePath"]:
        """The files that its name matches as a pattern."""
        storage = self._storage()
        with _as_os_errors():
            base = storage._strip_protocol(f"{self.parts[0]}//x")[:-1]
            found = storage.glob(str(self))
        for name in found:
            yield RemotePath(self.parts[0], name.removeprefix(base).lstrip("/"))

    def _storage(self) -> Any:
        return _open_storage(str(self))


AnyPath = Path | RemotePath


def to_path(text: str) -> AnyPath:
    """A path, or what a URL names.

    Raises:
        RequestError: The URL's scheme is unknown, or a package is missing for it.
    """
    match = _URL.fullmatch(text)
    if match is None:
        return Path(text)
    if match[1].lower() in ("file", "local"):
        return Path(match[2])
    path = RemotePath(f"{match[1].lower()}:/{match[2]}")
    _open_storage(str(path))
    return path


def _open_storage(url: str) -> Any:
    """The storage of a URL; fsspec keeps one of each."""
    scheme = url.partition(":")[0]
    try:
        fsspec: Any = importlib.import_module("fsspec")
    except ImportError as error:
        raise RequestError(
            f"{url} needs the package fsspec; install it with: pip install fsspec"
        ) from error
    try:
        # Listings are not kept: other processes and machines write there too.
        return fsspec.url_to_fs(url, use_listings_cache=False)[0]
    except ImportError as error:
        raise RequestError(
            f"{scheme}:// needs a package that is not installed here ({error}); install it with pip."
        ) from error
    except ValueError as error:
        raise RequestError(
            f"{scheme}:// is no storage that fsspec knows; write a path, or a URL such as "
            "s3://bucket/folder."
        ) from error
    except Exception as error:  # each storage raises errors of its own
        raise RequestError(f"{url} cannot be reached ({error}); check the address.") from error


@contextlib.contextmanager
def _as_os_errors() -> Generator[None]:
    """Make an ``OSError`` with an explanation of whatever a storage raises."""
    try:
        yield
    except (NotImplementedError, io.UnsupportedOperation) as error:
        raise OSError(errno.ENOTSUP, "the storage cannot do that") from error
    except OSError as error:
        if error.errno is None:
            code: dict[type[OSError], int] = {
                FileNotFoundError: errno.ENOENT,
                PermissionError: errno.EACCES,
            }
            raise type(error)(code.get(type(error), errno.EIO), str(error)) from error
        raise
    except Exception as error:
        raise OSError(errno.EIO, f"{type(error).__name__}: {error}") from error
