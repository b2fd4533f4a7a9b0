"""The Repair tab: the editor's component, what its script may call, and the fill.

The painting itself happens in the browser (``editor/``); the photo stays here, in a ``PhotoSession``. The
browser calls quick functions directly; a fill waits in the queue for everything that runs a network.
"""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr

from remend.app.batch.plan import Naming
from remend.app.batch.requests import FillRequest
from remend.app.engine.model_pool import ModelPool
from remend.app.page import MODEL_QUEUE
from remend.app.page.guards.memory import CHANGING_BYTES, OPENING_BYTES
from remend.app.page.guards.messages import Message as CheckedMessage
from remend.app.page.i18n import translate_sentences
from remend.app.page.preview import data_url, encode_preview, preview_size, show_patch
from remend.app.page.repair.album import AlbumService
from remend.app.page.repair.asked_job import run_asked
from remend.app.page.repair.component import fill_models, make_editor
from remend.app.page.repair.example import write_example
from remend.app.page.repair.last_fill import LastFill
from remend.app.page.repair.masks import MaskService, read_paint
from remend.app.page.repair.originals import read_original
from remend.app.page.repair.photo_session import PhotoSession
from remend.app.page.repair.photo_sessions import PhotoSessions, find_photo
from remend.app.page.repair.versions import VersionService
from remend.app.page.status import check_model_name
from remend.app.page.uploads import check_uploaded, current_visitor, new_folder
from remend.app.page.work.jobs import Job, Jobs
from remend.models.errors import RequestError
from remend.models.imaging.encode import SUFFIX_FORMATS
from remend.models.imaging.files import read_size, write_picture

_PIXEL_BYTES = {
    "open_photo": OPENING_BYTES,
    "add_photo": OPENING_BYTES,
    "restore_photo": OPENING_BYTES,
    "thumbnail": CHANGING_BYTES,
    "copy_mask": CHANGING_BYTES,
    "read_mask_file": CHANGING_BYTES,
    "save": CHANGING_BYTES,
    "save_mask": CHANGING_BYTES,
    "change_mask": CHANGING_BYTES,
    "snap": CHANGING_BYTES,
    "suggest": CHANGING_BYTES,
    "trace": CHANGING_BYTES,
}
"""By function: what it takes to a pixel of the photo; the others take next to nothing."""

Message = dict[str, Any]


