"""Pickles of unknown origin, read as data: dictionaries, lists, texts, numbers and claims of tensors.

A pickle is a program for a stack machine. This is such a machine without calls: an object of any class
becomes a dictionary of its attributes, and for the functions of ``models.checkpoints.claims`` stand values.
What any other function would make is refused. Nothing is allocated because a file says so: steps, bytes,
names and copies have limits.
"""

import pickletools
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO, cast

from remend.models.checkpoints.claims import (
    FUNCTIONS,
    OPAQUE,
    ForeignCode,
    Instance,
    PickleError,
    Symbol,
    claim_storage,
    is_dictionary,
    is_sequence,
    put_item,
)

MAX_STEPS = 1_000_000
"""The state of a trainer with 3 000 tensors takes a third of that."""
MAX_BYTES = 1 << 25
"""Read for one pickle."""
_MAX_READ = 1 << 24
_MAX_NAME = 1024  # characters of a module or a class


class _Limited:
    """A file of which a pickle can ask only so much."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, MAX_BYTES

    def read(self, count: int) -> bytes:
        if not 0 <= count <= _MAX_READ:
            raise PickleError("one of its values claims too many bytes")
        return self._count(self._file.read(count))

    def readline(self) -> bytes:
        return self._count(self._file.readline(4 * _MAX_NAME))

    def tell(self) -> int:
        return self._file.tell()

    def _count(self, found: bytes) -> bytes:
        self._left -= len(found)
        if self._left < 0:
            raise PickleError(f"its pickle is longer than {MAX_BYTES >> 20} MiB")
        return found


def read_pickle(file: BinaryIO, kinds: dict[str, str] | None = None) -> object:
    """Read the pickle that begins where the file stands; afterwards the file stands behind it.

    Args:
        file: Where it is read from.
        kinds: Filled with the storages that it names: key -> type.

    Returns:
        Numbers, texts, lists, tuples, dictionaries and `Instance`, with `TensorClaim` for tensors and
        `OPAQUE` for what was left out.

    Raises:
        ForeignCode: It calls what makes no tensors.
        PickleError: It is none, or larger than that of any weights file.
    """
    machine = _Machine({} if kinds is None else kinds)
    limited: Any = _Limited(file)
    try:
        for opcode, value, _ in pickletools.genops(limited):
            machine.spend(1)
            machine.step(opcode.name, value)
        return machine.result()
    except PickleError:
        raise
    except (ValueError, IndexError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise PickleError("its pickle is broken") from error


_MARK = object()
_NUMBERS = ("INT", "LONG", "LONG1", "LONG4", "BININT", "BININT1", "BININT2", "FLOAT", "BINFLOAT")
_TEXTS = ("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE")
_BYTES = ("BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8")
_VALUES = frozenset((*_NUMBERS, *_TEXTS, *_BYTES))
_CONSTANTS: dict[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
    "EMPTY_SET": lambda: OPAQUE,
    "MARK": lambda: _MARK,
}


class _Machine:
    """The stack and the memo of a pickle."""

    def __init__(self, kinds: dict[str, str]) -> None:
        self.kinds = kinds
        self.stack: list[object] = []
        self.memo: dict[int, object] = {}
        self._left = MAX_STEPS

    def spend(self, steps: int) -> None:
        """Count steps and copied items."""
        self._left -= steps
        if self._left < 0:
            raise PickleError(f"its pickle has more than {MAX_STEPS:,} steps")

    def result(self) -> object:
        (value,) = self.take(1)
        if self.stack:
            raise PickleError("its pickle is broken")
        return value

    def step(self, name: str, value: Any) -> None:
        """Do what an opcode says."""
        if name in _VALUES:
            self.stack.append(value)
        elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
            self.memo[value] = self.stack[-1]
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = self.stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            self.stack.append(self.memo[value])
        elif name == "GLOBAL":
            self.stack.append(Symbol(value.replace(" ", ".", 1)))
        elif (make := _CONSTANTS.get(name)) is not None:
            self.stack.append(make())
        elif (rule := _RULES.get(name)) is not None:
            rule(self)
        elif name not in ("PROTO", "FRAME", "STOP"):
            raise ForeignCode(f"the opcode {name}")

    def take(self, count: int) -> tuple[object, ...]:
        """The uppermost values, lowest first."""
        taken = tuple(self.stack[-count:])
        if len(taken) < count or any(value is _MARK for value in taken):
            raise PickleError("its pickle is broken")
        del self.stack[-count:]
        return taken

    def take_marked(self) -> list[object]:
        """What lies above the last mark."""
        for depth in range(len(self.stack) - 1, -1, -1):
            if self.stack[depth] is _MARK:
                taken = self.stack[depth + 1 :]
                del self.stack[depth:]
                return taken
        raise PickleError("its pickle is broken")

    def set_items(self, pairs: Sequence[object]) -> None:
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            put_item(self.stack[-1], key, value)

    def make_dictionary(self) -> None:
        pairs = self.take_marked()
        self.stack.append({})
        self.set_items(pairs)

    def extend(self, values: Sequence[object]) -> None:
        target = self.stack[-1]
        if isinstance(target, list):
            cast("list[object]", target).extend(values)
        elif target is not OPAQUE:
            raise PickleError("its pickle is broken")

    def name_symbol(self) -> None:
        module, name = self.take(2)
        if not isinstance(module, str) or not isinstance(name, str):
            raise PickleError("its pickle is broken")
        if max(len(module), len(name)) > _MAX_NAME:
            raise PickleError("one of its classes has a name that is too long")
        self.stack.append(Symbol(f"{module}.{name}"))

    def call(self) -> None:
        """Put what stands for a function's result."""
        function, given = self.take(2)
        if not isinstance(function, Symbol) or not isinstance(given, tuple):
            raise PickleError("its pickle is broken")
        arguments = cast("tuple[object, ...]", given)
        if function not in FUNCTIONS:
            raise ForeignCode(function)
        for argument in arguments:
            if is_dictionary(argument) or is_sequence(argument):
                self.spend(len(argument))
        self.stack.append(FUNCTIONS[function](*arguments))

    def build(self) -> None:
        """Give an object its attributes; those of a dictionary are no items of it."""
        target, state = self.take(2)
        parts = state if is_sequence(state) else (state,)
        if isinstance(target, Instance) and len(parts) <= 2:  # attributes, and those in slots
            for part in parts:
                if is_dictionary(part):
                    self.spend(len(part))
                    target.update(part)
        self.stack.append(target)

    def claim(self) -> None:
        storage = claim_storage(*self.take(1))
        self.kinds[storage.key] = storage.kind
        self.stack.append(storage)

    def make_object(self, count: int) -> None:
        if not isinstance(self.take(count)[0], Symbol):
            raise PickleError("its pickle is broken")
        self.stack.append(Instance())


