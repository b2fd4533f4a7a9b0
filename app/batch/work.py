"""What is done to one file: read it, work on it, write it.

Each kind of work is one class in a module of its own, so that ``app.batch.pipeline`` knows neither masks nor
scales. What can be seen to be wrong before any work is raised by ``prepare``; what is wrong with one file, by
the three steps ``read``, ``restore`` and ``write``, which the pipeline does for several files at once.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from remend.app.batch.estimate import Cost, file_seconds
from remend.app.batch.plan import Job, Plan
from remend.app.engine.model_pool import ModelPool
from remend.models.errors import InputError, OptionError, RequestError
from remend.models.imaging.encode import SUFFIX_FORMATS, refuse_colours
from remend.models.imaging.files import (
    Header,
    PhotoFile,
    open_photo,
    write_picture,
)
from remend.models.imaging.mask_file import PhotoOf, read_mask
from remend.models.imaging.picture import Mask, Picture
from remend.models.progress import Progress
from remend.models.storage.atomic import write_atomic
from remend.models.storage.remote import AnyPath


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """How outputs are written: quality of JPEG and WebP (1 to 100), and whether metadata is kept."""

    quality: int = 95
    keep_metadata: bool = True

    def __post_init__(self) -> None:
        """Refuse a quality out of range."""
        if not 1 <= self.quality <= 100:
            raise OptionError("quality", self.quality, "is out of range", "1 to 100")

    def save(self, picture: Picture, path: AnyPath) -> tuple[str, ...]:
        """Write a picture; returns what the format could not hold."""
        return write_picture(picture, path, quality=self.quality, keep_metadata=self.keep_metadata)


@dataclass(frozen=True, slots=True)
class LoadedPhoto:
    """What was read for a job: its photo, its mask, and how it is to be tiled."""

    picture: Picture
    mask: Mask | None = None
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class RestoredPhoto:
    """What is to be written: a picture, or a copy of the photo's file where nothing was changed.

    Attributes:
        picture: With notes for the person.
        unchanged: Whether its pixels are the photo's.
        mask: What was filled.
    """

    picture: Picture
    unchanged: bool = False
    mask: Mask | None = None


class Work(Protocol):
    """One kind of work on files."""

    @property
    def devices(self) -> int:
        """How many files can go through networks at the same time."""
        ...

    def prepare(self, plan: Plan) -> None:
        """Load the weights; where there is only one photo, check that the work suits it.

        Raises:
            RequestError: What can be seen to be wrong before any work.
        """
        ...

    def settings(self, job: Job) -> Mapping[str, Any]:
        """All that decides the output beside the photo itself, as plain values."""
        ...

    def close(self, job: Job) -> None:
        """Let go of the job's files; whoever asked for its settings or cost does this in the end."""
        ...

    def cost(self, job: Job, *, timed: bool = False) -> Cost:
        """What the job will take; its seconds only where ``timed``.

        Raises:
            InputError: The photo cannot be read, or cannot fit into memory.
        """
        ...

    def read(self, job: Job) -> LoadedPhoto:
        """Read what the job needs; raises a RemendError where it cannot be read."""
        ...

    def restore(self, material: LoadedPhoto, progress: Progress) -> RestoredPhoto:
        """Make the picture; raises a RemendError, or Cancelled where the user wants an end."""
        ...

    def write(self, made: RestoredPhoto, job: Job) -> tuple[str, ...]:
        """Write the output whole or not at all; returns notes for the person."""
        ...


