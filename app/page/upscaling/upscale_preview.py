"""What the Upscale tab says before any work: sizes, what it will take, and a photo, small, to click into.

A part of one, upscaled, is shown by ``part_preview``. Nothing here makes a file to download.
"""

import html
import math
from collections.abc import Sequence
from contextlib import suppress
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
)
from remend.app.page.status import explain, say
from remend.app.page.uploads import current_visitor, read_allowed_size
from remend.app.page.upscaling.forecast import Forecast, Sized, describe_sizes, size_photos
from remend.app.page.upscaling.kept_out import read_place
from remend.app.page.upscaling.part_preview import find_looked
from remend.app.page.upscaling.place import show_photo
from remend.app.page.upscaling.upscale_service import read_form, read_target
from remend.app.page.work.jobs import Jobs
from remend.app.page.work.listening import find_listener
from remend.app.page.work.polite import Polite
from remend.models.errors import RemendError
from remend.models.imaging.files import read_picture
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
        forecasts: Shared with ``PartPreview``.
    """

    def __init__(
        self,
        pool: ModelPool,
        max_megapixels: float,
        jobs: Jobs,
        budget: MemoryBudget | None = None,
        forecasts: Forecast | None = None,
    ) -> None:
        self._max_megapixels = max_megapixels
        self._jobs = jobs
        self._budget = MemoryBudget() if budget is None else budget
        self._forecasts = forecasts or Forecast(pool)

    def choose_photos(
        self,
        paths: list[str] | None,
        scale: float,
        width: float,
        question: float,
        request: gr.Request,
    ) -> tuple[str, Any, Any, Any]:
        """For photos that were just chosen: the status line, and the first of them, small, to click into.

        What was made of others before is taken away in the browser. Here the divider gets back its plain
        label; for large photos the factor is proposed that makes no monsters of them. ``question`` is the
        number of what is asked.
        """
        language = choose_language(request)
        factor = self._propose(paths or [], scale, width)
        status = self.describe(paths, factor, width, question, request)
        shown = None
        for path in paths or []:
            with suppress(RemendError):  # the status line says why
                shown = self._show_small(Path(path), paths or [])
                break
        proposed: Any = gr.skip()
        if factor != scale:
            proposed = gr.update(value=factor)
            note = format_message(language, "scale_proposed", scale=f"{factor:g}")
            status = status.replace("</span>", html.escape(f" {note}") + "</span>")
        label = gr.update(label=format_message(language, "before_after"))
        return status, shown or gr.update(shown=None), label, proposed

    def turn(
        self, paths: list[str] | None, place: Any, question: float, request: gr.Request
    ) -> tuple[Any, Any]:
        """The status line, and another photo of the list, small, to click into."""
        language = choose_language(request)
        try:
            good, _ = self._size(paths or [], TargetSize(), language)
            if not good:
                return gr.skip(), gr.skip()
            photo = find_looked(good, read_place(place))
            said = format_message(language, "looked_at", name=photo.path.name)
            status = _answer(said, question)
            return status, self._show_small(photo.path, paths or [])
        except Exception as error:
            return _answer(explain(error, language), question, is_error=True), gr.skip()

    def _propose(self, paths: Sequence[str], scale: float, width: float) -> float:
        """The factor for photos of that size, where the visitor has not chosen one."""
        if width or scale != DEFAULT_SCALE:
            return scale
        asked = UpscaleRequest(TargetSize(scale=scale))
        good, _ = size_photos(paths, asked, math.inf, "en")
        is_large = any(math.prod(photo.size) >= LARGE_MEGAPIXELS * 1e6 for photo in good)
        return 2.0 if is_large else scale

    def describe(
        self,
        paths: list[str] | None,
        scale: float,
        width: float,
        question: float,
        request: gr.Request,
    ) -> str:
        """The status line for photos that were just chosen, or for another size."""
        language = choose_language(request)
        if not paths:
            return _answer(format_message(language, "choose_photo"), question)
        try:
            good, wrong = self._size(paths, read_target(scale, width), language)
            told = [describe_sizes(good, language)] if good else []
            return _answer(join_sentences(language, *told, *wrong), question, is_error=bool(wrong))
        except Exception as error:
            return _answer(explain(error, language), question, is_error=True)

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

    def _show_small(self, photo: Path, photos: Sequence[str]) -> Any:
        pixels = math.prod(read_allowed_size(photo, self._max_megapixels))
        with self._budget.hold(CHANGING_BYTES * pixels, current_visitor()):
            picture = read_picture(photo, max_megapixels=self._max_megapixels)
            return show_photo(photo, picture, list(map(Path, photos)))


def _answer(text: str, question: float, *, is_error: bool = False) -> str:
    return say(text, "upscale", is_error=is_error, number=question)