_RULES: dict[str, Callable[[_Machine], object]] = {
    "POP": lambda machine: machine.stack.pop(),
    "POP_MARK": lambda machine: machine.take_marked(),
    "DUP": lambda machine: machine.stack.append(machine.stack[-1]),
    "TUPLE1": lambda machine: machine.stack.append(machine.take(1)),
    "TUPLE2": lambda machine: machine.stack.append(machine.take(2)),
    "TUPLE3": lambda machine: machine.stack.append(machine.take(3)),
    "TUPLE": lambda machine: machine.stack.append(tuple(machine.take_marked())),
    "LIST": lambda machine: machine.stack.append(machine.take_marked()),
    "DICT": lambda machine: machine.make_dictionary(),
    "FROZENSET": lambda machine: (machine.take_marked(), machine.stack.append(OPAQUE)),
    "ADDITEMS": lambda machine: machine.take_marked(),
    "APPEND": lambda machine: machine.extend(machine.take(1)),
    "APPENDS": lambda machine: machine.extend(machine.take_marked()),
    "SETITEM": lambda machine: machine.set_items(machine.take(2)),
    "SETITEMS": lambda machine: machine.set_items(machine.take_marked()),
    "STACK_GLOBAL": lambda machine: machine.name_symbol(),
    "REDUCE": lambda machine: machine.call(),
    "BUILD": lambda machine: machine.build(),
    "NEWOBJ": lambda machine: machine.make_object(2),
    "NEWOBJ_EX": lambda machine: machine.make_object(3),
    "BINPERSID": lambda machine: machine.claim(),
}
"""Opcodes that take values off the stack, and what each does."""
