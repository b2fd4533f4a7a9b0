"""What the Upscale tab shows before the whole work starts: sizes, and a part of the first photo, upscaled.

The part is upscaled as the whole will be, so that model, detail and waiting time can be judged. Nothing here
makes a file to download.
"""

import html
import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from remend.app.batch.requests import UpscaleRequest
from remend.app.batch.target_size import DEFAULT_SCALE, TargetSize
from remend.app.engine.model_pool import ModelPool
from remend.app.page.guards.memory import CHANGING_BYTES, MemoryBudget
from remend.app.page.i18n import (
    choose_language,
    format_message,
    join_sentences,
    spell_seconds,
    translate_sentences,
)
from remend.app.page.status import explain, say
from remend.app.page.uploads import current_visitor, new_folder, read_allowed_size
from remend.app.page.upscaling.crop import centre_part, cut_part, mark_part
from remend.app.page.upscaling.forecast import Forecast, Sized, size_photos
from remend.app.page.upscaling.upscale_service import read_form, read_target
from remend.app.page.work.jobs import Jobs
from remend.app.page.work.listening import find_listener
from remend.app.page.work.polite import Polite
from remend.models.errors import RemendError, RequestError
from remend.models.imaging.files import read_picture, read_size, write_picture
from remend.models.imaging.picture import Picture
from remend.models.progress import Cancelled, Progress

LARGE_MEGAPIXELS = 6.0
"""From here on x2 is proposed: at x4 a phone's photo would have 200 megapixels."""


