"""ONNX files that are broken or made to do harm: memory, time, other files, crashes."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper

from tests.helpers.onnx_graphs import FREE, Shape, filler, make_file, upscaler

_PHOTO = ("image", TensorProto.FLOAT, FREE)
_RESULT = ("output", TensorProto.FLOAT, FREE)
_SMALL: Shape = (1, 3, 64, 64)


def field(number: int, content: bytes) -> bytes:
    """A field of a message that holds bytes."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number: int) -> bytes:
    """A number as Protocol Buffers write it."""
    written = b""
    while number > 127:
        written += bytes([number & 127 | 128])
        number >>= 7
    return written + bytes([number])


def with_graph(content: bytes) -> bytes:
    """A file around the bytes of a graph."""
    return b"\x08\x08" + field(7, content)


def _greedy(shape: list[int], photo: Shape = FREE) -> ModelProto:
    """Adds a constant to the photo that is as large as it likes."""
    make = helper.make_node
    nodes = [
        make("ConstantOfShape", ["shape"], ["many"]),
        make("ReduceSum", ["many"], ["sum"], keepdims=0),
        make("Add", ["image", "sum"], ["output"]),
    ]
    ports = [("image", TensorProto.FLOAT, photo)], ("output", TensorProto.FLOAT, photo)
    return make_file(nodes, *ports, {"shape": np.array(shape, np.int64)})


def _endless(photo: Shape = FREE) -> ModelProto:
    """A loop that never ends."""
    make = helper.make_node
    scalar = helper.make_tensor_value_info
    body = helper.make_graph(
        [make("Identity", ["go"], ["go_on"]), make("Add", ["x", "x"], ["y"])],
        "body",
        [scalar("i", TensorProto.INT64, []), scalar("go", TensorProto.BOOL, []),
         scalar("x", TensorProto.FLOAT, None)],
        [scalar("go_on", TensorProto.BOOL, []), scalar("y", TensorProto.FLOAT, None)],
    )  # fmt: skip
    node = make("Loop", ["", "yes", "image"], ["output"], body=body)
    ports = [("image", TensorProto.FLOAT, photo)], ("output", TensorProto.FLOAT, photo)
    return make_file([node], *ports, {"yes": np.array(True)})


def _slow(steps: int) -> ModelProto:
    """Products of large matrices, one after the other."""
    make = helper.make_node
    nodes = [make("ConstantOfShape", ["shape"], ["m0"])]
    nodes += [make("MatMul", [f"m{n}", "m0"], [f"m{n + 1}"]) for n in range(steps)]
    nodes += [
        make("ReduceSum", [f"m{steps}"], ["sum"], keepdims=0),
        make("Add", ["image", "sum"], ["output"]),
    ]
    return make_file(nodes, [_PHOTO], _RESULT, {"shape": np.array([3000, 3000], np.int64)})


def _nested(depth: int) -> bytes:
    """A graph in a node in a graph: attribute 6 of field 5 of node 1."""
    content = b""
    for _ in range(depth):
        content = field(1, field(5, field(6, content)))
    return with_graph(content)


def _outside(location: str, *, says_so: bool = True) -> ModelProto:
    """Keeps its numbers in another file."""
    model = upscaler()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    if says_so:
        tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return model


def _lying(change: str, value: Any) -> ModelProto:
    model = upscaler()
    tensor = model.graph.initializer[0]
    if change == "dims":
        tensor.ClearField("dims")
        tensor.dims.extend(value)
    else:
        setattr(tensor, change, value)
    return model


def _cycle() -> ModelProto:
    make = helper.make_node
    nodes = [make("Add", ["image", "b"], ["a"]), make("Identity", ["a"], ["b"])]
    return make_file([*nodes, make("Identity", ["b"], ["output"])], [_PHOTO], _RESULT)


def _many_nodes(count: int) -> ModelProto:
    make = helper.make_node
    names = ["image", *(f"n{n}" for n in range(count - 1)), "output"]
    nodes = [make("Relu", [a], [b]) for a, b in itertools.pairwise(names)]
    return make_file(nodes, [_PHOTO], _RESULT)


def hostile_onnx() -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files."""
    models = [
        _greedy([100_000, 100_000]),
        _greedy([1 << 40]),
        _greedy([30_000, 30_000], _SMALL),
        _greedy([-5]),
        _endless(),
        _endless(_SMALL),
        _slow(200),
        _outside("/etc/passwd"),
        _outside("../../../../etc/passwd"),
        _outside("/etc/passwd", says_so=False),
        _lying("dims", [1 << 40]),
        _lying("dims", [1 << 20, 1 << 20, 1 << 20]),
        _lying("dims", [-4]),
        _lying("dims", [1] * 100_000),
        _lying("data_type", 99),
        _lying("raw_data", b""),
        _lying("raw_data", b"x" * 15),
        _cycle(),
        _many_nodes(60_000),
        upscaler(shape=(1, 3, 1 << 30, 1 << 30)),
        upscaler(shape=(1, 3, 100_000, 100_000), output=(1, 3, 200_000, 200_000)),
        upscaler(shape=("n", 3, "h", "w"), scale=1000),
        filler(shapes=((1, 3, 64, 64), (1, 1, 8, 8))),
        filler(shapes=((1, 3, 20_000, 20_000), (1, 1, 20_000, 20_000))),
    ]
    for model in models:
        yield "harm.onnx", model.SerializeToString()
    for depth in (10, 50, 5_000):
        yield "deep.onnx", _nested(depth)
    for content in (
        b"\x0a\x00" * 240_000,  # nodes without anything in them
        b"\x0a\x00" * 3_000_000,
        field(5, b"\x08\x01" * 230_000),  # a tensor of so many dimensions
        field(1, field(4, b"x" * 5_000_000)),
        field(5, varint(9 << 3 | 2) + varint(1 << 60)),
        b"\x0b" * 1_000,
        b"\xff" * 1_000,
    ):
        yield "lie.onnx", with_graph(content)
    yield "end.onnx", b"\x08"
    yield "version.onnx", b"\x08" + varint((1 << 63) - 1)
    yield "empty.onnx", b""
