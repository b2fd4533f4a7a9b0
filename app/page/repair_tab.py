"""The Repair tab: the editor's component, what its script may call, and the fill.

The painting itself happens in the browser (``editor/editor.js`` and its neighbours); the photo stays here,
on the desk. Quick things are called directly, filling waits in the queue of the one model lane.
"""

from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from remend.app.batch.plan import Naming
from remend.app.engine.catalogue import default_fill_model, list_models
from remend.app.engine.model_pool import ModelPool
from remend.app.page import MODEL_QUEUE
from remend.app.page.i18n import MESSAGES, label, translated
from remend.app.page.photo_sessions import PhotoSession, PhotoSessions
from remend.app.page.preview import (
    PREVIEW_MEGAPIXELS,
    data_url,
    encode_overlay,
    encode_patch,
    encode_preview,
    enlarge_mask,
    preview_size,
)
from remend.app.page.status import PageProgress, check_name, explain, returns_errors
from remend.app.page.uploads import new_folder, read_allowed_size, uploaded
from remend.models.errors import RequestError
from remend.models.imaging.encode import SUFFIX_FORMATS
from remend.models.imaging.files import read_mask, read_size, write_picture
from remend.models.imaging.picture import Mask, Metadata, Picture
from remend.models.inference.damage import propose_mask
from remend.models.inference.regions import Box
from remend.models.inference.restorer import FillOptions
from remend.models.progress import Cancelled

SCRIPTS = Path(__file__).parent / "editor"
"""The editor's modules, its markup and its style; ``app.page.server`` serves them as ``MODULES``."""
MODULES = "/remend"  # start.js says it as well

_MOST_GROWTH = 64

Message = dict[str, Any]


class FillProgress(PageProgress):
    """Also ends a fill that its photo has given up."""

    def __init__(self, bar: gr.Progress, photo: PhotoSession, job: int) -> None:
        super().__init__(bar)
        self._photo, self._job = photo, job

    @property
    def is_stopped(self) -> bool:
        return self._photo.is_stopped(self._job)


