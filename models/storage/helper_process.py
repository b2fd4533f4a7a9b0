"""A process beside this one that answers requests, so that what crashes there costs one answer.

It is a new interpreter rather than a fork: threads and a GPU's context do not survive a fork. It is not
Python's ``multiprocessing``, whose workers run the user's own script again. The process takes one request
after the other from its standard input, answers on its standard output, stays for the next one, and ends with
the program that asks. Nothing here knows what is asked.
"""

import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

_PIPE_BYTES = 2**20


class HelperProcess:
    """A process that runs a program of ours.

    Args:
        program: A file that calls `serve`; its arguments are this program's module search path.
        is_silent: Whether what it writes to its error stream is dropped.
    """

    def __init__(self, program: Path, *, is_silent: bool = False) -> None:
        self._process = subprocess.Popen(
            [sys.executable, program, *map(os.path.abspath, sys.path)],
            cwd=os.path.abspath(os.sep),  # it holds no folder that somebody wants to remove
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if is_silent else None,
            bufsize=0,
            pipesize=_PIPE_BYTES if sys.platform == "linux" else -1,
        )
        assert self._process.stdin and self._process.stdout
        self._input, self._output = self._process.stdin, self._process.stdout

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def ask(self, request: Any, seconds: float | None = None) -> Any:
        """Send a request and wait for its answer.

        Args:
            request: What can be pickled.
            seconds: After which the process is killed; None = it may take as long as it wants.

        Raises:
            EOFError: The process has ended.
            OSError: The same, while the request was being sent.
        """
        if seconds is None:
            return self._ask(request)
        clock = threading.Timer(seconds, self._process.kill)
        clock.daemon = True
        clock.start()
        try:
            return self._ask(request)
        finally:
            clock.cancel()

    def _ask(self, request: Any) -> Any:
        _send(self._input, request)
        return _receive(self._output)

    def kill(self) -> None:
        """End it at once, whatever it does; `end` must follow."""
        self._process.kill()

    def end(self, seconds: float | None = None) -> int:
        """End it and return its exit status; negative = the signal that ended it.

        Args:
            seconds: To wait for its end; 0 is returned where it takes longer. None = as long as it takes.
        """
        self._input.close()
        self._output.close()  # what is being written now ends it
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.returncode = 0  # nobody waits for it any more
            return 0

    def forget(self) -> None:
        """Let go of it without ending it, in a process that has it by a fork."""
        self._input.close()
        self._output.close()
        self._process.returncode = 0


def describe_end(status: int) -> str:
    """What ended a process, for the brackets of a sentence."""
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"exit status {status}"


def serve(answer: Callable[..., Any]) -> None:
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
                _send(answers, answer(*request))
            except (EOFError, OSError):
                return


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
