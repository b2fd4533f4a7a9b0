"""Files of ``torch.save`` and ``torch.jit.save``, opened without trusting what they say of themselves.

Both are archives of a pickle and the bytes of its storages; older files are pickles in a row with the bytes
behind. What kind a file is, its first bytes tell, as in torch. Nothing is unpacked: archives of PyTorch store
without compression, and tensors lie on the disk until they are used. The program inside TorchScript
archives is not read.
"""

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import torch
from torch import Tensor

from remend.models.checkpoints.claims import PickleError, TensorClaim, is_dictionary, is_sequence
from remend.models.checkpoints.pickles import MAX_BYTES, read_pickle

ARCHIVE_START = b"PK\x03\x04"
PICKLE_START = b"\x80"
_LOCAL_HEADER = struct.Struct(
    "<4s22xHH"
)  # its signature, the lengths of a name and of what follows it
_MAX_DIRECTORY_BYTES = 1 << 22
"""Some 30 000 entries; a file of weights has one for each tensor."""
_MAGIC = 0x1950A86A20F9469CFC6C
"""The first pickle of an old file."""
_TYPES: Mapping[str, torch.dtype] = {
    f"torch.{name}Storage": dtype
    for name, dtype in {
        "Double": torch.float64,
        "Float": torch.float32,
        "Half": torch.float16,
        "BFloat16": torch.bfloat16,
        "Long": torch.int64,
        "Int": torch.int32,
        "Short": torch.int16,
        "Char": torch.int8,
        "Byte": torch.uint8,
        "Bool": torch.bool,
    }.items()
}


class Extent(NamedTuple):
    """Where bytes lie in a file."""

    start: int
    length: int


class TorchFile(NamedTuple):
    """What a file holds: its pickle, read as data, and where the bytes of the storages lie, by key."""

    content: object
    storages: Mapping[str, Extent]


def open_torch_file(path: Path) -> TorchFile:
    """Read the pickle of a file.

    Raises:
        PickleError: As `read_pickle`; or the file is no such archive, is packed or broken.
        OSError: It cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(len(ARCHIVE_START))
        file.seek(0)
        if start == ARCHIVE_START:
            return _open_archive(file, size)
        if start.startswith(PICKLE_START):
            return _open_pickles(file, size)
    raise PickleError("its first bytes are those of no weights file")


class _Reader:
    """A file that `zipfile` reads, never more at once than a directory of entries needs."""

    def __init__(self, file: BinaryIO) -> None:
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable
        self._file = file

    def read(self, size: int = -1) -> bytes:
        found = self._file.read(_MAX_DIRECTORY_BYTES + 1 if size < 0 else size)
        if max(size, len(found)) > _MAX_DIRECTORY_BYTES:
            raise PickleError("its archive has too many entries")
        return found


def make_tensors(
    path: Path, found: TorchFile, claims: Mapping[str, TensorClaim]
) -> dict[str, Tensor]:
    """The tensors that a file's pickle claims, which lie in the file until they are used.

    Raises:
        PickleError: One of them is larger than its storage, or its storage larger than what there is of it.
    """
    size = path.stat().st_size
    storage: Any = torch.UntypedStorage  # has no types
    whole = storage.from_file(str(path), False, size)
    copies: dict[Extent, Any] = {}
    made: dict[str, Tensor] = {}
    for name, claim in claims.items():
        dtype = _TYPES.get(claim.storage.kind)
        if dtype is None:
            continue  # such as quantised numbers
        extent = found.storages.get(claim.storage.key, Extent(0, 0))
        count = extent.length // dtype.itemsize
        if max(claim.count, claim.end, claim.storage.count) > count:
            raise PickleError(f"{name} claims {claim.count:,} numbers and the file holds {count:,}")
        data = whole[extent.start : extent.start + extent.length]
        if extent.start % dtype.itemsize:  # processors want numbers at multiples of their size
            if extent not in copies:
                copies[extent] = data.clone()
            data = copies[extent]
            if sum(copied.length for copied in copies) > size:
                raise PickleError("its storages lie over each other")
        flat: Any = torch.empty(0, dtype=dtype)
        made[name] = flat.set_(data, claim.offset, claim.shape, claim.strides)
    return made


def _open_archive(file: BinaryIO, size: int) -> TorchFile:
    reader: Any = _Reader(file)
    try:
        with zipfile.ZipFile(reader) as archive:
            entries = archive.infolist()
            pickles = [entry for entry in entries if entry.filename.endswith("/data.pkl")]
            if len(pickles) != 1:
                raise PickleError("it is an archive of something else")
            content = read_pickle(io.BytesIO(_read_entry(archive, pickles[0])))
            folder = pickles[0].filename.removesuffix("data.pkl")
            for entry in entries:
                if entry.filename == f"{folder}byteorder" and archive.read(entry) != b"little":
                    raise PickleError("its numbers are in the order of another kind of processor")
    except PickleError:
        raise
    except (zipfile.BadZipFile, ValueError, OSError, RuntimeError, struct.error) as error:
        raise PickleError("its archive is broken") from error
    prefix = f"{folder}data/"
    storages = {
        entry.filename.removeprefix(prefix): _find_extent(file, entry, size)
        for entry in entries
        if entry.filename.startswith(prefix)
    }
    return TorchFile(content, storages)


def _check_stored(entry: zipfile.ZipInfo) -> None:
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
        raise PickleError("it is a compressed archive, which PyTorch does not write")


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    _check_stored(entry)
    if entry.file_size > MAX_BYTES:
        raise PickleError(f"its pickle is longer than {MAX_BYTES >> 20} MiB")
    return archive.read(entry)


def _find_extent(file: BinaryIO, entry: zipfile.ZipInfo, size: int) -> Extent:
    """Where a stored entry's bytes begin: behind a header of its own."""
    _check_stored(entry)
    file.seek(entry.header_offset)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size:
        raise PickleError("its archive is broken")
    signature, name, extra = _LOCAL_HEADER.unpack(header)
    start = entry.header_offset + _LOCAL_HEADER.size + name + extra
    if signature != ARCHIVE_START or start + entry.file_size > size:
        raise PickleError("its archive is broken")
    return Extent(start, entry.file_size)


def _open_pickles(file: BinaryIO, size: int) -> TorchFile:
    """An old file: magic number, version, system, content, keys of storages, then their bytes."""
    if read_pickle(file) != _MAGIC:
        raise PickleError("it is a pickle, but not one of torch.save")
    kinds: dict[str, str] = {}
    version, system = read_pickle(file), read_pickle(file)
    content, keys = read_pickle(file, kinds), read_pickle(file)
    if not isinstance(version, int) or not is_dictionary(system) or not is_sequence(keys):
        raise PickleError("its pickle is broken")
    if system.get("little_endian") is not True:
        raise PickleError("its numbers are in the order of another kind of processor")
    storages: dict[str, Extent] = {}
    for key in keys:
        dtype = _TYPES.get(kinds.get(str(key), ""), torch.uint8)
        length = int.from_bytes(file.read(8), "little") * dtype.itemsize
        start = file.tell()
        if start + length > size:
            raise PickleError("it is cut short")
        storages[str(key)] = Extent(start, length)
        file.seek(start + length)
    return TorchFile(content, storages)
