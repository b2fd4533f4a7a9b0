"""What a device and a precision can be called; read by the command line, which must not wait for torch."""

from typing import Literal

DeviceName = Literal["auto", "cpu", "cuda", "mps"]
PrecisionName = Literal["auto", "fp32", "bf16", "fp16"]
