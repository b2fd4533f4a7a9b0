"""What must be known of an ONNX file before ONNX Runtime sees it.

An ONNX file is one message of Protocol Buffers: fields, each with a number and a length, that hold others.
Only the fields that lead to tensors are followed here, and no tensor is read. The messages are those of
``onnx.proto``. Running the network: ``models.inference.onnx_files``.
"""

import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from remend.models.errors import PassingError, RequestError

SUFFIX = ".onnx"
_START = b"\x08"
"""The number of the first field, the version; every program writes it first."""
_MAX_FIELDS = 500_000
"""A network of 3 000 layers has a tenth of that."""
_MAX_DEPTH = 24
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""How the value of a field is written."""
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
"""Fields of a tensor that say that its numbers lie in another file."""
_MESSAGES: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""Message -> number of a field that leads to tensors -> the message in it."""


class _Broken(ValueError):  # noqa: N818 - it reads as what it says
    """What is wrong with a file; the message stands between brackets."""


class _Field(NamedTuple):
    number: int
    kind: int
    start: int
    end: int


def is_onnx(path: Path) -> bool:
    """Whether a file that is no safetensors file begins as ONNX files do; a missing one does not."""
    try:
        with path.open("rb") as file:
            return file.read(1) == _START
    except OSError:
        return False


def check_onnx(path: Path) -> None:
    """Refuse a file that is broken or keeps its weights elsewhere; takes no memory.

    Raises:
        RequestError: It cannot be read, is no ONNX file, or names other files.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            outside = any(_names_another_file(field) for field in _walk(data))
    except OSError as error:
        raise PassingError(
            f"{path} cannot be read ({error.strerror or error}); check the disk and the path."
        ) from error
    except ValueError as error:
        raise RequestError(f"{path} cannot be read ({error}); get the file again.") from error
    if outside:
        raise RequestError(
            f"{path} keeps its weights in another file, which is not read; save it as one file, with "
            "onnx.save(onnx.load(PATH), PATH)."
        )


def _names_another_file(field: _Field) -> bool:
    return field.number == _EXTERNAL_DATA or (field.number == _DATA_LOCATION and field.end > 0)


def _walk(data: mmap.mmap) -> Iterator[_Field]:
    """The fields of all tensors; of those written as numbers, ``end`` is the number."""
    waiting = [("model", 0, len(data), 0)]
    fields = 0
    while waiting:
        message, start, end, depth = waiting.pop()
        inner = _MESSAGES[message]
        if depth > _MAX_DEPTH:
            raise _Broken("its parts lie in each other without an end")
        for field in _read_fields(data, start, end):
            fields += 1
            if fields > _MAX_FIELDS:
                raise _Broken(f"it has more than {_MAX_FIELDS:,} parts")
            if message == "tensor":
                yield field
            elif field.number in inner:
                if field.kind != _BYTES:
                    raise _Broken("it is no ONNX file")
                waiting.append((inner[field.number], field.start, field.end, depth + 1))


def _read_fields(data: mmap.mmap, position: int, end: int) -> Iterator[_Field]:
    while position < end:
        tag, position = _read_number(data, position, end)
        number, kind = tag >> 3, tag & 7
        start = position
        if kind == _VARINT:
            value, position = _read_number(data, position, end)
            yield _Field(number, kind, start, value)
            continue
        if kind == _BYTES:
            length, start = _read_number(data, position, end)
            position = start + length
        elif kind in (_FIXED32, _FIXED64):
            position += 4 if kind == _FIXED32 else 8
        else:
            raise _Broken("it is no ONNX file")
        if position > end:
            raise _Broken("it is cut short")
        yield _Field(number, kind, start, position)


def _read_number(data: mmap.mmap, position: int, end: int) -> tuple[int, int]:
    """A number of seven bits a byte, and the position behind it."""
    number = 0
    for shift in range(0, 70, 7):
        if position >= end:
            raise _Broken("it is cut short")
        byte = data[position]
        position += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, position
    raise _Broken("it is no ONNX file")
