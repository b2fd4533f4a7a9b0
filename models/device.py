"""Where a network runs and in which precision, and the reason for both in words.

Training, restoring and ``remend doctor`` ask here; nothing else looks at the hardware.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch

from remend.models.device_names import DeviceName, PrecisionName
from remend.models.errors import OptionError

DTYPES: dict[str, torch.dtype] = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}


@dataclass(frozen=True, slots=True)
class Placement:
    """A device, the precision of convolutions on it, and why."""

    device: torch.device
    dtype: torch.dtype
    reason: str

    def autocast(self) -> AbstractContextManager[object]:
        """Context in which convolutions and products run in ``dtype``."""
        enabled = self.dtype != torch.float32
        return torch.autocast(self.device.type, self.dtype if enabled else None, enabled=enabled)


def cpu_has_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware; emulation is 10 to 100 times slower."""
    read: Any = getattr(torch.cpu, "get_capabilities", None)
    capabilities: Mapping[str, Any] = read() if read else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def device_name(device: torch.device) -> str:
    """A GPU's model, or how many threads of the CPU compute, for records of what a run took."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{threads} CPU thread{'s' if threads > 1 else ''}" if device.type == "cpu" else "a GPU"


def choose_device(name: DeviceName = "auto") -> torch.device:
    """The device of that name, or the fastest one present.

    Raises:
        OptionError: The named device is not present.
    """
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.mps.is_available()}
    if name == "auto":
        return torch.device("cuda" if present["cuda"] else "mps" if present["mps"] else "cpu")
    if not present[name]:
        have = ", ".join(device for device, there in present.items() if there)
        raise OptionError("device", name, f"is not available: this torch sees {have}", "auto")
    return torch.device(name)


def choose_placement(device: DeviceName = "auto", precision: PrecisionName = "auto") -> Placement:
    """Pick device and precision; ``auto`` takes 16 bits only where the hardware computes them."""
    chosen = choose_device(device)
    if precision != "auto":
        return Placement(chosen, DTYPES[precision], f"{precision} on {chosen} as asked for")
    if chosen.type == "cuda":
        if torch.cuda.is_bf16_supported():
            return Placement(chosen, torch.bfloat16, "bf16: this GPU has it, at twice the speed")
        return Placement(chosen, torch.float16, "fp16: this GPU has no bf16")
    if chosen.type == "cpu" and cpu_has_bf16():
        return Placement(chosen, torch.bfloat16, "bf16: this CPU has instructions for it")
    why = "has no bf16 instructions" if chosen.type == "cpu" else "is only tested in fp32"
    return Placement(chosen, torch.float32, f"fp32: this {chosen.type.upper()} {why}")
