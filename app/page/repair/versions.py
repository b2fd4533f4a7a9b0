"""Other versions of the last fill, at other details and by other models, to choose between.

Only what the fill changed is computed and kept; the photo is changed when a version is chosen.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gradio as gr
import numpy as np

from remend.app.batch.requests import AUTO_MODEL, FillRequest
from remend.app.engine.model_pool import ModelPool
from remend.app.page.guards.memory import CHANGING_BYTES
from remend.app.page.preview import data_url, encode_shown, reduce_part, show_patch
from remend.app.page.repair.asked_job import run_asked
from remend.app.page.repair.component import fill_models
from remend.app.page.repair.fills_file import box_of
from remend.app.page.repair.last_fill import LastFill, Version
from remend.app.page.repair.photo_sessions import PhotoSessions, find_photo
from remend.app.page.status import check_model_name
from remend.app.page.uploads import current_visitor
from remend.app.page.work.jobs import Job, Jobs
from remend.models.errors import RequestError
from remend.models.imaging.picture import Picture
from remend.models.inference.regions import Box

DETAILS = (0.0, 0.5, 1.0)
"""At which details a fill is offered."""

_ALIKE = 0.15  # details nearer than this look the same
_MOST_MODELS = 3  # beside the one that was used
_LONGEST_PX = 144  # of a thumbnail
_AROUND = 0.3  # of the changed rectangle's longer side: what the fill has to go with

Message = dict[str, Any]


class VersionService:
    """Makes versions, and puts the chosen one into the photo."""

    def __init__(self, pool: ModelPool, sessions: PhotoSessions, jobs: Jobs) -> None:
        self._pool, self._sessions, self._jobs = pool, sessions, jobs

    def make(self, event: gr.EventData, request: gr.Request) -> Any:
        """Compute the versions; the browser is told their thumbnails, the one in the photo first."""
        return gr.update(versions=run_asked(self._jobs, "versions", event, request, self._make))

    def _make(self, message: Message, job: Job) -> Message:
        session = find_photo(self._sessions, message)
        last = session.last
        if last is None:
            raise RequestError("There is no fill to make other versions of; fill something first.")
        width, height = session.size
        with self._sessions.budget.hold(CHANGING_BYTES * width * height, current_visitor(), job):
            before = session.before_last()
            if not last.versions:
                first = Version(last.model, last.detail, session.last_patches())
                made = [self._fill(before, last, *one, job) for one in choose_others(last)]
                last.versions = [first, *made]
            shown = [_show(before, at, version) for at, version in enumerate(last.versions)]
        return {"versions": shown}

    def _fill(
        self, before: Picture, last: LastFill, model: str, detail: float, job: Job
    ) -> Version:
        asked = FillRequest(check_model_name(model, "fill"), detail)
        patches = self._pool.fill_patches(
            before, last.mask, asked.weights, asked.options, job, thick=asked.thick_weights
        )
        return Version(model, detail, patches)

    def choose_version(self, message: Message) -> Message:
        """Put a version into the photo, in place of the last fill; says what that changes."""
        session = find_photo(self._sessions, message)
        last, at = session.last, int(message["number"])
        if last is None or not 0 <= at < len(last.versions):
            raise RequestError("This version is no longer kept; make the versions again.")
        session.exchange_last(last.versions[at].patches)
        picture = session.picture
        return {"patches": [show_patch(picture, box) for box in session.changed]}


def choose_others(last: LastFill) -> list[tuple[str, float]]:
    """Model and detail of the versions to make beside the one that is there."""
    details = [detail for detail in DETAILS if abs(detail - last.detail) > _ALIKE]
    models = [name for name in fill_models() if name not in (last.model, AUTO_MODEL)][:_MOST_MODELS]
    return [(last.model, detail) for detail in details] + [(name, last.detail) for name in models]


def _show(before: Picture, at: int, version: Version) -> Message:
    image = data_url(thumbnail(before, version))
    return {"number": at, "model": version.model, "detail": version.detail, "image": image}


def thumbnail(before: Picture, version: Version) -> bytes:
    """Encode what a version looks like in its surroundings, small."""
    box = _around([box_of(patch) for patch in version.patches], before.size)
    crop = np.array(before.rgb[box.slices])
    for patch in version.patches:
        left, top = patch.left - box.left, patch.top - box.top
        height, width = patch.rgb.shape[:2]
        crop[top : top + height, left : left + width] = patch.rgb
    shown = replace(before, rgb=crop, alpha=None)
    factor = min(1.0, _LONGEST_PX / max(box.width, box.height))
    size = (max(1, round(box.width * factor)), max(1, round(box.height * factor)))
    return encode_shown(reduce_part(shown, Box(0, 0, *size), size), "jpg")


def _around(boxes: Sequence[Box], size: tuple[int, int]) -> Box:
    left, top = min(box.left for box in boxes), min(box.top for box in boxes)
    right, bottom = max(box.right for box in boxes), max(box.bottom for box in boxes)
    room = round(_AROUND * max(right - left, bottom - top))
    return Box(
        max(0, left - room), max(0, top - room),
        min(size[0], right + room), min(size[1], bottom + room),
    )  # fmt: skip
