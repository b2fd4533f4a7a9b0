"""What pickled weights say they hold, as plain values: storages, tensors, and the functions that make them.

Nothing named by a pickle is looked up or run. The few functions that ``torch.save`` and ``torch.jit.save``
write are known here by their names, with what stands for them. The machine that reads pickles:
``models.checkpoints.pickles``; making tensors of claims: ``models.checkpoints.archive``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeGuard, cast

_MAX_KEY = 1 << 31  # larger integers could be chosen to collide in a dictionary
_MAX_DIMENSIONS = 8
_MAX_SIDE = 1 << 27


class PickleError(ValueError):
    """The bytes are no pickle that can be read here; the message ends a sentence."""


class ForeignCode(PickleError):  # noqa: N818 - it reads as what it says
    """The pickle calls a function that makes no tensors; the message is its name."""


class Symbol(str):
    """The name of a class or function, ``module.name``; it is never looked up."""

    __slots__ = ()


class Instance(dict[object, object]):
    """The attributes of an object whose class is not known here."""

    __slots__ = ()


class Opaque:
    """What was left out: a value that is no weight, such as a date."""


OPAQUE = Opaque()


@dataclass(frozen=True, slots=True)
class StorageClaim:
    """A storage that a pickle names: the type of its numbers, its key and how many there are."""

    kind: str
    key: str
    count: int


@dataclass(frozen=True, slots=True)
class TensorClaim:
    """A tensor that a pickle describes: a view of a storage, in numbers of its type."""

    storage: StorageClaim
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def count(self) -> int:
        """The numbers it claims; a view may show one of a storage's many times."""
        count = 1
        for side in self.shape:
            count *= side
        return count

    @property
    def end(self) -> int:
        """The first number of the storage that lies behind it."""
        if not self.count:
            return self.offset
        reach = sum((side - 1) * step for side, step in zip(self.shape, self.strides, strict=True))
        return self.offset + reach + 1


def is_dictionary(value: object) -> TypeGuard[dict[object, object]]:
    """Whether it has items."""
    return isinstance(value, dict)


def is_sequence(value: object) -> TypeGuard[list[object] | tuple[object, ...]]:
    """Whether it is a list or a tuple."""
    return isinstance(value, list | tuple)


def is_whole(value: object) -> TypeGuard[int]:
    """Whether it is an integer, and neither a truth value nor negative."""
    return type(value) is int and value >= 0


def put_item(target: object, key: object, value: object) -> None:
    """Set an item of a dictionary.

    Keys that are no names are left out: hashing and comparing them could be made slow by a file.

    Raises:
        PickleError: The target has no items.
    """
    if target is OPAQUE:
        return
    if not is_dictionary(target):
        raise PickleError("its pickle is broken")
    if type(key) in (str, Symbol) or (is_whole(key) and key < _MAX_KEY):
        target[key] = value


def claim_storage(claim: object) -> StorageClaim:
    """The storage of a persistent id ``("storage", type, key, location, count)``.

    Raises:
        PickleError: It is no such tuple.
    """
    if not isinstance(claim, tuple):
        raise PickleError("it names what is no storage")
    parts = cast("tuple[object, ...]", claim)
    if len(parts) not in (5, 6) or parts[0] != "storage":
        raise PickleError("it names what is no storage")
    if len(parts) == 6 and parts[5] is not None:
        raise PickleError("its storages share bytes in a way that is not read here")
    kind, key, count = parts[1], parts[2], parts[4]
    if not isinstance(kind, Symbol) or not isinstance(key, str | int) or not is_whole(count):
        raise PickleError("it names what is no storage")
    return StorageClaim(kind, str(key), count)


def _claim_tensor(
    storage: object, offset: object, shape: object, strides: object, *_: object
) -> TensorClaim:
    sides, steps = _whole_numbers(shape), _whole_numbers(strides)
    (start,) = _whole_numbers((offset,))
    if not isinstance(storage, StorageClaim) or len(sides) != len(steps):
        raise PickleError("a tensor has no storage")
    if any(side > _MAX_SIDE for side in sides):
        raise PickleError("a tensor has no possible shape")
    return TensorClaim(storage, start, sides, steps)


def _whole_numbers(values: object) -> tuple[int, ...]:
    if is_sequence(values) and len(values) <= _MAX_DIMENSIONS:
        numbers = tuple(value for value in values if is_whole(value) and value < 1 << 62)
        if len(numbers) == len(values):
            return numbers
    raise PickleError("a tensor has no possible shape")


def _keep(value: object = None, *_: object) -> object:
    return value


def _make_dictionary(items: object = (), *_: object) -> dict[object, object]:
    made: dict[object, object] = {}
    if is_dictionary(items):
        made.update(items)
    elif is_sequence(items):
        for pair in items:
            if not is_sequence(pair) or len(pair) != 2:
                raise PickleError("a dictionary is not made of pairs")
            put_item(made, pair[0], pair[1])
    return made


def _make_instance(*_: object) -> Instance:
    return Instance()


def _leave_out(*_: object) -> Opaque:
    return OPAQUE


_WRITTEN: dict[Callable[..., Any], str] = {
    _claim_tensor: "torch._utils._rebuild_tensor torch._utils._rebuild_tensor_v2",
    _keep: "torch._utils._rebuild_parameter torch._utils._rebuild_parameter_with_state torch.Size "
    "torch.jit._pickle.build_intlist torch.jit._pickle.build_doublelist "
    "torch.jit._pickle.build_boollist torch.jit._pickle.build_tensorlist "
    "torch.jit._pickle.restore_type_tag",
    _make_dictionary: "collections.OrderedDict collections.Counter builtins.dict __builtin__.dict",
    _make_instance: "collections.defaultdict copyreg._reconstructor copy_reg._reconstructor",
    # Trainers keep these beside the weights.
    _leave_out: "torch._utils._rebuild_qtensor torch._utils._rebuild_sparse_tensor torch.device "
    "torch.jit._pickle.build_tensor_from_id torch.torch_version.TorchVersion "
    "numpy.core.multiarray.scalar numpy.core.multiarray._reconstruct "
    "numpy._core.multiarray.scalar numpy._core.multiarray._reconstruct numpy.dtype _codecs.encode "
    "datetime.datetime datetime.timedelta pathlib.PosixPath pathlib.WindowsPath "
    "argparse.Namespace builtins.set __builtin__.set builtins.slice",
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: function for function, names in _WRITTEN.items() for name in names.split()
}
"""Functions that a pickle may call, by name, and what is done instead."""
