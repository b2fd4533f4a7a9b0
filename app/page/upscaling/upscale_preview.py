"""What the Upscale tab shows before the whole work starts: sizes, and a part of the first photo, upscaled.

The part is upscaled as the whole will be, so that model, detail and waiting time can be judged. Nothing here
makes a file to download.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from remend.app.batch.requests import UpscaleRequest
from remend.app.batch.target_size import TargetSize
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
from remend.app.page.upscaling.upscale_service import check_sizes, read_form, read_target
from remend.app.page.work.jobs import Jobs
from remend.app.page.work.listening import find_listener
from remend.models.errors import RemendError, RequestError
from remend.models.imaging.files import read_picture, read_size, write_picture
from remend.models.imaging.picture import Picture
from remend.models.progress import Progress


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

    def choose_photos(
        self, paths: list[str] | None, scale: float, width: float, request: gr.Request
    ) -> tuple[str, Any, Any, None, Any]:
        """For photos that were just chosen: the status line, and a small picture of the first to click into.

        What was made of others before is taken away: no comparison, no download.
        """
        status = self.describe(paths, scale, width, request)
        try:
            shown = self._mark_middle(Path(paths[0])) if paths else None
        except RemendError:  # the status line says why
            shown = None
        return status, shown, gr.update(visible=shown is not None), None, withdraw_download()

    def move_part(
        self, paths: list[str] | None, shown: str | None, event: gr.SelectData
    ) -> tuple[Any, Any]:
        """Where the part lies, from left to right and down, after a click into the small picture."""
        if not (paths and shown):
            return gr.skip(), gr.skip()
        (width, height), (shown_width, shown_height) = (
            read_size(Path(paths[0])),
            read_size(Path(shown)),
        )
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
            target = read_target(scale, width)
            return say(self._describe_sizes(paths, target, language), "upscale")
        except Exception as error:
            return say(explain(error, language), "upscale", is_error=True)

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
            pixels = math.prod(read_allowed_size(Path(paths[0]), self._max_megapixels))
            with (
                self._jobs.run("part", session, int(number), **visitor) as job,
                self._budget.hold(CHANGING_BYTES * pixels, current_visitor(), job),
            ):
                return self._show_part(paths, asked, (across, down), language, job)
        except Exception as error:
            status = say(explain(error, language), "upscale", is_error=True)
            return gr.skip(), status, gr.skip()

    def _show_part(
        self,
        paths: Sequence[str],
        asked: UpscaleRequest,
        place: tuple[float, float],
        language: str,
        progress: Progress,
    ) -> tuple[tuple[str, str], str, str]:
        sizes = [check_sizes(Path(path), asked.target, self._max_megapixels)[0] for path in paths]
        photo = Path(paths[0])
        picture = read_picture(photo, max_megapixels=self._max_megapixels)
        part = cut_part(picture, *place)
        enlarged, seconds = self._upscale_part(part, sizes[0], asked, progress)
        folder = new_folder()
        before, after = folder / "before.png", folder / "after.png"
        write_picture(part, before)
        write_picture(enlarged, after)
        # A tile computes its halo too, of which a small part has more.
        seconds *= sum(across * down for across, down in sizes) / (part.width * part.height)
        text = join_sentences(
            language,
            self._describe_sizes(paths, asked.target, language),
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

    def _describe_sizes(self, paths: Sequence[str], target: TargetSize, language: str) -> str:
        sizes = [check_sizes(Path(path), target, self._max_megapixels) for path in paths]
        if len(sizes) == 1:
            (width, height), (across, down) = sizes[0]
            values = {"width": width, "height": height, "across": across, "down": down}
            return format_message(language, "size_says", name=Path(paths[0]).name, **values)
        megapixels = f"{sum(across * down for _, (across, down) in sizes) / 1e6:.1f}"
        return format_message(language, "sizes_say", count=len(sizes), megapixels=megapixels)

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
