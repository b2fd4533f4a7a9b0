"""Exported weights give in other runtimes what they give here, at sizes other than that of the export."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from remend.app.cli.main import main
from remend.models.checkpoints.checkpoint import Card, open_network, read_card, save_network
from remend.models.errors import RequestError
from remend.models.generators.inpaint import Inpaint, InpaintConfig
from remend.models.inference.export import FILL_PX, Exported, export_weights

TOLERANCE = 1 / 255


@pytest.fixture(autouse=True)
def names(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMEND_MODELS", str(tiny_weights))


def reference(path: Path) -> nn.Module:
    network, card = open_network(path)
    return Exported(network, fills=card.task == "fill").eval()


def inputs_for(name: str) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(1)
    if name != "fill":
        return (torch.rand(1, 3, 37, 61),)
    mask = torch.zeros(1, 1, FILL_PX, FILL_PX)
    mask[..., 30:90, 100:140] = 1
    mask[..., 300:310, 20:490] = 1
    return torch.rand(1, 3, FILL_PX, FILL_PX), mask


@pytest.mark.parametrize("name", [pytest.param("fill", marks=pytest.mark.slow), "x2-fidelity"])
def test_onnx_runtime_agrees(name: str, tiny_weights: Path, tmp_path: Path):
    import onnxruntime

    target = tmp_path / "model.onnx"
    assert main(["models", "export", name, "--to", "onnx", "-o", str(target)]) == 0
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session: Any = onnxruntime.InferenceSession(str(target), options)
    inputs = inputs_for(name)
    (result,) = session.run(
        ["output"], dict(zip(["image", "mask"], [x.numpy() for x in inputs], strict=False))
    )
    with torch.inference_mode():
        expected = reference(tiny_weights / f"{name}.safetensors")(*inputs).numpy()
    assert result.shape == expected.shape
    assert np.abs(result - expected).max() <= TOLERANCE
    texts = session.get_modelmeta().custom_metadata_map
    assert json.loads(texts["remend"])["name"] == name
    assert json.loads(texts["conventions"])["inputs"]["image"]["range"] == [0, 1]


@pytest.mark.parametrize("name", [pytest.param("fill", marks=pytest.mark.slow), "x2-fidelity"])
def test_torchscript_agrees(name: str, tiny_weights: Path, tmp_path: Path):
    target = tmp_path / "model.pt"
    assert main(["models", "export", name, "--to", "torchscript", "-o", str(target)]) == 0
    texts = {"remend": ""}
    loaded = torch.jit.load(io.BytesIO(target.read_bytes()), _extra_files=texts)
    inputs = inputs_for(name)
    with torch.inference_mode():
        expected = reference(tiny_weights / f"{name}.safetensors")(*inputs)
        assert (loaded(*inputs) - expected).abs().max() <= TOLERANCE
    assert json.loads(texts["remend"])["name"] == name


def test_an_exported_fill_leaves_the_rest_alone(tiny_weights: Path):
    image, mask = inputs_for("fill")
    with torch.inference_mode():
        filled = reference(tiny_weights / "fill.safetensors")(image, mask)
    outside = mask.expand_as(image) == 0
    assert torch.equal(filled[outside], image[outside])


def test_fp16_halves_the_file_and_stays_ours(
    tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert main(["models", "export", "x2-fidelity", "--to", "fp16"]) == 0
    assert read_card(tmp_path / "x2-fidelity-fp16.safetensors") == read_card(
        tiny_weights / "x2-fidelity.safetensors"
    )


def test_an_unknown_form_and_a_missing_package_are_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert main(["models", "export", "fill", "--to", "caffe"]) == 2
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    target = str(tmp_path / "x.onnx")
    assert main(["models", "export", "fill", "--to", "onnx", "-o", target]) == 2
    complaint = capsys.readouterr().err
    assert "remend[export]" in complaint and "Traceback" not in complaint
    assert not Path(target).exists()


def test_a_fill_that_copies_while_it_fills_is_refused_but_in_half_precision(tmp_path: Path):
    shape = {"coarse_width": 16, "coarse_blocks": 2, "width": 16, "half_blocks": 1, "copied": True}
    source, target = tmp_path / "copying.safetensors", tmp_path / "out"
    network = Inpaint(InpaintConfig(**shape))
    save_network(source, network, Card("fill", "inpaint", dict(shape)))
    with pytest.raises(RequestError, match=r"generator\.copied"):
        export_weights(source, "onnx", target)
    export_weights(source, "fp16", target)
    assert read_card(target).config["copied"] is True
