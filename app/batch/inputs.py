"""Which photos and masks a person means: files, folders, patterns, lists and URLs.

Everything goes by names; no picture is opened here. What the outputs are called is ``app.batch.plan``'s.
"""

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import NamedTuple

from remend.models.errors import RequestError
from remend.models.imaging.files import is_picture_name, same_file
from remend.models.storage.remote import AnyPath, RemotePath, to_path


class InputPhoto(NamedTuple):
    """A photo, and the path of its output relative to the output folder (with the photo's name)."""

    path: AnyPath
    relative_path: PurePath


@dataclass(frozen=True, slots=True)
class Inputs:
    """The photos of a request.

    Attributes:
        photos: In the order in which they were named, each once.
        is_batch: Whether several photos were asked for, even if only one was found.
    """

    photos: tuple[InputPhoto, ...]
    is_batch: bool


def find_inputs(
    arguments: Sequence[str],
    *,
    listed: Iterable[str] = (),
    recursive: bool = False,
    output: AnyPath,
    suffix: str = "",
    mask: AnyPath | None = None,
) -> Inputs:
    """Find the photos that a command names.

    Args:
        arguments: Files (taken whatever their name), folders and glob patterns (only pictures by name);
            ``-`` stands for ``listed``.
        listed: Paths of files and folders.
        recursive: Look into folders of folders.
        output: What lies in there is no input when a folder above it is read.
        suffix: In a folder that is also the output, files that end so are outputs of an earlier run.
        mask: Where the masks are: in folders, this file and all ``*.mask.png`` are no photos.

    Raises:
        RequestError: Something named is missing, or holds no pictures.
    """
    search = _Search(recursive, output.resolve(), suffix, mask)
    is_batch = False
    for argument, literal in _expand(arguments, listed):
        with reaching(argument):
            is_batch |= search.add(argument, literal)
    if not search.photos:
        raise RequestError("There is no input; name photos, folders, or - for a list on stdin.")
    return Inputs(tuple(search.photos.values()), is_batch or len(search.photos) > 1)


class _Search:
    """Collects photos; arguments as for ``find_inputs``, but ``output`` is resolved."""

    def __init__(self, recursive: bool, output: AnyPath, suffix: str, mask: AnyPath | None) -> None:
        self._recursive, self._output, self._suffix, self._mask = recursive, output, suffix, mask
        self.photos: dict[str, InputPhoto] = {}
        """By absolute path."""

    def add(self, argument: str, literal: bool) -> bool:
        """Add what an argument names; returns whether it can name several photos."""
        path = to_path(argument)
        if path.is_dir():
            self._add_folder(path)
            return True
        if path.exists():
            self._add_photo(path, PurePath(path.name))
            return False
        if literal or not glob.has_magic(argument):
            raise RequestError(f"{argument} does not exist; check the path.")
        for match in _matches(argument):
            self._add_photo(match, PurePath(match.name))
        return True

    def _add_photo(self, path: AnyPath, relative_path: PurePath) -> None:
        key = str(path) if isinstance(path, RemotePath) else os.path.abspath(path)
        self.photos.setdefault(key, InputPhoto(path, relative_path))

    def _add_folder(self, folder: AnyPath) -> None:
        found, resolved = False, folder.resolve()
        for path in _pictures_below(folder, self._recursive):
            is_mask = self._mask is not None and (
                _is_mask_name(path) or same_file(path, self._mask)
            )
            if not is_mask and not self._is_old_output(path, resolved):
                self._add_photo(path, path.relative_to(folder))
                found = True
        if not found:
            deeper = "" if self._recursive else ", or search its subfolders too"
            raise RequestError(f"{folder} holds no pictures; name a folder of photos{deeper}.")

    def _is_old_output(self, path: AnyPath, folder: AnyPath) -> bool:
        """Whether a file in a folder was written by an earlier run."""
        if folder == self._output:
            return bool(self._suffix) and path.stem.endswith(self._suffix)
        inside = self._output.is_relative_to(folder)
        return inside and path.resolve().is_relative_to(self._output)


def split_list(text: str) -> list[str]:
    """The paths of a list, one a line, or separated by NUL as ``find -print0`` writes them."""
    return text.split("\0") if "\0" in text else text.split("\n")


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
    """Each argument, and whether it is a literal path rather than perhaps a pattern."""
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
    path = to_path(pattern)
    matches: Sequence[AnyPath]
    if isinstance(path, RemotePath):
        matches = sorted(filter(is_picture_name, path.glob_here()))
    else:
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
        mask: One file for all, or a folder: for ``photo.jpg`` ``photo.mask.png`` before
            ``photo.jpg.png`` before ``photo.png`` before ``photo.<other>``. In the photos' own folder
            only the first kind is a mask.

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
        is_marked = _is_mask_name(path)
        stem = path.stem[: -len(".mask")] if is_marked else path.stem
        rank = 0 if is_marked else 2 if path.suffix.lower() == ".png" else 3
        ranked.setdefault(stem, []).append((rank, path))
    masks: dict[AnyPath, AnyPath | None] = {}
    for photo in photos:
        worst = 0 if same_file(photo.parent, mask) else 3
        whole = [(min(rank, 1), path) for rank, path in ranked.get(photo.name, [])]
        named = [*ranked.get(photo.stem, []), *whole]
        candidates = [found for found in named if found[0] <= worst]
        masks[photo] = min(candidates)[1] if candidates else None
    if not any(masks.values()):
        raise RequestError(f"{mask} holds no mask for {photos[0].name}; {name_masks(photos[0])}.")
    return masks


def name_masks(photo: AnyPath) -> str:
    """How the mask of a photo may be called, for a sentence."""
    return f"a mask is called {photo.stem}.mask.png, or {photo.stem}.png in a folder of masks"
