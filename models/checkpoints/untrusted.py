"""Reading the tensors of a weights file of unknown origin: nothing is executed, and memory stays flat.

It reads safetensors, and PyTorch's own files (``.pth``, ``.pt``, ``.ckpt``) as plain tensors or not at
all. The network is built from them in ``models.inference.spandrel_adapter``; our own files are opened by
``models.checkpoints.checkpoint``.
"""

import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TypeGuard

import torch
from safetensors import SafetensorError
from torch import Tensor

from remend.models.checkpoints.checkpoint import read_tensors
from remend.models.errors import RequestError

PICKLE_SUFFIXES = (".pth", ".pt", ".ckpt")
UNWRAPPED = ("params_ema", "params", "state_dict")
"""Where trainers keep a generator's weights: the average before the last step before the rest."""
_SLACK = 2
"""Tensors may claim so many times the bytes of their file, since several may share a storage."""


def read_untrusted(path: Path) -> dict[str, Tensor]:
    """Read the weights in a file, from the first of ``UNWRAPPED`` that it holds.

    Returns:
        Tensors by name, on the CPU; those of a ``.pth`` file lie on the disk until they are used.

    Raises:
        RequestError: No such file, no weights file, a pickle that asks for more than tensors, or a file
            that claims more than it holds.
    """
    if not path.is_file():
        raise RequestError(f"{path} is no file; `remend models` lists the weights there are.")
    stored = (
        _read_pickle(path) if path.suffix.lower() in PICKLE_SUFFIXES else _read_safetensors(path)
    )
    for key in UNWRAPPED:
        if _is_dictionary(inner := stored.get(key)):
            stored = inner
            break
    tensors = {
        name: value
        for name, value in _flatten(stored)
        if isinstance(value, Tensor) and value.layout == torch.strided and not value.is_quantized
    }
    claimed = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    size = path.stat().st_size
    if claimed > _SLACK * size:
        raise RequestError(
            f"{path} claims {claimed / 2**20:,.0f} MiB of weights and is {size / 2**20:,.1f} MiB; "
            "it is damaged or malicious, get it elsewhere."
        )
    return tensors


def _is_dictionary(value: object) -> TypeGuard[dict[object, object]]:
    return isinstance(value, dict)


def _flatten(stored: Mapping[object, object]) -> list[tuple[str, object]]:
    """Names and values; a lone dictionary under another key is looked into."""
    values = [value for value in stored.values() if _is_dictionary(value)]
    if len(values) == 1 and not any(isinstance(value, Tensor) for value in stored.values()):
        stored = values[0]
    return [(name, value) for name, value in stored.items() if isinstance(name, str)]


def _read_safetensors(path: Path) -> dict[object, object]:
    try:
        return {**read_tensors(path)}
    except (SafetensorError, OSError) as error:
        raise RequestError(
            f"{path} is no safetensors weights file ({error}); get the file again."
        ) from error


def _read_pickle(path: Path) -> dict[object, object]:
    """What a file of ``torch.save`` holds, read by PyTorch's restricted unpickler."""
    zipped = zipfile.is_zipfile(path)
    if zipped:
        _check_archive(path)
    try:
        stored: object = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        raise RequestError(
            f"{path} holds more than tensors ({found[1] if found else 'unknown code'}), so it is not "
            "opened; if you trust its maker, let chaiNNer or spandrel save it as .safetensors."
        ) from error
    except Exception as error:  # bytes of unknown origin can make an unpickler raise anything
        raise RequestError(
            f"{path} is no PyTorch weights file ({type(error).__name__}); get the file again."
        ) from error
    if not _is_dictionary(stored):
        raise RequestError(
            f"{path} holds a {type(stored).__name__}, not weights; get another file."
        )
    return stored


def _check_archive(path: Path) -> None:
    """Refuse archives that unpack to more than they are, and TorchScript, which is a program."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise RequestError(f"{path} is a damaged archive ({error}); get the file again.") from error
    if any(entry.filename.endswith("/constants.pkl") for entry in entries):
        raise RequestError(
            f"{path} is a TorchScript program, which is not run; get its weights as .safetensors or "
            "as a plain .pth file."
        )
    # torch.save stores without compression; an entry that would grow is a bomb.
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries) or (
        sum(entry.file_size for entry in entries) > path.stat().st_size
    ):
        raise RequestError(
            f"{path} is a compressed archive, which torch.save does not write; it is not unpacked."
        )