class UpscalePreview:
    """Says what uploaded photos will become.

    Args:
        pool: The models.
        max_megapixels: Larger photos are refused.
        jobs: What is running; shared with ``UpscaleService``.
        budget: Of memory, for the work on photos.
    """

    def __init__(
        self,
        pool: ModelPool,
        max_megapixels: float,
        jobs: Jobs,
        budget: MemoryBudget | None = None,
    ) -> None:
        self._pool = pool
        self._max_megapixels = max_megapixels
        self._jobs = jobs
        self._budget = MemoryBudget() if budget is None else budget
        self._forecasts = Forecast(pool)

    def choose_photos(
        self, paths: list[str] | None, scale: float, width: float, request: gr.Request
    ) -> tuple[str, Any, Any, None, Any, Any, Any, Any]:
        """For photos that were just chosen: the status line, and a small picture of the first to click into.

        What was made of others before is taken away: no comparison, no download, no list. For large photos
        the factor is proposed that makes no monsters of them.
        """
        language = choose_language(request)
        factor = self._propose(paths or [], scale, width)
        status = self.describe(paths, factor, width, request)
        shown = None
        for path in paths or []:
            with suppress(RemendError):  # the status line says why
                shown = self._mark_middle(Path(path))
                break
        proposed: Any = gr.skip()
        if factor != scale:
            proposed = gr.update(value=factor)
            note = format_message(language, "scale_proposed", scale=f"{factor:g}")
            status = status.replace("</span>", html.escape(f" {note}") + "</span>")
        chooser, hidden = gr.update(visible=shown is not None), gr.update(visible=False)
        return status, shown, chooser, None, withdraw_download(), hidden, hidden, proposed

    def _propose(self, paths: Sequence[str], scale: float, width: float) -> float:
        """The factor for photos of that size, where the visitor has not chosen one."""
        if width or scale != DEFAULT_SCALE:
            return scale
        asked = UpscaleRequest(TargetSize(scale=scale))
        good, _ = size_photos(paths, asked, math.inf, "en")
        is_large = any(math.prod(photo.size) >= LARGE_MEGAPIXELS * 1e6 for photo in good)
        return 2.0 if is_large else scale

    def move_part(
        self, paths: list[str] | None, shown: str | None, event: gr.SelectData
    ) -> tuple[Any, Any]:
        """Where the part lies, from left to right and down, after a click into the small picture."""
        good, _ = self._size(paths or [], TargetSize(scale=1.5), "en")
        if not (good and shown):
            return gr.skip(), gr.skip()
        (width, height), (shown_width, shown_height) = good[0].size, read_size(Path(shown))
        x, y = event.index
        return centre_part(
            (width, height), (x + 0.5) * width / shown_width, (y + 0.5) * height / shown_height
        )

    def describe(
        self, paths: list[str] | None, scale: float, width: float, request: gr.Request
    ) -> str:
        """The status line for photos that were just chosen, or for another size."""
        language = choose_language(request)
        if not paths:
            return say(format_message(language, "choose_photo"), "upscale")
        try:
            good, wrong = self._size(paths, read_target(scale, width), language)
            told = [self._describe_sizes(good, language)] if good else []
            return say(join_sentences(language, *told, *wrong), "upscale", is_error=bool(wrong))
        except Exception as error:
            return say(explain(error, language), "upscale", is_error=True)

    def forecast(
        self,
        paths: list[str] | None,
        scale: float,
        width: float,
        model: str,
        detail: float,
        denoise: float,
        file_format: str,
        request: gr.Request,
    ) -> str:
        """What all results will have and take; the seconds only where the model was measured before."""
        form = (scale, width, model, detail, denoise)
        return self._forecast(paths, form, file_format, request)

    def measure(
        self,
        paths: list[str] | None,
        scale: float,
        width: float,
        model: str,
        detail: float,
        denoise: float,
        file_format: str,
        request: gr.Request,
    ) -> str:
        """The same with the seconds; a small picture is run where the model was not measured before."""
        form = (scale, width, model, detail, denoise)
        session = request.session_hash or ""
        try:
            visitor = {"session": session, "is_awaited": find_listener()}
            with self._jobs.run("forecast", **visitor) as job:
                measuring = Polite(job, self._jobs)
                return self._forecast(paths, form, file_format, request, measuring)
        except Cancelled:
            return self._forecast(paths, form, file_format, request)

    def _forecast(
        self,
        paths: list[str] | None,
        form: tuple[float, float, str, float, float],
        file_format: str,
        request: gr.Request,
        measuring: Progress | None = None,
    ) -> str:
        language = choose_language(request)
        try:
            asked = read_form(*form)
            good, _ = self._size(paths or [], asked.target, language)
            if not good:
                return ""
            text = self._forecasts.describe(good, asked, file_format, language, measuring)
        except RemendError:  # the status line says why
            return ""
        return f"<p>{html.escape(text)}</p>"

    def _size(
        self, paths: Sequence[str], target: TargetSize, language: str
    ) -> tuple[list[Sized], list[str]]:
        return size_photos(paths, UpscaleRequest(target), self._max_megapixels, language)

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
        number: float,
        request: gr.Request,
    ) -> tuple[Any, str, Any]:
        """Upscale a small part of the first photo; say how long all will take, measured on the part.

        ``number`` is that of the job; the other arguments are what the tab's controls say.

        Returns:
            The part before and after, the status line, the small picture with a frame around the part.
        """
        language, session = choose_language(request), request.session_hash or ""
        try:
            if not paths:
                raise RequestError(format_message(language, "choose_photo"))
            asked = read_form(scale, width, model, detail, denoise)
            visitor = {"session": session, "is_awaited": find_listener()}
            good, wrong = self._size(paths, asked.target, language)
            if not good:
                raise RequestError(join_sentences(language, *wrong))
            pixels = math.prod(good[0].size)
            with (
                self._jobs.run("part", session, int(number), **visitor) as job,
                self._budget.hold(CHANGING_BYTES * pixels, current_visitor(), job),
            ):
                return self._show_part(good, asked, (across, down), language, job)
        except Exception as error:
            status = say(explain(error, language), "upscale", is_error=True)
            return gr.skip(), status, gr.skip()

    def _show_part(
        self,
        photos: Sequence[Sized],
        asked: UpscaleRequest,
        place: tuple[float, float],
        language: str,
        progress: Progress,
    ) -> tuple[tuple[str, str], str, str]:
        photo = photos[0].path
        picture = read_picture(photo, max_megapixels=self._max_megapixels)
        part = cut_part(picture, *place)
        enlarged, seconds = self._upscale_part(part, photos[0].size, asked, progress)
        folder = new_folder()
        before, after = folder / "before.png", folder / "after.png"
        write_picture(part, before)
        write_picture(enlarged, after)
        # A tile computes its halo too, of which a small part has more.
        seconds *= sum(math.prod(one.size) for one in photos) / (part.width * part.height)
        text = join_sentences(
            language,
            self._describe_sizes(photos, language),
            format_message(language, "estimate", seconds=spell_seconds(seconds, language)),
            format_message(language, "preview_of", name=photo.name),
            *translate_sentences(enlarged.meta.notes, language),
        )
        marked = _keep(mark_part(picture, *place), folder)
        return (str(before), str(after)), say(text, "upscale"), marked

    def _upscale_part(
        self, part: Picture, size: tuple[int, int], asked: UpscaleRequest, progress: Progress
    ) -> tuple[Picture, float]:
        """Upscale a part of a photo of that size; also gives the seconds that it took."""
        factor = asked.target.scale_for(size)
        larger = (round(part.width * factor), round(part.height * factor))
        options = replace(asked.options, size=larger)
        weights = asked.weights_for(size)
        self._pool.upscaler(weights)  # the time to load it says nothing of the whole
        start = time.monotonic()
        enlarged = self._pool.upscale(part, weights, options, progress)
        return enlarged, time.monotonic() - start

    def _describe_sizes(self, photos: Sequence[Sized], language: str) -> str:
        if len(photos) == 1:
            (width, height), (across, down) = photos[0].size, photos[0].larger
            values = {"width": width, "height": height, "across": across, "down": down}
            return format_message(language, "size_says", name=photos[0].path.name, **values)
        megapixels = f"{sum(math.prod(photo.larger) for photo in photos) / 1e6:.1f}"
        return format_message(language, "sizes_say", count=len(photos), megapixels=megapixels)

    def _mark_middle(self, photo: Path) -> str:
        pixels = math.prod(read_allowed_size(photo, self._max_megapixels))
        with self._budget.hold(CHANGING_BYTES * pixels, current_visitor()):
            picture = read_picture(photo, max_megapixels=self._max_megapixels)
            return _keep(mark_part(picture, 0.5, 0.5), new_folder())


def withdraw_download() -> Any:
    """Offer nothing to download: what was made is not what is asked for now."""
    return gr.update(value=None, interactive=False, variant="secondary")


def _keep(jpeg: bytes, folder: Path) -> str:
    path = folder / "where.jpg"
    path.write_bytes(jpeg)
    return str(path)