class OpenFiles:
    """The photos and masks of the jobs in hand: each is opened once and decoded once, until ``close``.

    Behind a URL each opening is a request. One thread at a time works on a job.
    """

    def __init__(self) -> None:
        self._photos: dict[Job, PhotoFile] = {}
        self._masks: dict[Job, Mask] = {}

    def __reduce__(self) -> tuple[type["OpenFiles"], tuple[()]]:
        """Open files do not travel: another process opens its own."""
        return OpenFiles, ()

    def header(self, job: Job) -> Header:
        """What the photo's header says; errors as ``open_photo``."""
        return self._photo(job).header

    def picture(self, job: Job) -> Picture:
        """The photo's pixels; its header stays known. Errors as ``read_picture`` and ``refuse_colours``."""
        picture = self._photo(job).read()
        refuse_colours(picture.meta, SUFFIX_FORMATS[job.output.suffix.lower()])
        return picture

    def mask(
        self, job: Job, path: AnyPath, photo: PhotoOf | None = None, *, invert: bool, soft: bool
    ) -> Mask:
        """The mask of the job, which lies at ``path``; the rest is as for ``read_mask``.

        ``photo`` gives the job's photo where it is in memory already.
        """
        if job not in self._masks:
            photo = photo or (lambda: self.picture(job))
            self._masks[job] = read_mask(path, photo=photo, invert=invert, soft=soft)
        return self._masks[job]

    def close(self, job: Job) -> None:
        """Let go of the job's files; that none is open is no error."""
        self._masks.pop(job, None)
        if photo := self._photos.pop(job, None):
            photo.close()

    def _photo(self, job: Job) -> PhotoFile:
        if job not in self._photos:
            self._photos[job] = open_photo(job.source)
        return self._photos[job]


class FileWork:
    """What all kinds of work on files share.

    Args:
        pool: Runs the networks.
        saving: How outputs are written.
        memory_bytes: What the whole program may take; None = no limit is looked at.
    """

    def __init__(
        self, pool: ModelPool, saving: EncodeOptions, memory_bytes: int | None = None
    ) -> None:
        self.pool, self.saving, self.memory_bytes = pool, saving, memory_bytes
        self.files = OpenFiles()

    @property
    def devices(self) -> int:
        """How many files can go through networks at the same time."""
        return self.pool.devices

    def close(self, job: Job) -> None:
        """Let go of the job's files."""
        self.files.close(job)

    @contextmanager
    def foreseeing(self, job: Job) -> Iterator[None]:
        """While the one photo of a request is checked: let go of it where the request is wrong.

        A file that cannot be read is no wrong request: it fails when its turn comes.
        """
        try:
            yield
        except InputError:
            return
        except RequestError:
            self.close(job)
            raise

    def foresee_cost(self, job: Job, cost: Callable[[Job], Cost]) -> None:
        """Raise a RequestError where the one photo of a request cannot be done as asked."""
        with self.foreseeing(job):
            self.files.header(job)
            try:
                cost(job)
            except InputError as error:
                raise RequestError(str(error)) from error

    def try_reading(self, job: Job, size: tuple[int, int]) -> float:
        """Seconds of reading the photo and writing an output of ``size``.

        Raises:
            InputError: The photo cannot be decoded. One behind a URL is not fetched to see that.
        """
        header = self.files.header(job)
        if isinstance(job.source, Path):
            self.files.picture(job)
        return file_seconds(job.source, header, job.output, size, self.saving.quality)

    def perform(self: "Work", job: Job, progress: Progress) -> tuple[str, ...]:
        """Make one output, one step after the other; returns notes for the person."""
        try:
            return self.write(self.restore(self.read(job), progress), job)
        finally:
            self.close(job)

    def write(self, made: RestoredPhoto, job: Job) -> tuple[str, ...]:
        """Write the output; an unchanged photo as the file it was, where that is the same format."""
        job.output.parent.mkdir(parents=True, exist_ok=True)
        notes = made.picture.meta.notes
        same = made.picture.meta.source_format == SUFFIX_FORMATS[job.output.suffix.lower()]
        if made.unchanged and same and self.saving.keep_metadata:
            write_atomic(job.source.read_bytes(), job.output)  # encoding again would change pixels
            return notes
        return notes + self.saving.save(made.picture, job.output)
