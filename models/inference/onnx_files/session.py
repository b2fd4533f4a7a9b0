"""One ONNX file in a process of its own: opened under limits, run, opened again after a crash."""

import importlib.util
import signal
import sys
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
import torch
from numpy.typing import NDArray

from remend.models.errors import InputError, PassingError, RequestError
from remend.models.storage.helper_process import HelperProcess, describe_end

Values = NDArray[Any]

_MOST_MIB = 300
"""Memory that opening a file may take beside its own size."""
_COPIES = 2
"""Of the file, while it is opened: the message, and the weights in the order that suits the processor."""
_STACK_BYTES = 8 << 20  # of a thread
_SECONDS, _BYTES_A_SECOND = 3.0, 50_000_000
"""Of the processor that opening a file may take, and a second more for each so many bytes."""
_PATIENCE_S = 120.0
"""In which a file must be open; the processor may be busy with other things."""
_RUN_S = 900.0
"""In which one run must end."""
_SHARE = 0.8  # of the free memory that a run may take
_CRASHES = frozenset(
    -getattr(signal, name, 0) for name in ("SIGSEGV", "SIGABRT", "SIGILL", "SIGFPE")
)
"""Exit statuses that the file is to blame for; others end a process from outside, as where memory ran out."""
_PROGRAM = Path(__file__).with_name("worker.py")


class Port(NamedTuple):
    """An input or output: its name, ONNX Runtime's name of its type, and its sides; None = free."""

    name: str
    kind: str
    shape: tuple[int | None, ...]


class RunError(Exception):
    """The network cannot run on what it was given; the message is ONNX Runtime's."""


class Session:
    """A network that ONNX Runtime has loaded in another process.

    Args:
        path: The file, checked by `check_onnx`.
        device: Where to run it; devices that ONNX Runtime does not have here become the CPU.

    Attributes:
        inputs, outputs: What it takes and gives.
        uses_gpu: Whether it runs there.
        texts: The names of what the file says about itself.

    Raises:
        RequestError: It is no network, or wants more memory or time than such a file may; a PassingError
            where this computer has no more of them.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    uses_gpu: bool
    texts: frozenset[str]

    def __init__(self, path: Path, device: torch.device) -> None:
        self.path = path.absolute()
        self._device = device
        self._is_free = (
            device.type == "cuda"
        )  # limits of memory do not go with a GPU's address space
        self._start()

    def close(self) -> None:
        """End the process; the session cannot be used any more."""
        self._end()

    def run(self, feed: Mapping[str, Values], output: Port) -> Values:
        """One output for arrays by the names of the inputs.

        Raises:
            RunError: The network cannot run on them.
            MemoryError: Memory ran out.
            InputError: The process ended.
        """
        return self._ask("run", dict(feed), output.name, seconds=_RUN_S)

    def lift_limits(self) -> None:
        """From now on it may take most of the memory that is free now, and any time."""
        self._is_free = True
        if not self._process.runs:
            self._start()
        if self._device.type != "cuda":
            self._ask("lift", int(_SHARE * psutil.virtual_memory().available), seconds=_PATIENCE_S)

    def _start(self) -> None:
        self._process = HelperProcess(_PROGRAM, is_silent=True)
        self._end = weakref.finalize(self, _kill, self._process)
        size = self.path.stat().st_size
        threads = torch.get_num_threads()
        self._most = (_MOST_MIB << 20) + _COPIES * size + threads * _STACK_BYTES
        self._seconds = _SECONDS + size / _BYTES_A_SECOND
        limits = None if self._is_free else (self._most, self._seconds)
        gpu = (self._device.index or 0) if self._device.type == "cuda" else None
        try:
            inputs, outputs, provider, texts = self._ask(
                "open", str(self.path), gpu, threads, limits, seconds=_PATIENCE_S
            )
        except RunError as error:
            raise RequestError(
                f"{self.path} is no network that ONNX Runtime can run ({error}); get the file "
                "again."
            ) from error
        except MemoryError as error:
            raise self.out_of_memory() from error
        self.inputs, self.outputs = _make_ports(inputs), _make_ports(outputs)
        self.uses_gpu = provider == "CUDAExecutionProvider"
        self.texts = frozenset(texts)

    def out_of_memory(self) -> RequestError:
        """The error for memory that ran out while the file was opened or first tried."""
        # Where memory has no limit, or less was free than that, it is not the file's fault.
        if sys.platform == "linux" and psutil.virtual_memory().available > self._most:
            return _greedy(self.path, f"{_MOST_MIB} MiB of memory beside its own size")
        return PassingError(
            f"{self.path} cannot be opened: memory does not suffice; close other programs and try again."
        )

    def _ask(self, *request: Any, seconds: float) -> Any:
        begun = time.monotonic()
        try:
            kind, result = self._process.ask(request, seconds)
        except (EOFError, OSError) as error:
            raise self._ended(seconds if time.monotonic() - begun >= seconds else None) from error
        except BaseException:  # interrupted: the answer to come would be taken for the next one's
            self._end()
            raise
        if kind == "memory":
            raise MemoryError(f"ONNX Runtime ran out of memory with {self.path.name}")
        if kind == "failed":
            raise RunError(result)
        return result

    def _ended(self, waited: float | None) -> RequestError | InputError:
        """The error for a process that ended; ``waited`` = the seconds after which it was killed."""
        status = self._process.end()
        if status == -int(getattr(signal, "SIGXCPU", 0)) and not self._is_free:
            return _greedy(self.path, f"{self._seconds:.0f} s of the processor")
        passing = InputError if self._is_free else PassingError
        if waited is not None:
            return passing(
                f"{self.path.name} did not answer within {waited:.0f} s; try again when this computer has "
                "less to do, or choose another model."
            )
        # Before it runs, nothing was started yet; what else ends it is not the file's doing.
        kind = RequestError if status in _CRASHES and not self._is_free else passing
        return kind(
            f"ONNX Runtime ended while it ran {self.path.name} ({describe_end(status)}); it is damaged, "
            "or memory does not suffice: close other programs or choose another model."
        )


def _kill(process: HelperProcess) -> None:
    """End a process that may be busy for minutes."""
    process.kill()
    process.end()


def _greedy(path: Path, limit: str) -> RequestError:
    """The error for a file that goes beyond what opening it may take."""
    return RequestError(
        f"{path} takes more than {limit} to be opened; it is damaged or malicious, get it elsewhere."
    )


def is_installed() -> bool:
    """Whether ONNX Runtime is there."""
    return importlib.util.find_spec("onnxruntime") is not None


def _make_ports(found: list[tuple[str, str, list[Any]]]) -> tuple[Port, ...]:
    return tuple(
        Port(name, kind, tuple(s if isinstance(s, int) and s > 0 else None for s in shape))
        for name, kind, shape in found
    )


NUMBERS: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
}
"""The types of inputs and outputs that are used here."""