class RepairService:
    """What the browser can ask about open photos; every message holds the photo's key."""

    def __init__(self, pool: ModelPool, sessions: PhotoSessions, jobs: Jobs) -> None:
        self._pool = pool
        self._sessions = sessions
        self._jobs = jobs

    def within_memory(self, function: Callable[[Message], Message]) -> Callable[[Message], Message]:
        """A function of this class that waits until the memory for its work is free."""
        per_pixel = _PIXEL_BYTES.get(function.__name__)
        if per_pixel is None:
            return function

        @wraps(function)
        def waiting(message: Message) -> Message:
            if function.__name__ in ("open_photo", "add_photo"):
                width, height = read_size(check_uploaded(message["path"]))
            else:
                width, height = self._sessions.look_up(message["photo"]).size
            with self._sessions.budget.hold(per_pixel * width * height, current_visitor()):
                return function(message)

        return waiting

    def open_photo(self, message: Message) -> Message:
        """Exchange an uploaded file for a key, a preview, and the photo's size."""
        key, session = self._sessions.open(check_uploaded(message["path"]))
        self._sessions.close(str(message.get("replaces")))
        session.page = str(message.get("page"))
        return self._describe(key, session, str(message.get("language")))

    def open_example(self, message: Message) -> Message:
        """Open a damaged photo to try the page on; as ``open_photo``."""
        path = write_example(new_folder())
        return self.open_photo({**message, "path": str(path)})

    def restore_photo(self, message: Message) -> Message:
        """After a reload: what ``open_photo`` said, the photo as it is now, and how many fills it holds.

        What was asked for before ``message["job"]`` is given up.
        """
        session = self._sessions.look_up(message["photo"])
        source, shown = session.source, session.original
        if session.is_away and source and source.is_file():
            shown = read_original(session.folder)  # so that its pixels need not come back
        if not shown:
            session = self._sessions.find(message["photo"])
        session.page = str(message.get("page"))
        self._jobs.stop(message["photo"], int(message["job"]))
        answer = self._describe(message["photo"], session, str(message.get("language")), shown)
        answer["fills"] = session.fills
        if session.changed:
            answer["current"] = data_url(encode_preview(session.picture))
        return answer

    def _describe(
        self, key: str, session: PhotoSession, language: str, shown: bytes = b""
    ) -> Message:
        if not shown:
            shown = session.original = session.original or encode_preview(session.opened)
        (width, height), (across, down) = session.size, preview_size(session.size)
        return {
            "photo": key,
            "name": session.name,
            "width": width,
            "height": height,
            "previewWidth": across,
            "previewHeight": down,
            "preview": data_url(shown),
            "notes": translate_sentences(session.notes, language),
        }

    def changes(self, message: Message) -> Message:
        """What the last fill changed."""
        return self._patches(find_photo(self._sessions, message))

    def undo(self, message: Message) -> Message:
        """Undo the last of the ``message["fills"]`` fills; asked again, only say what it changed."""
        session = find_photo(self._sessions, message)
        if session.fills == int(message.get("fills", session.fills)):
            session.undo()
        return self._patches(session)

    def redo(self, message: Message) -> Message:
        """Redo the fill that was undone last, so that there is one more than ``message["fills"]``."""
        session = find_photo(self._sessions, message)
        if session.fills == int(message.get("fills", session.fills)):
            session.redo()
        return self._patches(session)

    def stop(self, message: Message) -> Message:
        """Stop the fill of a number, also one that has not arrived yet; says whether it was in time."""
        find_photo(self._sessions, message)
        return {"stopped": self._jobs.stop(message["photo"], int(message["job"]))}

    def save(self, message: Message) -> Message:
        """Write the photo as it is now."""
        session = find_photo(self._sessions, message)
        path = session.save(message["format"])
        return {"path": str(path), "name": path.name}

    def fill(self, event: gr.EventData, request: gr.Request) -> Any:
        """Fill where the uploaded mask says so; the browser then fetches the changes."""
        return gr.update(result=run_asked(self._jobs, "fill", event, request, self._fill))

    def _fill(self, message: Message, job: Job) -> Message:
        session = find_photo(self._sessions, message)
        picture, mask = session.picture, read_paint(message, session)
        if mask.is_empty:
            raise RequestError("Nothing is painted; paint over what you want to remove.")
        model = check_model_name(message["model"], "fill")
        asked = FillRequest(model, float(message["detail"]), grow=int(message["grow"]))
        needed = CHANGING_BYTES * picture.width * picture.height
        with self._sessions.budget.hold(needed, current_visitor(), job):
            hole = mask.grown(asked.grow)
            patches = self._pool.fill_patches(
                picture, hole, asked.weights, asked.options, job, thick=asked.thick_weights
            )
        session.apply(patches, job.commit)
        session.last = LastFill(hole, model, asked.options.detail)
        return {}

    def save_lossless(self, event: gr.EventData) -> Path:
        """Write the photo as it is, without loss, for the Upscale tab.

        Raises:
            RequestError: The photo is no longer kept.
        """
        session = find_photo(self._sessions, CheckedMessage(event._data))
        path = new_folder() / Naming("auto", "-repaired").name_for(Path(session.name))
        if SUFFIX_FORMATS[path.suffix.lower()] not in ("png", "tiff"):
            path = path.with_suffix(".png")
        write_picture(session.picture, path)
        return path

    def _patches(self, session: PhotoSession) -> Message:
        picture = session.picture
        return {"patches": [show_patch(picture, box) for box in session.changed]}


def repair_tab(
    repair: RepairService, masks: MaskService, album: AlbumService, versions: VersionService
) -> gr.HTML:
    """Lay the tab out and connect it.

    Returns:
        The editor, whose event ``upscale`` asks for the other tab.
    """
    quick = (
        repair.open_photo,
        repair.open_example,
        repair.restore_photo,
        repair.changes,
        repair.undo,
        repair.redo,
        repair.stop,
        repair.save,
        masks.read_mask_file,
        masks.show_mask,
        masks.save_mask,
        masks.change_mask,
        masks.snap,
        masks.suggest,
        masks.trace,
        versions.choose_version,
        album.add_photo,
        album.thumbnail,
        album.take_photos,
        album.close_photos,
        album.copy_mask,
        album.zip_photos,
    )
    editor = make_editor(map(repair.within_memory, quick))
    queued: dict[str, Any] = {
        "concurrency_id": MODEL_QUEUE,
        "concurrency_limit": 1,
        "trigger_mode": "multiple",  # after a stop the next one must not wait for the end of the last
        "show_progress": "hidden",  # the status line follows the job
        "api_visibility": "private",  # /fill is the endpoint for programs
    }
    editor.fill(repair.fill, None, editor, api_name="fill_painted", **queued)
    editor.versions(versions.make, None, editor, api_name="fill_versions", **queued)
    return editor


def offer_fill_models() -> Any:
    """The models that can be chosen now."""
    return gr.update(models=fill_models())
