"""Upscaling uploaded photos, for the Upscale tab and for the programming interface.

The work is that of the command ``upscale``; here are the limits of the page, progress and stopping, and the
sentences. What is shown before the whole work starts is in ``upscale_preview``.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from remend.app.batch.plan import Job, Naming
from remend.app.batch.target_size import TargetSize
from remend.app.batch.work import EncodeOptions, UpscaleWork
from remend.app.engine.catalogue import default_upscale_model
from remend.app.engine.model_pool import ModelPool
from remend.app.page.i18n import choose_language as language_of
from remend.app.page.i18n import format_message as word
from remend.app.page.i18n import join_sentences as joined
from remend.app.page.i18n import translate_sentences as translated
from remend.app.page.preview import encode_preview
from remend.app.page.status import PageProgress, check_model_name, explain, say
from remend.app.page.uploads import check_megapixels, new_folder, read_allowed_size
from remend.models.errors import RemendError, RequestError
from remend.models.imaging.files import read_picture, read_size
from remend.models.inference.upscaler import DEFAULT_DENOISE
from remend.models.progress import NO_PROGRESS, Cancelled, Progress

AUTO_MODEL = "auto"

_RESULT_FACTOR = 4
"""A result may have so many times the megapixels that a photo may have."""


@dataclass(frozen=True, slots=True)
class UpscaleRequest:
    """What a visitor asks for; ``width`` in pixels wins over ``scale`` unless it is 0."""

    scale: float
    width: float
    model: str
    detail: float
    file_format: str = "auto"
    denoise: float = DEFAULT_DENOISE

    @property
    def target(self) -> TargetSize:
        """The size asked for; errors as ``TargetSize``."""
        return TargetSize(width=round(self.width)) if self.width else TargetSize(scale=self.scale)

    def model_for(self, size: tuple[int, int]) -> str:
        """The name of the model that does it for a photo of that size."""
        if self.model != AUTO_MODEL:
            return check_model_name(self.model, "upscale")
        return default_upscale_model(self.target.scale_for(size))


class PhotoProgress(PageProgress):
    """Progress of one photo out of several, on one bar."""

    def __init__(self, bar: gr.Progress, index: int, count: int, name: str) -> None:
        super().__init__(bar)
        self._index, self._count, self._name = index, count, name

    def update(self, done: float, total: float, note: str = "") -> None:
        share = done / total if total else 0.0
        note = note if self._count == 1 else f"{self._name}, {note}"
        super().update(self._index + share, self._count, note)


class UpscaleService:
    """Enlarges uploaded photos.

    Args:
        pool: The models.
        max_megapixels: Larger photos are refused.
        running: What each visitor has running, by session; shared with ``UpscalePreview``, so that one button
            stops either.
    """

    def __init__(
        self,
        pool: ModelPool,
        max_megapixels: float,
        running: dict[str, PageProgress] | None = None,
    ) -> None:
        self._pool = pool
        self._max_megapixels = max_megapixels
        self._running = {} if running is None else running
        self._stopped: set[str] = set()

    def upscale_file(
        self, photo: Path, wanted: UpscaleRequest, folder: Path, progress: Progress = NO_PROGRESS
    ) -> tuple[Path, tuple[str, ...]]:
        """Enlarge a photo as the command would.

        Returns:
            The file that was written into ``folder``, and notes.

        Raises:
            RemendError: The photo, the size or the model will not do.
        """
        check_sizes(photo, wanted.target, self._max_megapixels)
        name = None if wanted.model == AUTO_MODEL else check_model_name(wanted.model, "upscale")
        work = UpscaleWork(
            self._pool, name, wanted.target,
            detail=wanted.detail, denoise=wanted.denoise, saving=EncodeOptions(),
        )  # fmt: skip
        suffix = f"-{round(wanted.width)}px" if wanted.width else f"-x{wanted.scale:g}"
        output = folder / Naming(wanted.file_format, suffix).name_for(photo)
        if output.exists():  # two photos of one name
            output = output.with_stem(f"{output.stem}-{len(list(folder.iterdir())) + 1}")
        return output, work.perform(Job(photo, output), progress)

    def run(
        self,
        paths: list[str] | None,
        scale: float,
        width: float,
        model: str,
        detail: float,
        denoise: float,
        file_format: str,
        request: gr.Request,
        bar: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio looks for it here
    ) -> tuple[Any, Any, str]:
        """Upscale all: the first two pictures to compare, the download, the status line."""
        language, session = language_of(request), request.session_hash or ""
        self._stopped.discard(session)
        try:
            if not paths:
                raise RequestError(word(language, "choose_photo"))
            wanted = UpscaleRequest(scale, width, model, detail, file_format, denoise)
            folder, made, notes = new_folder(), list[Path](), list[str]()
            for index, path in enumerate(map(Path, paths)):
                if session in self._stopped:
                    raise Cancelled
                progress = PhotoProgress(bar, index, len(paths), path.name)
                self._running[session] = progress
                try:
                    file, said = self.upscale_file(path, wanted, folder, progress)
                except RemendError as error:
                    if len(paths) == 1:
                        raise
                    notes.append(explain(error, language))  # the others are done all the same
                else:
                    notes += [note for note in translated(said, language) if note not in notes]
                    made.append(file)
            if not made:
                raise RequestError(joined(language, *notes))
            first = next(path for path in map(Path, paths) if made[0].stem.startswith(path.stem))
            place = new_folder()
            pair = (_write_preview(first, place), _write_preview(made[0], place))
            file = made[0] if len(paths) == 1 else _zip(made, place)
            across, down = read_size(made[0])
            key = "result_says" if len(paths) == 1 else "results_say"
            values = {"name": file.name, "width": across, "height": down, "count": len(made)}
            text = joined(language, word(language, key, **values), *notes)
            failed = len(made) < len(paths)
            offer = gr.update(value=str(file), interactive=True, variant="primary")
            return pair, offer, _tell(text, is_error=failed)
        except Exception as error:
            return gr.skip(), gr.skip(), _tell(explain(error, language_of(request)), is_error=True)
        finally:
            self._running.pop(session, None)

    def stop(self, request: gr.Request) -> str:
        """End what this visitor has running, between two tiles."""
        session = request.session_hash or ""
        self._stopped.add(session)
        if progress := self._running.get(session):
            progress.stop()
        return _tell(word(language_of(request), "stopped_short"))


def check_sizes(
    photo: Path, target: TargetSize, max_megapixels: float
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Read the size of a photo and compute that of its result.

    Args:
        photo: The file.
        target: The size that was asked for.
        max_megapixels: Of a photo; a result may have four times as many.

    Returns:
        Width and height of the photo, and of its result.

    Raises:
        InputError: It is no picture, or one of the two is larger than allowed.
    """
    size = read_allowed_size(photo, max_megapixels)
    larger = target.size_for(size)
    name = f"At {target.scale_for(size):g} times its size {photo.name}"
    check_megapixels(name, larger, _RESULT_FACTOR * max_megapixels)
    return size, larger


def _tell(text: str, *, is_error: bool = False) -> str:
    return say(text, "upscale", is_error=is_error)


def _write_preview(picture: Path, folder: Path) -> str:
    preview = folder / f"{picture.stem}-preview.jpg"
    preview.write_bytes(encode_preview(read_picture(picture)))
    return str(preview)


def _zip(files: Sequence[Path], folder: Path) -> Path:
    """Put files into a zip; pictures are compressed already, so they are only stored."""
    path = folder / "upscaled.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            archive.write(file, file.name)
    return path
