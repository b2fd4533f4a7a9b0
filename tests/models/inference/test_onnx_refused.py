"""ONNX files that restore no photos, or are broken: refused in one sentence."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from remend.models.errors import RequestError
from remend.models.inference.restorer import load_restorer
from tests.helpers.onnx_graphs import FREE, filler, make_file, upscaler
from tests.models.inference.test_spandrel_adapter import FP32


def float64() -> onnx.ModelProto:
    port = ("image", TensorProto.DOUBLE, FREE)
    node = onnx.helper.make_node("Identity", ["image"], ["output"])
    return make_file([node], [port], ("output", *port[1:]))


def external() -> onnx.ModelProto:
    model = upscaler()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return model


def three_inputs() -> onnx.ModelProto:
    model = filler()
    model.graph.input.append(onnx.helper.make_tensor_value_info("strength", TensorProto.FLOAT, [1]))
    return model


def unknown_operator() -> onnx.ModelProto:
    model = upscaler()
    model.graph.node[0].op_type = "Harm"
    return model


def odd_factor() -> onnx.ModelProto:
    model = upscaler()
    scales = np.array([1, 1, 1.5, 1.5], np.float32)
    model.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(scales, "scales"))
    return model


REFUSED: dict[str, tuple[onnx.ModelProto | bytes, str]] = {
    "external": (external(), "keeps its weights in another file"),
    "float64": (float64(), r"has tensor\(double\) in 'image'"),
    "three inputs": (three_inputs(), "takes 3 inputs and gives 1 outputs"),
    "channels last": (upscaler(shape=("n", "h", "w", 3)), "channels last in 'image'"),
    "four channels": (upscaler(shape=("n", 4, "h", "w")), "has 4 channels in 'image'"),
    "batch": (upscaler(shape=(4, 3, "h", "w")), r"has the shape 4 x 3 x \? x \? in 'image'"),
    "large": (upscaler(shape=(1, 3, 9000, 9000)), "accepts 9000 x 9000 px only"),
    "masks": (
        filler(names=("a", "b"), shapes=(("n", 3, "h", "w"), ("n", 3, "h", "w"))),
        "does not say which of 'a' and 'b' is a mask",
    ),
    "operator": (unknown_operator(), "is no network that ONNX Runtime can run"),
    "factor": (odd_factor(), "no whole factor"),
    "short": (upscaler().SerializeToString()[:-20], "is cut short|is no ONNX file"),
    "text": (b"hello", "first bytes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_network_for_photos_is_refused_in_one_sentence(name: str, tmp_path: Path):
    content, sentence = REFUSED[name]
    path = tmp_path / "m.onnx"
    path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
    with pytest.raises(RequestError, match=sentence) as caught:
        load_restorer(path, FP32)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
