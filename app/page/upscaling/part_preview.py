"""What the Upscale tab shows of a part of a photo before the whole: beside the photo or another version."""

import math
from collections.abc import Sequence
from typing import Any

import gradio as gr

from remend.app.batch.requests import UpscaleRequest
from remend.app.engine.model_pool import ModelPool
from remend.app.page.guards.memory import MemoryBudget
from remend.app.page.guards.messages import Message
from remend.app.page.i18n import (
    choose_language,
    format_message,
    join_sentences,
    spell_seconds,
    translate_sentences,
)
from remend.app.page.status import explain, say
from remend.app.page.upscaling.comparing import (
    add_version,
    compare,
    offer_versions,
    read_setting,
    write_pair,
)
from remend.app.page.upscaling.crop import centre_part, find_part
from remend.app.page.upscaling.forecast import Forecast, Sized, describe_sizes, size_photos
from remend.app.page.upscaling.kept_out import Place, draw_strokes, read_place
from remend.app.page.upscaling.parts import Part, Parts
from remend.app.page.upscaling.place import show_frame
from remend.app.page.upscaling.upscale_service import read_form
from remend.app.page.work.jobs import Jobs
from remend.app.page.work.listening import find_listener
from remend.models.errors import RemendError, RequestError


class PartPreview:
    """Shows parts.

    Args:
        pool: The models.
        max_megapixels: Larger photos are refused.
        jobs: What is running; shared with ``UpscaleService``.
        budget: Of memory, for the work on photos.
        forecasts: Told how quick a model is.
    """

    def __init__(
        self,
        pool: ModelPool,
        max_megapixels: float,
        jobs: Jobs,
        budget: MemoryBudget | None = None,
        forecasts: Forecast | None = None,
    ) -> None:
        self._max_megapixels, self._jobs = max_megapixels, jobs
        self._forecasts = forecasts or Forecast(pool)
        self._parts = Parts(pool, max_megapixels, budget or MemoryBudget())

    def move(self, paths: list[str] | None, place: Any, event: gr.EventData) -> tuple[Any, Any]:
        """Where the part lies, from left to right and down, after a click on a pixel of the photo."""
        try:
            message = Message(event._data)
            good, _ = size_photos(paths or [], UpscaleRequest(), self._max_megapixels, "en")
            if not good:
                return gr.skip(), gr.skip()
            photo = find_looked(good, read_place(place))
            return centre_part(photo.size, message["x"], message["y"])
        except RemendError:
            return gr.skip(), gr.skip()

    def show(
        self,
        paths: list[str] | None,
        scale: float,
        width: float,
        model: str,
        detail: float,
        denoise: float,
        place: Any,
        across: float,
        down: float,
        left: str | None,
        seen: list[str] | None,
        number: float,
        request: gr.Request,
    ) -> tuple[Any, str, Any, Any, Any]:
        """Upscale a small part of a photo; say how long all will take, measured on the part.

        ``left`` is the version to compare with (nothing = the photo), ``seen`` are those shown so far,
        ``number`` is that of the job; the other arguments are what the tab's controls say.

        Returns:
            The part on both sides of the divider, the status line, the frame around the part, the choice of
            versions to compare with, and those shown so far.
        """
        language, session = choose_language(request), request.session_hash or ""
        try:
            if not paths:
                raise RequestError(format_message(language, "choose_photo"))
            form = (scale, width, model, detail, denoise)
            asked, painted = read_form(*form), read_place(place)
            other = read_setting(left) if left else None
            visitor = {"session": session, "is_awaited": find_listener()}
            good, wrong = size_photos(paths, asked, self._max_megapixels, language)
            if not good:
                raise RequestError(join_sentences(language, *wrong))
            looked = find_looked(good, painted)
            with self._jobs.run("part", session, int(number), **visitor) as job:
                part = self._parts.upscale(looked, asked, (across, down), job)
                pair = [part.before, part.after]
                if other:
                    form = (scale, width, *other)
                    pair[0] = self._parts.upscale(
                        looked, read_form(*form), (across, down), job
                    ).after
            box = find_part(looked.size, across, down)
            mask = draw_strokes(painted.strokes_on(str(looked.path)), box)
            files = write_pair(pair, part.before, mask)
        except Exception as error:
            status = say(explain(error, language), "upscale", is_error=True, number=number)
            return gr.skip(), status, gr.skip(), gr.skip(), gr.skip()
        pixels = part.before.width * part.before.height
        self._forecasts.learn(looked, asked, part.seconds / pixels)
        setting = (model, detail, denoise)
        seen = add_version(seen, setting)
        shown = compare(files, language, other, setting)
        status = say(self._tell_part(part, good, looked, language), "upscale", number=number)
        choice = offer_versions(seen, left, language)
        return shown, status, show_frame(across, down), choice, seen

    def _tell_part(self, part: Part, photos: Sequence[Sized], looked: Sized, language: str) -> str:
        # A tile computes its halo too, of which a small part has more.
        seconds = part.seconds * sum(math.prod(one.size) for one in photos)
        seconds /= part.before.width * part.before.height
        return join_sentences(
            language,
            describe_sizes(photos, language),
            format_message(language, "estimate", seconds=spell_seconds(seconds, language)),
            format_message(language, "preview_of", name=looked.path.name),
            *translate_sentences(part.after.meta.notes, language),
        )


def find_looked(photos: Sequence[Sized], place: Place) -> Sized:
    """The photo that is looked at: the chosen one, else the first; there is at least one."""
    return next((photo for photo in photos if str(photo.path) == place.looked), photos[0])
