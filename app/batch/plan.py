"""Which file becomes which: inputs found, masks matched, outputs named, clashes refused before any work.

A plan is made from names alone; no picture is opened here. What is done to each file is ``app.batch.work``'s,
doing it to many and keeping a record is ``app.batch.pipeline``'s.
"""

import glob
import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath

from remend.models.errors import RequestError
from remend.models.imaging.encode import SUFFIX_FORMATS
from remend.models.imaging.files import PICTURE_SUFFIXES, is_picture_name, same_file
from remend.models.storage.remote import AnyPath, RemotePath, to_path

FORMAT_SUFFIXES = {"jpg": ".jpg", "jpeg": ".jpg", "png": ".png", "webp": ".webp", "tiff": ".tiff"}
"""What ``--format`` takes beside ``auto``, and how such files are named."""


@dataclass(frozen=True, slots=True)
class Job:
    """One file to make.

    Attributes:
        source: The photo.
        output: The file to write.
        mask: What to fill; None when nothing is filled, or when no mask was found for the photo.
    """

    source: AnyPath
    output: AnyPath
    mask: AnyPath | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All jobs of a request.

    Attributes:
        jobs: In the order of the request.
        folder: Where the outputs lie, or the folder of the one output.
        is_batch: Whether several photos were asked for, be it that only one was found.
        to_folder: Whether ``-o`` names a folder.
    """

    jobs: tuple[Job, ...]
    folder: AnyPath
    is_batch: bool
    to_folder: bool


@dataclass(frozen=True, slots=True)
class Naming:
    """How outputs are called: ``auto`` or a key of ``FORMAT_SUFFIXES``, and what follows the stem."""

    file_format: str = "auto"
    suffix: str = ""

    def __post_init__(self) -> None:
        """Refuse unknown formats, and suffixes that are no part of a name."""
        if self.file_format != "auto" and self.file_format not in FORMAT_SUFFIXES:
            raise RequestError(
                f"--format {self.file_format} is not written; choose auto, jpg, png, webp or tiff."
            )
        if Path(f"x{self.suffix}").name != f"x{self.suffix}":
            raise RequestError(f"--suffix {self.suffix} holds a path separator; use letters only.")

    def name_for(self, source: AnyPath) -> str:
        """The output's file name: the input's own where its format is written, else PNG."""
        if self.file_format != "auto":
            ending = FORMAT_SUFFIXES[self.file_format]
        else:
            ending = source.suffix if source.suffix.lower() in SUFFIX_FORMATS else ".png"
        return f"{source.stem}{self.suffix}{ending}"


@dataclass(frozen=True, slots=True)
class Found:
    """The photos of a request, each with its place below the output folder."""

    photos: tuple[tuple[AnyPath, PurePath], ...]
    is_batch: bool


def find_inputs(
    arguments: Sequence[str],
    *,
    listed: Iterable[str] = (),
    recursive: bool = False,
    output: AnyPath,
    suffix: str = "",
    mask: AnyPath | None = None,
) -> Found:
    """Find the photos that a command names.

    Args:
        arguments: Files (taken whatever their name), folders and glob patterns (only pictures by name);
            ``-`` stands for ``listed``.
        listed: Paths of files and folders, one a line.
        recursive: Look into folders of folders.
        output: What lies in there is no input when a folder above it is read.
        suffix: In a folder that is also the output, files that end so are outputs of an earlier run.
        mask: Where the masks are: in folders, this file and all ``*.mask.png`` are no photos.

    Raises:
        RequestError: Something named is missing, or holds no pictures.
    """
    photos: dict[str, tuple[AnyPath, PurePath]] = {}
    is_batch = False
    output = output.resolve()

    def add(path: AnyPath, place: PurePath) -> None:
        photos.setdefault(_place_of(path), (path, place))

    def is_old_output(path: AnyPath, folder: AnyPath) -> bool:
        if folder == output:
            return bool(suffix) and path.stem.endswith(suffix)
        return output.is_relative_to(folder) and path.resolve().is_relative_to(output)

    def add_folder(folder: AnyPath) -> None:
        found, place = False, folder.resolve()
        for path in _pictures_below(folder, recursive):
            is_mask = mask is not None and (_is_mask_name(path) or same_file(path, mask))
            if not is_mask and not is_old_output(path, place):
                add(path, path.relative_to(folder))
                found = True
        if not found:
            deeper = "" if recursive else " (-r looks into its folders too)"
            raise RequestError(f"{folder} holds no pictures{deeper}; name a folder of photos.")

    def find(argument: str, literal: bool) -> bool:
        path = to_path(argument)
        if path.is_dir():
            add_folder(path)
            return True
        if path.exists():
            add(path, PurePath(path.name))
            return False
        if literal or not glob.has_magic(argument):
            raise RequestError(f"{argument} does not exist; check the path.")
        for match in _matches(argument):
            add(match, PurePath(match.name))
        return True

    for argument, literal in _expand(arguments, listed):
        with reaching(argument):
            is_batch |= find(argument, literal)
    if not photos:
        raise RequestError("There is no input; name photos, folders, or - for a list on stdin.")
    return Found(tuple(photos.values()), is_batch or len(photos) > 1)


@contextmanager
def reaching(what: AnyPath | str) -> Iterator[None]:
    """Make a RequestError of what a disk or a storage says before any work."""
    try:
        yield
    except OSError as error:
        raise RequestError(
            f"{what} cannot be reached ({error.strerror or error}); check the address and your rights."
        ) from error


def _expand(arguments: Sequence[str], listed: Iterable[str]) -> Iterator[tuple[str, bool]]:
    for argument in arguments:
        if argument == "-":
            for line in listed:
                if name := line.rstrip("\r\n"):
                    yield name, True
        else:
            yield argument, False


def _pictures_below(folder: AnyPath, recursive: bool) -> Sequence[AnyPath]:
    try:
        if isinstance(folder, RemotePath):
            return sorted(filter(is_picture_name, folder.files(recursive=recursive)))
        paths = folder.rglob("*") if recursive else folder.iterdir()
        return sorted(path for path in paths if is_picture_name(path) and path.is_file())
    except OSError as error:
        raise RequestError(f"{folder} cannot be read ({error.strerror}).") from error


def _matches(pattern: str) -> Sequence[AnyPath]:
    place = to_path(pattern)
    if isinstance(place, RemotePath):
        if remote := sorted(filter(is_picture_name, place.glob_here())):
            return remote
        raise RequestError(f"{pattern} matches no picture; check the pattern.")
    paths = (Path(name) for name in sorted(glob.glob(pattern, recursive=True)))
    matches = [path for path in paths if is_picture_name(path) and path.is_file()]
    if not matches:
        raise RequestError(f"{pattern} matches no picture; check the pattern.")
    return matches


def _is_mask_name(path: AnyPath) -> bool:
    return path.stem.lower().endswith(".mask")


def match_masks(photos: Iterable[AnyPath], mask: AnyPath) -> dict[AnyPath, AnyPath | None]:
    """Find the mask of each photo.

    Args:
        photos: Which photos.
        mask: One file for all, or a folder: ``photo.mask.png`` before ``photo.png`` before
            ``photo.<other>``. In the photos' own folder only the first kind is a mask.

    Raises:
        RequestError: ``mask`` does not exist, or none of the photos has one there.
    """
    with reaching(mask):
        if not mask.exists():
            raise RequestError(f"The mask {mask} does not exist; check the path.")
        is_folder = mask.is_dir()
    photos = list(photos)
    if not is_folder:
        return dict.fromkeys(photos, mask)
    ranked: dict[str, list[tuple[int, AnyPath]]] = {}
    for path in _pictures_below(mask, recursive=False):
        named = _is_mask_name(path)
        stem = path.stem[: -len(".mask")] if named else path.stem
        rank = 0 if named else 1 if path.suffix.lower() == ".png" else 2
        ranked.setdefault(stem, []).append((rank, path))
    masks: dict[AnyPath, AnyPath | None] = {}
    for photo in photos:
        worst = 0 if same_file(photo.parent, mask) else 2
        candidates = [found for found in ranked.get(photo.stem, []) if found[0] <= worst]
        masks[photo] = min(candidates)[1] if candidates else None
    if not any(masks.values()):
        raise RequestError(f"{mask} holds no mask for {photos[0].name}; {name_masks(photos[0])}.")
    return masks


def name_masks(photo: AnyPath) -> str:
    """How the mask of a photo may be called, for a sentence."""
    return f"a mask is called {photo.stem}.mask.png, or {photo.stem}.png in a folder of masks"


def make_plan(
    found: Found,
    output: AnyPath,
    naming: Naming,
    masks: Mapping[AnyPath, AnyPath | None] | None = None,
) -> Plan:
    """Pair photos with outputs.

    Args:
        found: The photos.
        output: One photo: the file to write if it has a picture's suffix. Otherwise a folder.
        naming: How files in the folder are called.
        masks: The mask of each photo, where there is something to fill.

    Raises:
        RequestError: Two photos would be written to one file, one would be written over an input, or the
            output's name does not fit.
    """
    masks = masks or {}
    to_folder = _is_folder_name(found, output, naming)
    jobs = tuple(
        Job(
            photo,
            (output / place).with_name(naming.name_for(photo)) if to_folder else output,
            masks.get(photo),
        )
        for photo, place in found.photos
    )
    _refuse_clashes(jobs)
    return Plan(jobs, output if to_folder else output.parent, found.is_batch, to_folder)


def _is_folder_name(found: Found, output: AnyPath, naming: Naming) -> bool:
    suffix = output.suffix.lower()
    with reaching(output):
        if output.is_dir() or suffix not in PICTURE_SUFFIXES:
            return True
    if found.is_batch:
        raise RequestError(
            f"-o {output} is the name of one picture, and more than one may be written; name a folder."
        )
    if suffix not in SUFFIX_FORMATS:
        raise RequestError(
            f"-o {output}: {suffix} files are not written; name a .jpg, .png, .webp or .tiff file."
        )
    asked = FORMAT_SUFFIXES.get(naming.file_format, suffix)
    if SUFFIX_FORMATS[asked] != SUFFIX_FORMATS[suffix]:
        raise RequestError(
            f"--format {naming.file_format} and -o {output} contradict each other; leave one out."
        )
    if naming.suffix:
        raise RequestError(
            f"--suffix {naming.suffix} names files in a folder, but -o {output} is a file; "
            "leave one out."
        )
    return False


def _refuse_clashes(jobs: Sequence[Job]) -> None:
    inputs = {_key(path): path for job in jobs for path in (job.source, job.mask) if path}
    makers: dict[str, AnyPath] = {}
    for job in jobs:
        key = _key(job.output)
        if (first := makers.setdefault(key, job.source)) is not job.source:
            raise RequestError(
                f"{first} and {job.source} would both be written to {job.output}; rename one of them or "
                "write them to two folders."
            )
        if key in inputs or same_file(job.source, job.output):
            raise RequestError(
                f"{job.output} is an input, and inputs are never written over; name another -o."
            )


def _place_of(path: AnyPath) -> str:
    return str(path) if isinstance(path, RemotePath) else os.path.abspath(path)


def _key(path: AnyPath) -> str:
    if isinstance(path, RemotePath):
        return str(path)
    return os.path.normcase(os.path.realpath(path))


def make_folder(folder: AnyPath) -> None:
    """Make the output folder and prove that files can be written there.

    Raises:
        RequestError: They cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(folder, RemotePath):
            probe = folder / f".remend-{secrets.token_hex(8)}.tmp"
            probe.write_atomic(b"")
            probe.unlink()
            return
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise RequestError(
            f"The output folder {folder} cannot be written ({error.strerror or error}); "
            "name another -o or change its permissions."
        ) from error
