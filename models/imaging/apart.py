"""Reading files in a process beside this one, so that a decoder that crashes costs one photo.

The process runs ``serve``: it takes one request after the other from its standard input, answers on its
standard output, stays for the next one, and ends with this program. It is a new interpreter rather than a
fork: threads and a GPU's context do not survive a fork. It is not Python's ``multiprocessing``, whose
workers run the user's own script again. Nothing here knows formats.
"""

import atexit
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Literal, overload

from remend.models.errors import InputError, RemendError
from remend.models.imaging.decode import decode
from remend.models.imaging.header import Header, header_of, open_picture, worded_errors
from remend.models.imaging.picture import Picture

Task = Literal["header", "picture"]
_PROGRAM = Path(__file__).with_name("reader.py")
_PIPE_BYTES = 2**20
_MOST_READERS = max(2, os.cpu_count() or 2)
_free = threading.BoundedSemaphore(_MOST_READERS)
_idle: "list[_Reader]" = []


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


class _Reader:
    """Another process that reads files."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, _PROGRAM, *map(os.path.abspath, sys.path)],
            cwd=os.path.abspath(os.sep),  # it holds no folder that somebody wants to remove
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            pipesize=_PIPE_BYTES if sys.platform == "linux" else -1,
        )
        assert self._process.stdin and self._process.stdout
        self._input, self._output = self._process.stdin, self._process.stdout

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: Any) -> Any:
        """Send a request and wait for its answer; EOFError or OSError = the process has ended."""
        _send(self._input, request)
        return _receive(self._output)

    def end(self) -> int:
        """End it and return its exit status; negative = the signal that ended it."""
        self._input.close()
        self._output.close()  # what is being written now ends it
        return self._process.wait()

    def forget(self) -> None:
        """Let go of it without ending it, in a process that has it by a fork."""
        self._input.close()
        self._output.close()
        self._process.returncode = 0


@contextmanager
def _reader() -> Generator[_Reader]:
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
    reader = reader or _Reader()
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
    try:
        how = signal.Signals(-status).name
    except ValueError:
        how = f"exit status {status}"
    return (
        f"{name} makes its decoder crash ({how}); it is damaged or of a rare kind: save it as PNG "
        "with another program."
    )


def _forget_readers() -> None:
    global _free
    _free = threading.BoundedSemaphore(_MOST_READERS)
    while _idle:
        _idle.pop().forget()


atexit.register(close_readers)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_readers)


# Messages, in both directions: how many bytes each part has, the pickled object, the arrays as they are.


def _send(pipe: IO[bytes], message: Any) -> None:
    arrays: list[pickle.PickleBuffer] = []
    content = pickle.dumps(message, protocol=5, buffer_callback=arrays.append)
    parts = [content, *(array.raw() for array in arrays)]
    lengths = struct.pack(f"<{len(parts)}Q", *(len(part) for part in parts))
    for part in (struct.pack("<Q", len(parts)), lengths, *parts):
        rest = memoryview(part)
        while rest:
            rest = rest[pipe.write(rest) :]


def _receive(pipe: IO[bytes]) -> Any:
    (number,) = struct.unpack("<Q", _exactly(pipe, 8))
    lengths = struct.unpack(f"<{number}Q", _exactly(pipe, 8 * number))
    content, *arrays = [_exactly(pipe, length) for length in lengths]
    return pickle.loads(content, buffers=arrays)


def _exactly(pipe: Any, length: int) -> memoryview:
    """Read so many bytes; the arrays made of them are read-only, as those of a ``Picture`` are."""
    content = memoryview(bytearray(length))
    rest = content
    while rest:
        read: int = pipe.readinto(rest)
        if not read:
            raise EOFError
        rest = rest[read:]
    return content.toreadonly()


def serve() -> None:
    """Answer requests from standard input on standard output until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends when the program that asks ends
    with open(os.dup(0), "rb", 0) as questions, open(os.dup(1), "wb", 0) as answers:
        # What libraries of C print must be no answer; whether they are heard, the program that asks decides.
        with open(os.devnull, "r+b") as nothing:
            for standard in (0, 1):
                os.dup2(nothing.fileno(), standard)
        while True:
            try:
                request = _receive(questions)
                _send(answers, _answer(*request))
            except (EOFError, OSError):
                return


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
