"""Finding and decoding the pictures to train on: in folders, in ``.tar`` shards, or named one by one.

Which of them are good enough is decided in `training.data.audit`, where they are kept in
`training.data.photo_store`.
"""

import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from remend.models.errors import InputError, RequestError
from remend.models.imaging.files import is_picture_name, read_picture
from remend.models.imaging.picture import Pixels, to_8_bit


@dataclass(frozen=True, slots=True)
class PhotoLocation:
    """Where the bytes of one picture lie: a file, or a stretch of an uncompressed tar."""

    file: Path
    name: str
    label: str
    """The photo's class: the first folder below the source, or the source's own name without one."""
    start: int = 0
    size: int = -1

    @property
    def source(self) -> Path | bytes:
        """What `read_picture` reads."""
        if self.size < 0:
            return self.file
        with self.file.open("rb") as stream:
            stream.seek(self.start)
            return stream.read(self.size)

    def __str__(self) -> str:
        return str(self.file) if self.size < 0 else f"{self.file}:{self.name}"


def first_folder(path: PurePath) -> str:
    """The first folder of a relative path, "" where it has none."""
    folders = [part for part in path.parts[:-1] if part not in (".", "/")]
    return folders[0] if folders else ""


def list_shard(shard: Path, label: str, source: Path) -> Iterator[PhotoLocation]:
    """Every picture in an uncompressed tar; ``label`` is that of the shard's folder, if it has one.

    Raises:
        RequestError: The file is no such tar.
    """
    try:
        with tarfile.open(shard, "r:") as archive:
            for member in archive:
                if member.isfile() and is_picture_name(Path(member.name)):
                    folder = label or first_folder(PurePosixPath(member.name)) or source.stem
                    yield PhotoLocation(shard, member.name, folder, member.offset_data, member.size)
    except (tarfile.TarError, OSError) as error:
        raise RequestError(
            f"{shard} cannot be read as an uncompressed .tar shard ({error}); "
            "make it again or leave it out."
        ) from error


def locate_photos(sources: Sequence[Path]) -> Iterator[PhotoLocation]:
    """Every picture below ``sources``, in an order that depends on names only.

    Raises:
        RequestError: A source is missing, or a shard cannot be read.
    """
    for source in sources:
        if not source.exists():
            raise RequestError(
                f"{source} does not exist; give a folder of pictures or a .tar shard."
            )
        files = sorted(source.rglob("*")) if source.is_dir() else [source]
        for file in files:
            label = first_folder(file.relative_to(source)) if source.is_dir() else ""
            if file.suffix.lower() == ".tar" and file.is_file():
                yield from list_shard(file, label, source)
            elif is_picture_name(file) and file.is_file():
                yield PhotoLocation(
                    file, file.name, label or (source if source.is_dir() else source.parent).name
                )


def decode_photo(location: PhotoLocation) -> Pixels | str:
    """The upright photo as (H, W, 3) uint8, or the sentence that says why there is none."""
    try:
        rgb = read_picture(location.source).rgb
    except (InputError, OSError) as error:
        reason = str(error)
        if reason.startswith(f"{location} "):
            reason = "it" + reason.removeprefix(str(location))
        return f"{location} was left out: {reason}"
    return to_8_bit(rgb)
