"""Which file becomes which: outputs named, and clashes refused before any work.

A plan is made from names alone; no picture is opened here. Which photos there are is ``app.batch.inputs``'s,
what is done to each is ``app.batch.work``'s, doing it to many and keeping a record ``app.batch.pipeline``'s.
"""

import os
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from remend.app.batch.inputs import Inputs, reaching
from remend.models.errors import OptionError, RequestError
from remend.models.imaging.encode import SUFFIX_FORMATS
from remend.models.imaging.files import PICTURE_SUFFIXES, same_file
from remend.models.storage.remote import AnyPath, RemotePath

FORMAT_SUFFIXES = {"jpg": ".jpg", "jpeg": ".jpg", "png": ".png", "webp": ".webp", "tiff": ".tiff"}
"""The formats that can be asked for beside ``auto``, and how such files are named."""

_MOST_NAMED = 10  # clashes in one sentence


@dataclass(frozen=True, slots=True)
class Job:
    """One file to make.

    Attributes:
        source: The photo.
        output: The file to write.
        mask: What to fill; None when nothing is filled, or when no mask was found for the photo.
        mask_output: Where the mask is written that was filled; None = nowhere.
    """

    source: AnyPath
    output: AnyPath
    mask: AnyPath | None = None
    mask_output: AnyPath | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All jobs of a request.

    Attributes:
        jobs: In the order of the request.
        folder: Where the outputs lie, or the folder of the one output.
        is_batch: Whether several photos were asked for, even if only one was found.
        to_folder: Whether the output is a folder, in which a batch keeps its record.
    """

    jobs: tuple[Job, ...]
    folder: AnyPath
    is_batch: bool
    to_folder: bool


@dataclass(frozen=True, slots=True)
class Naming:
    """How outputs are called.

    Attributes:
        file_format: ``auto`` or a key of ``FORMAT_SUFFIXES``.
        suffix: What follows the stem.
        on_clash: Where two photos have one output: ``refuse``, or ``suffix`` = the later ones get a number.
    """

    file_format: str = "auto"
    suffix: str = ""
    on_clash: str = "refuse"

    def __post_init__(self) -> None:
        """Refuse unknown formats, and suffixes that cannot be part of a name."""
        if self.file_format != "auto" and self.file_format not in FORMAT_SUFFIXES:
            raise OptionError(
                "file_format", self.file_format, "is not written", "auto, jpg, png, webp or tiff"
            )
        if Path(f"x{self.suffix}").name != f"x{self.suffix}":
            raise OptionError("suffix", self.suffix, "holds a path separator", "letters only")

    def name_for(self, source: AnyPath) -> str:
        """The output's file name: the input's own where its format is written, else PNG."""
        if self.file_format != "auto":
            ending = FORMAT_SUFFIXES[self.file_format]
        else:
            ending = source.suffix if source.suffix.lower() in SUFFIX_FORMATS else ".png"
        return f"{source.stem}{self.suffix}{ending}"


def make_plan(
    inputs: Inputs,
    output: AnyPath,
    naming: Naming,
    masks: Mapping[AnyPath, AnyPath | None] | None = None,
    masks_folder: AnyPath | None = None,
) -> Plan:
    """Pair photos with outputs.

    Args:
        inputs: The photos.
        output: One photo: the file to write if it has a picture's suffix. Otherwise a folder.
        naming: How files in the folder are called.
        masks: The mask of each photo, where there is something to fill.
        masks_folder: Where the masks are written that were filled; None = nowhere.

    Raises:
        RequestError: Two photos or masks would be written to one file, one would be written over an input,
            or the output's name does not fit.
    """
    masks = masks or {}
    to_folder = _is_folder_name(inputs, output, naming)
    jobs = tuple(
        Job(
            photo.path,
            (output / photo.relative_path).with_name(naming.name_for(photo.path))
            if to_folder
            else output,
            masks.get(photo.path),
        )
        for photo in inputs.photos
    )
    if naming.on_clash == "suffix":
        jobs = _number_clashes(jobs)
    _refuse_clashes(jobs)
    if masks_folder is not None:
        jobs = _name_mask_outputs(jobs, masks_folder, naming)
    return Plan(jobs, output if to_folder else output.parent, inputs.is_batch, to_folder)


def _is_folder_name(inputs: Inputs, output: AnyPath, naming: Naming) -> bool:
    suffix = output.suffix.lower()
    with reaching(output):
        if output.is_dir() or suffix not in PICTURE_SUFFIXES:
            return True
    if inputs.is_batch:
        problem = "is the name of one picture, and more than one may be written"
        raise OptionError("output", output, problem, "a folder")
    if suffix not in SUFFIX_FORMATS:
        problem = f"is a {suffix} file, which is not written"
        raise OptionError("output", output, problem, "a .jpg, .png, .webp or .tiff file")
    asked = FORMAT_SUFFIXES.get(naming.file_format, suffix)
    if SUFFIX_FORMATS[asked] != SUFFIX_FORMATS[suffix]:
        problem = f"contradicts the output's name {output}; leave it out or name another file"
        raise OptionError("file_format", naming.file_format, problem)
    if naming.suffix:
        problem = f"is for files in a folder, but the output {output} is a file; leave it out"
        raise OptionError("suffix", naming.suffix, problem)
    return False


def _number_clashes(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """The jobs with a number in the name of every output whose name is taken by a job before it."""
    taken = {_key(path) for job in jobs for path in (job.source, job.mask, job.output) if path}
    given = set[str]()
    numbered = list[Job]()
    for job in jobs:
        output, number = job.output, 2
        if _key(output) in given:
            while _key(output) in taken:
                output = job.output.with_stem(f"{job.output.stem}-{number}")
                number += 1
            taken.add(_key(output))
        given.add(_key(output))
        numbered.append(replace(job, output=output))
    return tuple(numbered)


def _refuse_clashes(jobs: Sequence[Job]) -> None:
    """Raise a RequestError that names all outputs that would be written twice or over an input."""
    inputs = {_key(path) for job in jobs for path in (job.source, job.mask) if path}
    overwritten = [j for j in jobs if _key(j.output) in inputs or same_file(j.source, j.output)]
    if overwritten:
        count = len(overwritten)
        every = f" ({count} outputs are inputs)" if count > 1 else ""
        raise RequestError(
            f"{overwritten[0].output} is an input, and inputs are never written over; "
            f"name another output{every}."
        )
    makers: dict[str, list[Job]] = {}
    for job in jobs:
        makers.setdefault(_key(job.output), []).append(job)
    clashes = [made for made in makers.values() if len(made) > 1]
    if clashes:
        named = [_name_clash(clash) for clash in clashes[:_MOST_NAMED]]
        if more := len(clashes) - len(named):
            named.append(f"so would the photos of {more} more outputs")
        problem = f"refuses this: {'; '.join(named)}"
        raise OptionError("on_clash", "refuse", problem, "suffix, other names or two folders")


def _name_clash(clash: Sequence[Job]) -> str:
    *first, last = (str(job.source) for job in clash)
    every = "both" if len(first) == 1 else "all"
    return f"{', '.join(first)} and {last} would {every} be written to {clash[0].output}"


def _name_mask_outputs(jobs: Sequence[Job], folder: AnyPath, naming: Naming) -> tuple[Job, ...]:
    """The jobs with a file for each mask, called so that ``match_masks`` finds it for the photo."""
    taken = {_key(path): job for job in jobs for path in (job.source, job.mask, job.output) if path}
    named = list[Job]()
    for job in jobs:
        paths = [folder / f"{name}.png" for name in (job.source.stem, job.source.name)]
        choice = paths if naming.on_clash == "suffix" else paths[:1]
        path = next((path for path in choice if _key(path) not in taken), None)
        if path is None:
            other = taken[_key(choice[-1])].source
            problem = f"would have {choice[-1].name} twice, for {job.source} and for {other}"
            raise OptionError("save_masks", folder, problem, "--on-clash suffix or another folder")
        taken[_key(path)] = job
        named.append(replace(job, mask_output=path))
    return tuple(named)


def _key(path: AnyPath) -> str:
    if isinstance(path, RemotePath):
        return str(path)
    return os.path.normcase(os.path.realpath(path))


def check_folder(folder: AnyPath) -> None:
    """Raise a RequestError where `make_folder` would, as far as can be seen without making anything."""
    if isinstance(folder, RemotePath):
        return
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        reason = "Permission denied" if there.is_dir() else f"{there} is no folder"
        raise _not_writable(folder, reason)


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
        raise _not_writable(folder, error.strerror or str(error)) from error


def _not_writable(folder: AnyPath, reason: str) -> RequestError:
    return RequestError(
        f"The output folder {folder} cannot be written ({reason}); "
        "name another folder or change its permissions."
    )