class Repair:
    """What the browser can ask for about photos on the desk; every message holds the photo's key."""

    def __init__(self, pool: ModelPool, desk: PhotoSessions) -> None:
        self._pool = pool
        self._desk = desk

    def open_photo(self, message: Message) -> Message:
        """Exchange an uploaded file for a key, a preview, and the photo's size."""
        key, photo = self._desk.open(uploaded(message["path"]))
        self._desk.close(str(message.get("replaces")))
        picture = photo.picture
        width, height = preview_size(picture.size)
        return {
            "photo": key,
            "name": photo.name,
            "width": picture.width,
            "height": picture.height,
            "previewWidth": width,
            "previewHeight": height,
            "preview": data_url(encode_preview(picture)),
            "notes": translated(picture.meta.notes, str(message.get("language"))),
        }

    def read_mask_file(self, message: Message) -> Message:
        """Turn an uploaded mask into an overlay to paint on."""
        size = self._desk.find(message["photo"]).picture.size
        path = uploaded(message["path"])
        if (found := read_size(path)) != size:
            raise RequestError(
                f"The mask has {found[0]} x {found[1]} pixels and the photo {size[0]} x {size[1]}; "
                "they must be equal."
            )
        return {"overlay": data_url(encode_overlay(read_mask(path)))}

    def save_mask(self, message: Message) -> Message:
        """Write the paint as a mask of the photo's size, for another time or the command line."""
        photo = self._desk.find(message["photo"])
        values = self._painted(message, photo).values
        path = new_folder() / f"{Path(photo.name).stem}.mask.png"
        write_picture(
            Picture(np.repeat(values[..., None], 3, axis=2), meta=Metadata(grey=True)), path
        )
        return {"path": str(path), "name": path.name}

    def change_mask(self, message: Message) -> Message:
        """Invert the paint, or grow it by pixels of the photo (less than 0 = shrink)."""
        mask = self._painted(message, self._desk.find(message["photo"]))
        grow = max(-_MOST_GROWTH, min(int(message.get("grow", 0)), _MOST_GROWTH))
        changed = mask.inverted() if message.get("invert") else mask.grown(grow)
        return {"overlay": data_url(encode_overlay(changed))}

    def suggest(self, message: Message) -> Message:
        """Propose paint over what looks like damage."""
        picture = self._desk.find(message["photo"]).picture
        mask = propose_mask(picture, float(message["sensitivity"]))
        return {"overlay": data_url(encode_overlay(mask)), "found": not mask.is_empty}

    def changes(self, message: Message) -> Message:
        """What the last fill changed."""
        return self._patches(self._desk.find(message["photo"]))

    def undo(self, message: Message) -> Message:
        """Take a fill back."""
        photo = self._desk.find(message["photo"])
        photo.undo()
        return self._patches(photo)

    def redo(self, message: Message) -> Message:
        """Bring a fill back."""
        photo = self._desk.find(message["photo"])
        photo.redo()
        return self._patches(photo)

    def stop(self, message: Message) -> Message:
        """Give up a fill; says whether it was still in time."""
        return {"stopped": self._desk.find(message["photo"]).stop(int(message["job"]))}

    def save(self, message: Message) -> Message:
        """Write the photo as it is now."""
        photo = self._desk.find(message["photo"])
        path = photo.save(message["format"])
        return {"path": str(path), "name": path.name}

    def fill(
        self,
        model: str,
        grow: int,
        detail: float,
        event: gr.EventData,
        bar: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio looks for it here
    ) -> Any:
        """Fill where the uploaded mask says so; the browser then fetches the changes."""
        message: Message = event._data
        result: Message = {"job": message["job"]}
        try:
            self._fill(message, model, grow, detail, bar)
        except Cancelled:
            result["stopped"] = True
        except Exception as error:
            result["error"] = explain(error, str(message.get("language")))
        return gr.update(result=result)

    def _fill(
        self, message: Message, model: str, grow: int, detail: float, bar: gr.Progress
    ) -> None:
        photo, job = self._desk.find(message["photo"]), int(message["job"])
        picture = photo.picture
        mask = self._painted(message, photo)
        if mask.is_empty:
            raise RequestError("Nothing of the photo is painted over; paint over what shall go.")
        mask = mask.grown(int(grow))
        patches = self._pool.fill_patches(
            picture,
            mask,
            check_name(model, "fill"),
            FillOptions(detail=detail),
            FillProgress(bar, photo, job),
        )
        photo.apply(patches, job)

    def _painted(self, message: Message, photo: PhotoSession) -> Mask:
        """The paint that the browser sent, as a mask of the photo's size."""
        path = uploaded(message["mask"])
        read_allowed_size(path, PREVIEW_MEGAPIXELS)
        left, top = int(message["left"]), int(message["top"])
        return enlarge_mask(read_mask(path), left, top, photo.picture.size)

    def take_out(self, event: gr.EventData) -> Path:
        """Write the photo as it is, without loss, for the Upscale tab.

        Raises:
            RequestError: It is no longer on the desk.
        """
        photo = self._desk.find(event._data["photo"])
        path = new_folder() / Naming("auto", "-repaired").name_for(Path(photo.name))
        if SUFFIX_FORMATS[path.suffix.lower()] not in ("png", "tiff"):
            path = path.with_suffix(".png")
        write_picture(photo.picture, path)
        return path

    def _patches(self, photo: PhotoSession) -> Message:
        picture = photo.picture
        return {"patches": [_shown(*encode_patch(picture, box)) for box in photo.changed]}


def repair_tab(repair: Repair, status: gr.HTML) -> tuple[gr.HTML, gr.Dropdown]:
    """Lay the tab out and connect it.

    Returns:
        The editor, whose event ``upscale`` asks for the other tab; the choice of models, so that new ones
        can be listed in it.
    """
    quick = (
        repair.open_photo,
        repair.read_mask_file,
        repair.changes,
        repair.undo,
        repair.redo,
        repair.stop,
        repair.save,
        repair.save_mask,
        repair.change_mask,
        repair.suggest,
    )
    editor = gr.HTML(
        html_template=(SCRIPTS / "editor.html").read_text(encoding="utf-8"),
        css_template=(SCRIPTS / "editor.css").read_text(encoding="utf-8"),
        js_on_load=(SCRIPTS / "start.js").read_text(encoding="utf-8"),
        server_functions=[returns_errors(function) for function in quick],
        elem_id="repair-editor",
        apply_default_css=False,
        result=None,
        messages=MESSAGES,
    )
    with gr.Row():
        model = gr.Dropdown(
            [found.name for found in list_models("fill")],
            value=default_fill_model(),
            label=label("model"),
            elem_id="repair-model",
        )
        grow = gr.Slider(
            0, 32, 0, step=1, label=label("grow_slider"), min_width=280, elem_id="repair-grow"
        )
        detail = gr.Slider(
            0, 1, 1, step=0.05, label=label("detail_slider"), min_width=280,
            elem_id="repair-detail",
        )  # fmt: skip
    editor.fill(
        repair.fill,
        [model, grow, detail],
        editor,
        concurrency_id=MODEL_QUEUE,
        concurrency_limit=1,
        show_progress_on=[status],
        api_name="fill_painted",  # /fill is the endpoint for programs
        api_visibility="private",
    )
    return editor, model


def _shown(box: Box, image: bytes) -> Message:
    return {"x": box.left, "y": box.top, "image": data_url(image)}
