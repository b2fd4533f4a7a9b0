"""The header of a safetensors file: which tensors it holds, and texts about them.

Read here rather than by the library, which loads NumPy or torch for it. Everything is checked before it is
believed: a lying header costs no memory, and whoever asks gets what the annotations say. The library checks
the rest when tensors are opened.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from remend.models.errors import PassingError, RequestError

SUFFIX = ".safetensors"
METADATA_KEY = "__metadata__"
MAX_HEADER_BYTES = 1 << 23
"""A thirteenth of what the library allows: a network of 3 000 tensors has a twentieth of that."""
_MAX_TENSORS = 20_000
_MAX_DIMENSIONS = 8
_MAX_SIDE = 1 << 27


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says it holds; the bytes of its tensors are those of the file.

    Attributes:
        shapes: Name of each tensor -> its shape.
        texts: What is written beside them, by name.
    """

    shapes: Mapping[str, tuple[int, ...]]
    texts: Mapping[str, str]


def read_header(path: Path) -> Header:
    """Read the header of a safetensors file.

    Raises:
        RequestError: No such file, or no safetensors.
    """
    if not path.is_file():
        raise RequestError(f"{path} is no file; `remend models` lists the weights there are.")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(size - 8, MAX_HEADER_BYTES):
                raise _Broken("its header has no possible length")
            stored = json.loads(file.read(length))
        return _check(stored, size - 8 - length)
    except OSError as error:
        raise PassingError(
            f"{path} cannot be read ({error.strerror or error}); check the disk and the path."
        ) from error
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, _Broken) else "its header is not one of safetensors"
        raise RequestError(
            f"{path} is no safetensors weights file ({why}); get the file again."
        ) from error


def count_parameters(path: Path) -> int:
    """The numbers in a safetensors file, from its header alone; errors as `read_header`."""
    return sum(math.prod(shape) for shape in read_header(path).shapes.values())


class _Broken(ValueError):  # noqa: N818 - it reads as what it says
    """What is wrong with a header; the message stands between brackets."""


def _check(stored: object, data_bytes: int) -> Header:
    if not _is_object(stored):
        raise _Broken("its header is not one of safetensors")
    texts = stored.pop(METADATA_KEY, None)
    if texts is None:  # some writers say so instead of nothing
        texts = dict[str, str]()
    if not _is_object(texts) or not all(isinstance(text, str) for text in texts.values()):
        raise _Broken("the texts in its header are none")
    if len(stored) > _MAX_TENSORS:
        raise _Broken(f"it names {len(stored):,} tensors, and at most {_MAX_TENSORS:,} are read")
    shapes: dict[str, tuple[int, ...]] = {}
    end = 0
    for name, entry in stored.items():
        shape = _whole_numbers(entry, "shape")
        first, last = (*_whole_numbers(entry, "data_offsets"), -1, -1)[:2]
        if not 0 <= first <= last <= data_bytes:
            raise _Broken("its size is not that of its tensors")
        if len(shape) > _MAX_DIMENSIONS or any(side > _MAX_SIDE for side in shape):
            raise _Broken("one of its tensors has no possible shape")
        end, shapes[name] = max(end, last), shape
    if end != data_bytes:
        raise _Broken("its size is not that of its tensors")
    return Header(shapes, texts)


def _whole_numbers(entry: object, key: str) -> tuple[int, ...]:
    values: object = entry.get(key) if _is_object(entry) else None
    if not _is_list(values) or any(type(v) is not int or v < 0 for v in values):
        raise _Broken("its header is not one of safetensors")
    return tuple(values)


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
