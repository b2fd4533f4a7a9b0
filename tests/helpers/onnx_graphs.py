"""Small ONNX files, built node by node: upscalers and fills in the ways in which they circulate."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

Shape = Sequence[int | str | None]
FREE: Shape = ("n", 3, "h", "w")
FREE_MASK: Shape = ("n", 1, "h", "w")


def make_file(
    nodes: Sequence[Any],
    inputs: Sequence[tuple[str, int, Shape]],
    output: tuple[str, int, Shape],
    constants: dict[str, Any] | None = None,
) -> ModelProto:
    """A file of these nodes, inputs (name, type, shape), output and constants."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(*port) for port in inputs],
        [helper.make_tensor_value_info(*output)],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def upscaler(
    scale: int = 2,
    shape: Shape = FREE,
    *,
    output: Shape | None = None,
    multiple: int = 1,
    kind: int = TensorProto.FLOAT,
) -> ModelProto:
    """Repeats each pixel ``scale`` times; takes multiples of a number only."""
    constants = {"scales": np.array([1, 1, scale, scale], np.float32)}
    make = helper.make_node
    nodes = list[Any]()
    if multiple > 1:
        nodes = [
            make("SpaceToDepth", ["image"], ["deep"], blocksize=multiple),
            make("DepthToSpace", ["deep"], ["flat"], blocksize=multiple),
        ]
    nodes.append(
        make(
            "Resize",
            ["flat" if multiple > 1 else "image", "", "scales"],
            ["output"],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
    )
    free: Shape = ("n", shape[1], "H", "W")
    return make_file(nodes, [("image", kind, shape)], ("output", kind, output or free), constants)


def filler(
    *,
    keeps: bool = False,
    black: float = 0.0,
    white: float = 1.0,
    output_white: float = 1.0,
    is_byte: bool = False,
    shapes: tuple[Shape, Shape] = (FREE, FREE_MASK),
    names: tuple[str, str] = ("image", "mask"),
) -> ModelProto:
    """Fills holes with the mean of what is known, one colour; black and white are those of its input."""
    make = helper.make_node
    kind = TensorProto.UINT8 if is_byte else TensorProto.FLOAT
    image, mask = names
    constants = {
        "black": np.float32(black),
        "span": np.float32(white - black),
        "one": np.float32(1),
        "most": np.float32(255 if is_byte else 1),
        "output_white": np.float32(output_white),
        "axes": np.array([2, 3], np.int64),
    }
    nodes = [
        make("Cast", [image], ["photo"], to=TensorProto.FLOAT),
        make("Cast", [mask], ["marks"], to=TensorProto.FLOAT),
        make("Sub", ["photo", "black"], ["above"]),
        make("Div", ["above", "span"], ["unit"]),
        make("Div", ["marks", "most"], ["white_part"]),
        make("Sub", ["one", "white_part"], ["black_part"]),
        make("Mul", ["unit", "white_part" if keeps else "black_part"], ["kept"]),
        make("ReduceSum", ["kept", "axes"], ["total"]),
        make("ReduceSum", ["white_part" if keeps else "black_part", "axes"], ["count"]),
        make("Div", ["total", "count"], ["mean"]),
        make("Mul", ["mean", "black_part" if keeps else "white_part"], ["filled"]),
        make("Add", ["kept", "filled"], ["whole"]),
        make("Clip", ["whole", "", "one"], ["clipped"]),
        make("Mul", ["clipped", "output_white"], ["scaled"]),
        make("Cast", ["scaled"], ["output"], to=kind),
    ]
    return make_file(
        nodes,
        [(image, kind, shapes[0]), (mask, kind, shapes[1])],
        ("output", kind, shapes[0]),
        constants,
    )
