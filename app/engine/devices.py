"""From the values of the options device, precision and threads to a placement.

The choice itself is in ``models.device``; here are only the names and numbers that a user may give.
"""

from collections.abc import Callable
from dataclasses import replace

import torch

from remend.models.device import Placement, choose_placement
from remend.models.device_names import PrecisionName
from remend.models.errors import OptionError


def resolve_placement(
    device: str, precision: PrecisionName, threads: int | None, note: Callable[[str], None]
) -> Placement:
    """Choose where networks run.

    Args:
        device: ``auto``, ``cpu``, ``cuda``, ``mps``, or as in realesrgan-ncnn-vulkan the numbers of GPUs,
            -1 = the CPU.
        precision: Of the arithmetic.
        threads: Of the CPU; None = torch's choice.
        note: Called with a sentence about what differs from the request.

    Raises:
        OptionError: There is no such device here, or no such number of threads.
    """
    if threads is not None:
        if threads < 1:
            raise OptionError("threads", threads, "is not possible", "1 or more")
        torch.set_num_threads(threads)
    match device:
        case "auto" | "cpu" | "cuda" | "mps":
            return choose_placement(device, precision)
        case "-1":
            return choose_placement("cpu", precision)
    first, *others = device.split(",")
    if not all(number.isdecimal() for number in (first, *others)):
        limit = "auto, cpu, cuda, mps, or the number of a GPU"
        raise OptionError("device", device, "is unknown", limit)
    if others:
        note(f"One GPU works at a time; of {device} it is {first}.")
    return _place_on_gpu(int(first), precision)


def resolve_placements(
    device: str, precision: PrecisionName, threads: int | None
) -> list[Placement]:
    """As ``resolve_placement`` for every device of a list such as ``0,1``; each only once."""
    names = list(dict.fromkeys(device.split(",")))
    return [resolve_placement(name, precision, threads, lambda _: None) for name in names]


def _place_on_gpu(index: int, precision: PrecisionName) -> Placement:
    if index == 0 and torch.mps.is_available():
        return choose_placement("mps", precision)
    count = torch.cuda.device_count()
    if index >= count:
        raise OptionError("device", index, f"is not available: torch sees {count} GPUs", "auto")
    return replace(choose_placement("cuda", precision), device=torch.device("cuda", index))
