"""Reading files in processes beside this one, so that a decoder that crashes costs one photo.

A process stays for the next file. Nothing here knows formats.
"""

import atexit
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Literal, overload

from remend.models.errors import InputError, RemendError
from remend.models.imaging.decode import decode
from remend.models.imaging.header import Header, header_of, open_picture, worded_errors
from remend.models.imaging.picture import Picture
from remend.models.storage.helper_process import HelperProcess, describe_end, serve

Task = Literal["header", "picture"]
_PROGRAM = Path(__file__).with_name("reader.py")
_MOST_READERS = max(2, os.cpu_count() or 2)
_free = threading.BoundedSemaphore(_MOST_READERS)
_idle: list[HelperProcess] = []


@overload
def read_apart(
    task: Literal["header"], source: Path | bytes, name: str, max_megapixels: float | None
) -> Header: ...
@overload
def read_apart(
    task: Literal["picture"], source: Path | bytes, name: str, max_megapixels: float | None
) -> Picture: ...
def read_apart(
    task: Task, source: Path | bytes, name: str, max_megapixels: float | None
) -> Header | Picture:
    """Read a file's header or picture in another process.

    Args:
        task: What is wanted of it.
        source: Its path, or its bytes.
        name: What messages call it.
        max_megapixels: As for ``open_picture``.

    Raises:
        InputError: As ``open_picture`` and ``decode``, or: the decoder crashed.
    """
    if isinstance(source, Path):
        source = source.absolute()  # the other process has a current folder of its own
    with _free, _reader() as reader:
        try:
            answer = reader.ask((task, source, name, max_megapixels))
        except (EOFError, OSError) as error:
            raise InputError(_crash(name, reader.end())) from error
    if isinstance(answer, Exception):
        raise answer
    return answer


def close_readers() -> None:
    """End the processes that wait for a request; the next request starts a new one."""
    while _idle:
        _idle.pop().end()


@contextmanager
def _reader() -> Generator[HelperProcess]:
    """A process that waits, or a new one; it waits again unless anything was raised."""
    reader = None
    while reader is None and _idle:
        try:
            reader = _idle.pop()
        except IndexError:  # another thread was faster
            break
        if not reader.runs:
            reader.end()
            reader = None
    reader = reader or HelperProcess(_PROGRAM)
    try:
        yield reader
    except BaseException:
        reader.end()
        raise
    _idle.append(reader)


def _crash(name: str, status: int) -> str:
    if status == -9:
        return (
            f"{name} was being decoded when the system ended the decoder, mostly for want of memory; "
            "close other programs or make it smaller."
        )
    return (
        f"{name} makes its decoder crash ({describe_end(status)}); it is damaged or of a rare kind: save it "
        "as PNG with another program."
    )


def _forget_readers() -> None:
    global _free
    _free = threading.BoundedSemaphore(_MOST_READERS)
    while _idle:
        _idle.pop().forget()


atexit.register(close_readers)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_readers)


def serve_pictures() -> None:
    """Answer the requests of `read_apart` until there are no more."""
    serve(_answer)


def _answer(
    task: Task, source: Path | bytes, name: str, max_megapixels: float | None
) -> Header | Picture | RemendError:
    try:
        with (
            worded_errors(name),
            BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream,
            open_picture(stream, name, max_megapixels) as opened,
        ):
            return header_of(opened.image) if task == "header" else decode(opened)
    except RemendError as error:
        return error
