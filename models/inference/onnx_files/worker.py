"""The program of a process that runs one ONNX file for another one (``models.inference.onnx_files.session``).

Its arguments are the module search path of the program that starts it. It loads neither torch nor the rest of
Remend. An ONNX file runs nothing but the operators of ONNX Runtime, but these may take all memory or never
end, and a broken file may crash them: so they are here, under limits.
"""

import importlib
import math
import re
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

try:
    import resource
except ImportError:  # Windows, where the time that the other process waits is the only limit
    resource = None

_LONGEST = 160
"""Letters of a message that are passed on."""
Port = tuple[str, str, list[int | str | None]]
"""Name, type and shape of an input or output; sides without a number are free."""
Answer = tuple[str, Any]
"""``("good", result)``, ``("memory", "")`` or ``("failed", why)``."""


class _Worker:
    """Answers the questions about one file."""

    def __init__(self) -> None:
        self._session: Any = None
        self._tasks: dict[str, Callable[..., Any]] = {
            "open": self.open,
            "run": self.run,
            "lift": self.lift,
        }

    def answer(self, task: str, *arguments: Any) -> Answer:
        """What a task gives, or why it failed."""
        try:
            return "good", self._tasks[task](*arguments)
        except MemoryError:
            return "memory", ""
        except Exception as error:  # ONNX Runtime has a dozen kinds, the file is of unknown origin
            text = " ".join(str(error).split())
            is_memory = any(word in text.lower() for word in ("bad_alloc", "failed to allocate"))
            return ("memory", "") if is_memory else ("failed", _shorten(text))

    def open(
        self, path: str, gpu: int | None, threads: int, limits: tuple[int, float] | None
    ) -> tuple[list[Port], list[Port], str, list[str]]:
        """Load a file; gives its inputs, its outputs, where it runs, and the names of its texts.

        Args:
            path: The file.
            gpu: The number of a GPU; None = the CPU.
            threads: Of the CPU.
            limits: Bytes and seconds of the processor that it may take from now on; None = any.
        """
        runtime: Any = importlib.import_module("onnxruntime")  # has no types
        options = runtime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 4
        options.enable_cpu_mem_arena = False  # which keeps twice the memory that a run needs
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers: list[Any] = ["CPUExecutionProvider"]
        if gpu is not None and "CUDAExecutionProvider" in runtime.get_available_providers():
            if hasattr(runtime, "preload_dlls"):
                runtime.preload_dlls()
            providers.insert(0, ("CUDAExecutionProvider", {"device_id": gpu}))
        if limits is not None:
            _limit(*limits)
        self._session = runtime.InferenceSession(
            path,
            options,
            providers,
            # It runs parts of the network while it is loaded, whatever they take.
            disabled_optimizers=["ConstantFolding"],
        )
        ports = ([(x.name, x.type, x.shape) for x in xs] for xs in self._ends())
        inputs, outputs = ports
        texts = list(self._session.get_modelmeta().custom_metadata_map)
        return inputs, outputs, self._session.get_providers()[0], texts

    def _ends(self) -> tuple[Any, Any]:
        return self._session.get_inputs(), self._session.get_outputs()

    def run(self, feed: Mapping[str, Any], output: str) -> Any:
        """One output of the network for arrays by the names of its inputs."""
        return self._session.run([output], feed)[0]

    def lift(self, more_bytes: int) -> None:
        """From now on the process may take so many bytes more, and any time."""
        _limit(more_bytes, math.inf)


def _shorten(text: str) -> str:
    """What ONNX Runtime says at the end of a message, which begins with files and functions of its own."""
    text = re.split(r"\[ONNXRuntimeError\] : \d+ : \w+ : (?:Load model from .*? failed:)?", text)[
        -1
    ]
    if len(text) > _LONGEST:
        text = "…" + text[-_LONGEST:].partition(" ")[2]
    return "".join(letter if letter.isprintable() else "?" for letter in text).rstrip(". ")


def _limit(more_bytes: int, seconds: float) -> None:
    if resource is None:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = resource.RLIM_INFINITY
    if seconds < math.inf:
        wanted = math.ceil(time.process_time() + seconds)
    if most != resource.RLIM_INFINITY:
        wanted = most if wanted == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(resource.RLIMIT_CPU, (wanted, most))
    with suppress(OSError, ValueError):  # systems other than Linux do not hold it
        pages = int(Path("/proc/self/statm").read_text().split()[5])
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = pages * resource.getpagesize() + more_bytes
        resource.setrlimit(
            resource.RLIMIT_DATA, (wanted if most == -1 else min(wanted, most), most)
        )


if __name__ == "__main__":
    sys.path[:] = sys.argv[1:]
    from remend.models.storage.helper_process import serve

    serve(_Worker().answer)
