"""Reading the tensors of a weights file of unknown origin: nothing is executed, and memory stays flat.

It reads safetensors, and what PyTorch writes (``.pth``, ``.pt``, ``.ckpt``): states, whole modules and
TorchScript, as plain tensors or not at all. The network is built from them in
``models.inference.spandrel_adapter``; our own files are opened by ``models.checkpoints.checkpoint``.
"""

from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError
from torch import Tensor

from remend.models.checkpoints.archive import make_tensors, open_torch_file
from remend.models.checkpoints.checkpoint import read_tensors
from remend.models.checkpoints.claims import (
    ForeignCode,
    Instance,
    PickleError,
    TensorClaim,
    is_dictionary,
)
from remend.models.checkpoints.header import SUFFIX, read_header
from remend.models.errors import PassingError, RequestError

TORCH_SUFFIXES = (".pth", ".pt", ".ckpt")
UNWRAPPED = ("params_ema", "params-ema", "params", "state_dict", "model_state_dict", "model", "net")
"""Where trainers keep a generator's weights: the average before the last step before the rest."""
_SLACK = 2
"""Tensors may claim so many times the bytes of their file, since several may share a storage."""
_MAX_TENSORS = 20_000
_MAX_NAME = 512  # characters
_MAX_DEPTH = 32
_MAX_VISITS = 100_000  # values in dictionaries, which may hold the same one many times
_WRAPPERS = ("generator", "netG", "net_g", "model", "net", "network", "module")
"""What trainers and tracers call the part of a larger module that is the network."""
_MODULE_PARTS = (
    "_parameters",
    "_buffers",
    "_modules",
)  # of a pickled nn.Module; no part of its names


def read_untrusted(path: Path) -> dict[str, Tensor]:
    """Read the weights in a file, from the first of ``UNWRAPPED`` that it holds.

    Returns:
        Tensors by name, on the CPU; those of PyTorch's files lie on the disk until they are used.

    Raises:
        RequestError: No such file, no weights file, a pickle that asks for more than tensors, or a file
            that claims more than it holds.
    """
    if not path.is_file():
        raise RequestError(f"{path} is no file; `remend models` lists the weights there are.")
    try:
        tensors = _read_torch(path) if path.suffix.lower() != SUFFIX else _read_safetensors(path)
    except ForeignCode as error:
        raise RequestError(
            f"{path} holds more than tensors ({error}), so it is not opened; if you trust its maker, let "
            "chaiNNer or spandrel save it as .safetensors."
        ) from error
    except PickleError as error:
        raise RequestError(f"{path} cannot be read ({error}); get the file again.") from error
    except OSError as error:
        raise PassingError(
            f"{path} cannot be read ({error.strerror or error}); check the disk and the path."
        ) from error
    _check_names(path, tensors)
    return tensors


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    read_header(path)  # whose limits are tighter than the library's
    try:
        return read_tensors(path)
    except SafetensorError as error:
        raise RequestError(
            f"{path} is no safetensors weights file ({error}); get the file again."
        ) from error


def _read_torch(path: Path) -> dict[str, Tensor]:
    found = open_torch_file(path)
    content = found.content
    if not is_dictionary(content):
        raise PickleError(f"it holds a {type(content).__name__} and no weights")
    claims = dict(_name_claims(_unwrap(content)))
    if not claims:
        raise PickleError("it holds no tensors with names, as programs that were frozen do")
    if len(claims) > _MAX_TENSORS:
        raise PickleError(f"it holds {len(claims):,} tensors and at most {_MAX_TENSORS:,} are read")
    tensors = make_tensors(path, found, claims)
    claimed = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    size = path.stat().st_size
    if claimed > _SLACK * size:
        raise PickleError(
            f"it claims {claimed / 2**20:,.0f} MiB of weights and is {size / 2**20:,.1f} MiB"
        )
    return tensors


def _unwrap(content: dict[object, object]) -> dict[object, object]:
    """The generator's weights; the attributes of an object are not looked into, they are its parts."""
    if isinstance(content, Instance):
        return content
    for key in UNWRAPPED:
        if is_dictionary(inner := content.get(key)):
            return inner
    values = [value for value in content.values() if is_dictionary(value)]
    if len(values) == 1 and not any(isinstance(value, TensorClaim) for value in content.values()):
        return values[0]
    return content


def _name_claims(content: dict[object, object]) -> Iterator[tuple[str, TensorClaim]]:
    """The tensors of nested dictionaries, with names as ``nn.Module.state_dict`` gives them."""
    waiting: list[tuple[str, int, dict[object, object]]] = [("", 0, content)]
    visits = 0
    while waiting:
        prefix, depth, inner = waiting.pop()
        visits += len(inner)
        if visits > _MAX_VISITS or depth > _MAX_DEPTH:
            raise PickleError("its dictionaries lie in each other without an end")
        for key, value in inner.items():
            is_part = isinstance(inner, Instance) and key in _MODULE_PARTS
            name = prefix if is_part else f"{prefix}{str(key)[: _MAX_NAME + 1]}"
            if len(name) > _MAX_NAME:
                raise PickleError(f"one of its names has more than {_MAX_NAME} characters")
            if isinstance(value, TensorClaim):
                yield name, value
            elif is_dictionary(value):
                waiting.append((name if is_part else f"{name}.", depth + 1, value))


def _check_names(path: Path, tensors: dict[str, Tensor]) -> None:
    """Refuse names that count far beyond what is there: a network is as deep as its names say."""
    most = 10 * len(tensors) + 100
    for name in tensors:
        numbers = [part for part in name.split(".") if part.isdecimal()]
        if any(len(number) > 9 or int(number) > most for number in numbers):
            raise RequestError(
                f"{path} names a layer {name[:80]!r} and holds {len(tensors):,} tensors; it is damaged or "
                "malicious, get it elsewhere."
            )


def candidate_names(tensors: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """The tensors under the names that their network may know them by, the likeliest first.

    As they are; without what all names begin with, which a wrapper or a tracer put before them; and those of
    a part alone, where a file holds more than the network, such as its discriminator.
    """
    waiting, seen = [tensors], set[frozenset[str]]()
    while waiting:
        named = waiting.pop(0)
        if not named or frozenset(named) in seen or len(seen) > _MAX_DEPTH:
            continue
        seen.add(frozenset(named))
        yield named
        parts: dict[str, dict[str, Tensor]] = {}
        for name, tensor in named.items():
            part, dot, rest = name.partition(".")
            if dot:
                parts.setdefault(part, {})[rest] = tensor
        for part, inner in parts.items():
            if len(inner) == len(named) or part in _WRAPPERS:
                waiting.append(inner)
