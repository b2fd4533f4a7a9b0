"""Building a network on paper: which tensors it would have, before any memory is taken for them.

A weights file says how deep and wide its network is. Inside `Planning`, networks are built as always, but
what is large exists by its shape only (torch's meta device), and building ends where it goes beyond the file.
Small tensors are real: some constructors compute with them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_SMALL_BYTES = 1 << 14
"""Larger tensors exist by their shape alone. Any two smaller ones make at most 32 MiB together."""
_SPARE_BYTES = 1 << 26
"""What a network may need beside its weights, such as masks of its attention."""
_GROWTH = 2
"""Weights stored in 16 bits become twice as large."""
_CALLS, _CALLS_FOR_TENSOR = 20_000, 100
"""Calls of torch that building may take, altogether and for each tensor of the file; as measured, a tenth."""

_MAKERS: frozenset[Callable[..., Any]] = frozenset(
    (
        torch.arange,
        torch.empty,
        torch.empty_strided,
        torch.eye,
        torch.full,
        torch.linspace,
        torch.logspace,
        torch.ones,
        torch.rand,
        torch.randint,
        torch.randn,
        torch.randperm,
        torch.zeros,
    )
)
_FILLS = ("uniform_", "normal_", "trunc_normal_", "constant_", "ones_", "zeros_", "fill_", "zero_")
_SCHEMES = (
    "kaiming_uniform_",
    "kaiming_normal_",
    "xavier_uniform_",
    "xavier_normal_",
    "orthogonal_",
)
_STEPS_IN_PLACE = ("copy_", "mul_", "add_", "sub_", "div_", "clamp_", "erfinv_")
_INITIALISERS = frozenset((*_FILLS, *_SCHEMES, *_STEPS_IN_PLACE))
"""Methods and functions that fill a tensor and leave its shape."""


class PlanError(ValueError):
    """The network would be larger than its file; the message ends a sentence."""


class Planning(TorchFunctionMode):
    """In this context networks of this thread are built without their memory.

    Args:
        tensors: How many the file has.
        file_bytes: Its size.
    """

    def __init__(self, tensors: int, file_bytes: int) -> None:
        super().__init__()
        self._left = _CALLS + _CALLS_FOR_TENSOR * tensors
        self._most = _GROWTH * file_bytes + _SPARE_BYTES

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Called by torch in place of each of its functions."""
        if getattr(func, "__name__", "") == "_set_grad_enabled":
            return func(*args, **(kwargs or {}))  # the end of a no_grad: it must come through
        self._left -= 1
        if self._left < 0:
            raise PlanError("its network would have far more layers than the file has tensors")
        named = dict(kwargs or {})
        if func in _MAKERS:
            planned = func(*args, **{**named, "device": "meta"})
            self._check(planned)
            return planned if _is_large(planned) else func(*args, **named)
        args, named = _align(args, named)
        first = args[0] if args else named.get("tensor")  # torch.nn.init names it
        fills = getattr(func, "__name__", "") in _INITIALISERS
        if fills and isinstance(first, Tensor) and first.is_meta:
            return first
        result = func(*args, **named)
        if isinstance(result, Tensor):
            self._check(result)
            return result if result.is_meta or not _is_large(result) else result.to("meta")
        return result

    def check_network(self, network: nn.Module) -> None:
        """Raise a PlanError for a network whose tensors, with those that no file holds, are too many."""
        parts = (*network.parameters(), *network.buffers())
        if (count := sum(map(_count_bytes, parts))) > self._most:
            raise PlanError(_too_large(count))

    def _check(self, tensor: Tensor) -> None:
        if (count := _count_bytes(tensor)) > self._most:
            raise PlanError(_too_large(count))


def sketch(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors by their shapes; small ones as they are."""
    return {
        name: tensor.to("meta") if _is_large(tensor) else tensor for name, tensor in tensors.items()
    }


def _too_large(count: int) -> str:
    return f"its network would take {count / 2**20:,.0f} MiB, far more than the file has"


def _count_bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _is_large(tensor: Tensor) -> bool:
    return _count_bytes(tensor) > _SMALL_BYTES


def _align(args: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Where one tensor is on paper, all are: torch does not mix them."""
    if not any(tensor.is_meta for tensor in _find_tensors((args, named))):
        return args, named
    return _to_paper(args), _to_paper(named)


def _find_tensors(value: object) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    parts: Sequence[object] = ()
    if isinstance(value, dict):
        parts = [*cast("dict[object, object]", value).values()]
    elif isinstance(value, tuple | list):
        parts = cast("Sequence[object]", value)
    return [tensor for part in parts for tensor in _find_tensors(part)]


def _to_paper(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value if value.is_meta else value.to("meta")
    if isinstance(value, dict):
        return {name: _to_paper(part) for name, part in cast("dict[Any, Any]", value).items()}
    if type(value) in (tuple, list):
        return type(value)(_to_paper(part) for part in value)
    return value
