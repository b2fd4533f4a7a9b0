"""Weights for other programs: ONNX, TorchScript, or a safetensors file in half precision.

Exported files follow the conventions of the field, not our own: RGB in [0, 1], (1, 3, H, W), mask 1 =
fill; they are written into the file beside the card. Tiles, crops and texture transfer are not exported:
they are no part of the network.
"""

import importlib.util
import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from remend.models.checkpoints.card import Card, has_card
from remend.models.checkpoints.checkpoint import open_network, save_network
from remend.models.errors import RequestError
from remend.models.inference.contracts import FillNetwork, Network, UpscaleNetwork
from remend.models.inference.foreign import holds_onnx, open_foreign
from remend.models.storage.atomic import write_atomic

Form = Literal["onnx", "torchscript", "fp16"]
SUFFIXES: Mapping[Form, str] = {
    "onnx": ".onnx",
    "torchscript": ".pt",
    "fp16": ".safetensors",
}
FILL_PX = 512
"""Sides of what an exported fill takes: its quick fill is solved on a grid that is fixed with the file."""
OPSET = 18


class Exported(nn.Module):
    """A network behind the conventions of other programs.

    Args:
        network: In float32 and evaluation mode, with our conventions.
        fills: Whether it takes a mask; outside of it the image then comes back as it went.
    """

    def __init__(self, network: Network, *, fills: bool) -> None:
        super().__init__()
        self.network, self.fills = network, fills

    def forward(self, image: Tensor, mask: Tensor | None = None) -> Tensor:
        """Restore an image (1, 3, H, W) in [0, 1]; those that fill take a mask (1, 1, H, W)."""
        conditions = () if mask is None else (mask,)
        restored = ((self.network(image * 2 - 1, *conditions).refined + 1) / 2).clamp(0, 1)
        return restored if mask is None else image + mask * (restored - image)


def export_weights(source: Path, form: Form, target: Path) -> None:
    """Write a weights file for other programs, whole or not at all.

    Args:
        source: Weights of Remend or of another maker.
        form: ``onnx``: one file for ONNX Runtime, chaiNNer and others; ``torchscript``: for programs that
            have torch alone; ``fp16``: safetensors of half the size, for Remend itself.
        target: The file to write.

    Raises:
        RequestError: No such weights, weights that restore nothing, or a package is missing.
    """
    if holds_onnx(source):
        raise RequestError(f"{source} is an ONNX file already; export weights of another form.")
    network, card = open_network(source) if has_card(source) else open_foreign(source)
    if not isinstance(network, FillNetwork if card.task == "fill" else UpscaleNetwork):
        raise RequestError(f"{source} holds a network for {card.task!r}; export one that restores.")
    if form == "fp16":
        if not has_card(source):
            raise RequestError(
                f"{source} was not made by Remend and has no card to keep; export it to onnx."
            )
        save_network(target, network, card)
        return
    if getattr(network, "copies_texture", False):
        raise RequestError(
            f"{source} copies texture while it fills (generator.copied), which {form} cannot hold; "
            "export weights that were trained without it, or to fp16."
        )
    module = Exported(network.at_detail(1.0), fills=card.task == "fill").eval()
    texts = {"remend": json.dumps(asdict(card)), "conventions": json.dumps(describe(card))}
    write = {"onnx": _to_onnx, "torchscript": _to_torchscript}[form]
    write_atomic(write(module, texts), target)


def describe(card: Card) -> dict[str, Any]:
    """What another program must know to run the file."""
    fills = card.task == "fill"
    side = FILL_PX if fills else "any"
    return {
        "inputs": {
            "image": {"layout": "NCHW", "channels": "RGB", "range": [0, 1], "sides_px": side},
            **(
                {"mask": {"layout": "NCHW", "fill": 1, "keep": 0, "sides_px": side}}
                if fills
                else {}
            ),
        },
        "output": {"layout": "NCHW", "channels": "RGB", "range": [0, 1], "scale": card.scale},
        "before": "divide 8-bit values by 255; no mean or deviation is taken off",
        "after": "multiply by 255 and round",
    }


def _example(module: Exported) -> tuple[Tensor, ...]:
    if not module.fills:
        return (torch.rand(1, 3, 48, 40),)
    mask = torch.zeros(1, 1, FILL_PX, FILL_PX)
    mask[..., 200:300, 220:330] = 1
    return torch.rand(1, 3, FILL_PX, FILL_PX), mask


def _to_onnx(module: Exported, texts: Mapping[str, str]) -> bytes:
    for package in ("onnx", "onnxscript"):
        if importlib.util.find_spec(package) is None:
            raise RequestError(
                "Export to ONNX needs the extra 'export': pip install 'remend[export]'."
            )
    names = ["image", "mask"] if module.fills else ["image"]
    free = None if module.fills else ({2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC},)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        onnx: Any = torch.onnx  # its own annotations are incomplete, as are those of torch.jit
        program = onnx.export(
            module,
            _example(module),
            input_names=names,
            output_names=["output"],
            opset_version=OPSET,
            dynamic_shapes=free,
            dynamo=True,
            # It takes the 1e-8 that a norm adds before its root for nothing; ONNX Runtime has its own.
            optimize=False,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    for key, text in texts.items():
        model.metadata_props.add(key=key, value=text)
    return model.SerializeToString()


def _to_torchscript(module: Exported, texts: Mapping[str, str]) -> bytes:
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        jit: Any = torch.jit
        traced = jit.trace(module, _example(module), check_trace=False)
        return traced.save_to_buffer(_extra_files=dict(texts))
