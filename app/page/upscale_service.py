"""What the Upscale tab and its part of the programming interface do, as visitors see it.

The work is that of the command ``upscale``; here are the limits of the page, the part that is shown before
the whole, progress and stopping, and the sentences.
"""

import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from remend.app.batch import requests
from remend.app.batch.plan import Job, Naming
from remend.app.batch.target_size import TargetSize
from remend.app.batch.upscale_work import UpscaleWork
from remend.app.engine.catalogue import default_upscale_model
from remend.app.engine.model_pool import ModelPool
from remend.app.page.crop import aim_at, cut_crop, mark_part
from remend.app.page.i18n import joined, language_of, translated, word
from remend.app.page.preview import encode_preview
from remend.app.page.status import PageProgress, check_name, explain, say
from remend.app.page.uploads import check_megapixels, new_folder, read_allowed_size
from remend.models.errors import RemendError, RequestError
from remend.models.imaging.files import read_picture, read_size, write_picture
from remend.models.inference.restorer import UpscaleOptions
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
            return check_name(self.model, "upscale")
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


class Upscaling:
    """Enlarges uploaded photos, for the tab and for the programming interface."""

    def __init__(self, pool: ModelPool, max_megapixels: float) -> None:
        self._pool = pool
        self._max_megapixels = max_megapixels
        self._running: dict[str, PageProgress] = {}
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
        self._check_sizes(photo, wanted.target)
        name = None if wanted.model == AUTO_MODEL else check_name(wanted.model, "upscale")
        request = requests.UpscaleRequest(
            wanted.target, name, detail=wanted.detail, denoise=wanted.denoise
        )
        work = UpscaleWork(self._pool, request)
        suffix = f"-{round(wanted.width)}px" if wanted.width else f"-x{wanted.scale:g}"
        output = folder / Naming(wanted.file_format, suffix).name_for(photo)
        if output.exists():  # two photos of one name
            output = output.with_stem(f"{output.stem}-{len(list(folder.iterdir())) + 1}")
        return output, work.perform(Job(photo, output), progress)

    def choose(
        self, paths: list[str] | None, scale: float, width: float, request: gr.Request
    ) -> tuple[str, Any, Any, None, Any]:
        """For photos that were just chosen: the status line, and where to look in the first of them.

        What was made of others before is taken away: no comparison, no download.
        """
        said = self.describe(paths, scale, width, request)
        try:
            shown = self._mark_part(Path(paths[0]), 0.5, 0.5) if paths else None
        except RemendError:  # which the status line says
            shown = None
        return said, shown, gr.update(visible=shown is not None), None, withdraw_download()

    def aim(
        self, paths: list[str] | None, shown: str | None, event: gr.SelectData
    ) -> tuple[Any, Any]:
        """Where the part lies when the small picture is clicked at."""
        if not (paths and shown):
            return gr.skip(), gr.skip()
        (width, height), (across, down) = read_size(Path(paths[0])), read_size(Path(shown))
        x, y = event.index
        return aim_at((width, height), (x + 0.5) * width / across, (y + 0.5) * height / down)

    def describe(
        self, paths: list[str] | None, scale: float, width: float, request: gr.Request
    ) -> str:
        """The status line for photos that were just chosen, or for another size."""
        language = language_of(request)
        if not paths:
            return _tell(word(language, "choose_photo"))
        try:
            return _tell(
                self._describe(paths, UpscaleRequest(scale, width, AUTO_MODEL, 0).target, language)
            )
        except Exception as error:
            return _tell(explain(error, language_of(request)), is_error=True)

    def _describe(self, paths: Sequence[str], target: TargetSize, language: str) -> str:
        sizes = [self._check_sizes(Path(path), target) for path in paths]
        if len(sizes) == 1:
            (width, height), (across, down) = sizes[0]
            values = {"width": width, "height": height, "across": across, "down": down}
            return word(language, "size_says", name=Path(paths[0]).name, **values)
        megapixels = sum(across * down for _, (across, down) in sizes) / 1e6
        return word(language, "sizes_say", count=len(sizes), megapixels=f"{megapixels:.1f}")

    def show_part(
        self,
        paths: list[str] | None,
        scale: float,
        width: float,
        model: str,
        detail: float,
        denoise: float,
        across: float,
        down: float,
        request: gr.Request,
        bar: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio looks for it here
    ) -> tuple[Any, str, Any]:
        """Upscale a small part of the first photo; say how long all will take, measured on the part."""
        language, session = language_of(request), request.session_hash or ""
        try:
            if not paths:
                raise RequestError(word(language, "choose_photo"))
            wanted = UpscaleRequest(scale, width, model, detail, denoise=denoise)
            photo = Path(paths[0])
            sizes = [self._check_sizes(Path(path), wanted.target)[0] for path in paths]
            picture = read_picture(photo, max_megapixels=self._max_megapixels)
            part = cut_crop(picture, across, down)
            factor = wanted.target.scale_for(sizes[0])
            larger = (round(part.width * factor), round(part.height * factor))
            options = UpscaleOptions(size=larger, detail=detail, denoise=denoise)
            progress = self._running[session] = PageProgress(bar)
            name = wanted.model_for(sizes[0])
            self._pool.upscaler(name)  # the time to load it says nothing of the whole
            began = time.monotonic()
            enlarged = self._pool.upscale(part, name, options, progress)
            seconds = time.monotonic() - began
            folder = new_folder()
            pair = (folder / "before.png", folder / "after.png")
            for shown, path in zip((part, enlarged), pair, strict=True):
                write_picture(shown, path)
            # A tile computes its halo too, of which a small part has more.
            seconds *= sum(w * h for w, h in sizes) / (part.width * part.height)
            text = joined(
                language,
                self._describe(paths, wanted.target, language),
                word(language, "estimate", seconds=spell_seconds(seconds, language)),
                word(language, "preview_of", name=photo.name),
                *translated(enlarged.meta.notes, language),
            )
            marked = _keep(mark_part(picture, across, down), folder)
            return tuple(map(str, pair)), _tell(text), marked
        except Exception as error:
            said = _tell(explain(error, language_of(request)), is_error=True)
            return gr.skip(), said, gr.skip()
        finally:
            self._running.pop(session, None)

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

    def _mark_part(self, photo: Path, across: float, down: float) -> str:
        read_allowed_size(photo, self._max_megapixels)
        picture = read_picture(photo, max_megapixels=self._max_megapixels)
        return _keep(mark_part(picture, across, down), new_folder())

    def _check_sizes(
        self, photo: Path, target: TargetSize
    ) -> tuple[tuple[int, int], tuple[int, int]]:
        """The sizes of photo and result; both within their limits."""
        size = read_allowed_size(photo, self._max_megapixels)
        larger = target.size_for(size)
        who = f"At {target.scale_for(size):g} times its size {photo.name}"
        check_megapixels(who, larger, _RESULT_FACTOR * self._max_megapixels)
        return size, larger


def withdraw_download() -> Any:
    """Offer nothing to download: what was made is not what is asked for now."""
    return gr.update(value=None, interactive=False, variant="secondary")


def _tell(text: str, *, is_error: bool = False) -> str:
    return say(text, "upscale", is_error=is_error)


def spell_seconds(seconds: float, language: str) -> str:
    """A duration as people say it: seconds up to two minutes, then minutes."""
    if seconds < 120:
        return word(language, "seconds", count=max(1, round(seconds)))
    return word(language, "minutes", count=round(seconds / 60))


def _keep(jpeg: bytes, folder: Path) -> str:
    path = folder / "where.jpg"
    path.write_bytes(jpeg)
    return str(path)


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
