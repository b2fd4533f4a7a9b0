"""The Upscale tab: photos in, larger ones out; a part is shown first, so that the wait can be judged."""

import json
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.events import Dependency

from remend.app.batch.plan import FORMAT_SUFFIXES
from remend.app.batch.requests import AUTO_MODEL
from remend.app.batch.target_size import DEFAULT_SCALE, LARGEST_SCALE, SMALLEST_SCALE
from remend.app.page import MODEL_QUEUE
from remend.app.page.i18n import make_label
from remend.app.page.upscaling.model_choice import note_unused_sliders, upscale_choices
from remend.app.page.upscaling.part_preview import PartPreview
from remend.app.page.upscaling.upscale_preview import UpscalePreview
from remend.app.page.upscaling.upscale_service import UpscaleService
from remend.app.page.upscaling.views import Views, lay_out_views
from remend.app.page.work.dials import Dial
from remend.models.inference.upscaler import DEFAULT_DENOISE, DEFAULT_DETAIL

_BEGIN, _BEGIN_ALL, _END, _ASK = (
    f"(...values) => [...values.slice(0, -1), window.remendStatus.{call}]"
    for call in ("begin('upscale')", "beginAll(values)", "end('upscale')", "ask('upscale')")
)
"""Put the number of a job or question in the place of the last value, in the browser, before it is sent."""

_NO_DOWNLOAD = gr.update(value=None, interactive=False, variant="secondary")
_WITHDRAW = f"() => ({json.dumps(_NO_DOWNLOAD)})"


def _unless_asked(changes: Any, nothing: Any) -> str:
    """A script that changes what was made before, unless it was made with just these values.

    The click that begins the work also leaves a field, and the field tells of its change half a second
    later: a quick result is there by then, and must stay.
    """
    updates = (json.dumps(update) for update in (nothing, changes))
    return "(...values) => window.remendStatus.isAsked(values) ? {} : {}".format(*updates)


_WITHDRAW_OTHER = _unless_asked(_NO_DOWNLOAD, gr.skip())
_HIDDEN = gr.update(visible=False)
_CLEAR_OTHER = _unless_asked(
    [gr.update(value=None), _NO_DOWNLOAD, _HIDDEN, _HIDDEN], [gr.skip()] * 4
)

_SHOW_RESULT = "() => window.remendStatus.showResult()"

_PRIVATE: dict[str, Any] = {"api_visibility": "private"}
_QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden", **_PRIVATE}
_QUEUED: dict[str, Any] = {
    "concurrency_id": MODEL_QUEUE, "concurrency_limit": 1, "show_progress": "hidden",
    "js": _BEGIN, **_PRIVATE,
}  # fmt: skip
_ASKED: dict[str, Any] = {**_QUICK, "js": _ASK, "trigger_mode": "always_last"}
"""For a quick question about the newest settings, whose answer is a sentence."""


@dataclass(frozen=True)
class _Controls:
    """What a visitor sets on the left side of the tab."""

    photos: gr.File
    add: gr.UploadButton
    scale: gr.Slider
    width: gr.Number
    model: gr.Dropdown
    detail: gr.Slider
    denoise: gr.Slider
    file_format: gr.Dropdown
    run: gr.Button
    stop: gr.Button
    download: gr.DownloadButton
    forecast: gr.HTML

    @property
    def size(self) -> list[gr.Component]:
        """What decides on the size of the results."""
        return [self.photos, self.scale, self.width]

    @property
    def asked(self) -> list[gr.Component]:
        """What decides on the pixels of the results."""
        return [*self.size, self.model, self.detail, self.denoise]

    @property
    def forecast_inputs(self) -> list[gr.Component]:
        """What decides on the files of the results."""
        return [*self.asked, self.file_format]

    @property
    def dials(self) -> list[Dial]:
        """What is remembered until the next visit."""
        return [
            Dial("scale", self.scale),
            Dial("width", self.width),
            Dial("upscale_model", self.model, upscale_choices),
            Dial("upscale_detail", self.detail),
            Dial("denoise", self.denoise),
            Dial("format", self.file_format),
        ]


def upscale_tab(
    service: UpscaleService, preview: UpscalePreview, parts: PartPreview, status: gr.HTML
) -> tuple[gr.File, list[Dial]]:
    """Lay the tab out and connect it.

    Returns:
        The photos, so that a repaired one can be put there; the dials.
    """
    with gr.Row():
        with gr.Column(scale=3, min_width=300):
            controls = _lay_out_controls()
        with gr.Column(scale=8, min_width=320):
            views = lay_out_views()
    _connect_settings(preview, controls, views, status)
    stopped = _connect_parts(parts, preview, controls, views, status)
    _connect_work(service, preview, stopped, controls, views, status)
    return controls.photos, controls.dials


def _lay_out_controls() -> _Controls:
    photos = gr.File(
        label=make_label("photos"), file_count="multiple", elem_id="upscale-photo", height=140
    )
    add = gr.UploadButton(
        make_label("add_photos_button"), file_count="multiple", size="sm", elem_id="upscale-add"
    )
    scale = gr.Slider(
        SMALLEST_SCALE, LARGEST_SCALE, DEFAULT_SCALE, step=0.1, label=make_label("scale"),
        elem_id="upscale-scale",
    )  # fmt: skip
    model = gr.Dropdown(
        upscale_choices(), value=AUTO_MODEL, label=make_label("model"),
        info=make_label("model_info"), elem_id="upscale-model",
    )  # fmt: skip
    detail = gr.Slider(
        0, 1, DEFAULT_DETAIL, step=0.05, label=make_label("upscale_detail"),
        elem_id="upscale-detail",
    )  # fmt: skip
    denoise = gr.Slider(
        0, 1, DEFAULT_DENOISE, step=0.05, label=make_label("denoise"), elem_id="upscale-denoise"
    )
    formats = ["auto", *(name for name in FORMAT_SUFFIXES if name != "jpeg")]
    with gr.Row(equal_height=True):
        width = gr.Number(
            0, minimum=0, precision=0, label=make_label("width"), min_width=140,
            elem_id="upscale-width",
        )  # fmt: skip
        file_format = gr.Dropdown(
            formats, value="auto", label=make_label("format_box"), min_width=120,
            elem_id="upscale-format",
        )  # fmt: skip
    with gr.Row(elem_id="upscale-actions"):
        run = gr.Button(make_label("upscale"), variant="primary", elem_id="upscale-run")
        stop = gr.Button(make_label("stop_button"), elem_id="upscale-stop")
    forecast = gr.HTML(elem_id="upscale-forecast", apply_default_css=False)
    download = gr.DownloadButton(
        make_label("download_button"), interactive=False, elem_id="upscale-download"
    )
    return _Controls(
        photos, add, scale, width, model, detail, denoise, file_format, run, stop, download, forecast
    )  # fmt: skip


def _connect_settings(
    preview: UpscalePreview, controls: _Controls, views: Views, status: gr.HTML
) -> None:
    """Let each setting say what it means; no network runs."""
    scale, width, model = controls.scale, controls.width, controls.model
    detail, denoise = controls.detail, controls.denoise
    controls.photos.change(
        preview.choose_photos, [*controls.size, _number()],
        [status, views.place, views.result, controls.scale], **_ASKED,
    )  # fmt: skip
    controls.photos.change(
        None, controls.photos,
        [views.result, controls.download, views.results, views.download_one],
        js=_CLEAR_OTHER, **_QUICK,
    )  # fmt: skip
    _connect_list(controls)
    _connect_forecast(preview, controls)
    gr.on(
        [scale.release, width.change], preview.describe, [*controls.size, _number()], status,
        **_ASKED,
    )  # fmt: skip
    gr.on(
        [model.change, scale.release], note_unused_sliders, [model, scale], [detail, denoise],
        **_QUICK,
    )  # fmt: skip
    gr.on(
        [scale.release, width.change, model.change, detail.release, denoise.release],
        None, controls.asked, controls.download, js=_WITHDRAW_OTHER, **_QUICK,
    )  # fmt: skip
    for event in (views.show.click, views.place.painted):
        event(None, None, controls.download, js=_WITHDRAW, **_QUICK)


def _connect_list(controls: _Controls) -> None:
    """What is chosen takes the place of what was there; what is added comes behind it."""
    photos = controls.photos
    for event, inputs, name in (
        (photos.upload, [photos], "replacePhotos"),
        (photos.delete, [photos], "keepPhotos"),
        (photos.clear, [photos], "keepPhotos"),
        (controls.add.upload, [photos, controls.add], "addPhotos"),
    ):
        script = f"(...files) => [window.remendStatus.{name}(...files)]"
        event(None, inputs, photos, js=script, **_PRIVATE)


def _connect_forecast(preview: UpscalePreview, controls: _Controls) -> None:
    """Say what it will take as soon as it can be known: pixels and bytes, then the seconds."""
    asked = controls.forecast_inputs
    changes = [
        controls.photos.change, controls.scale.release, controls.width.change,
        controls.model.change, controls.detail.release, controls.file_format.change,
    ]  # fmt: skip
    gr.on(changes, preview.forecast, asked, controls.forecast, **_QUICK).then(
        preview.measure, asked, controls.forecast, concurrency_limit=1, show_progress="hidden",
        **_PRIVATE,
    )  # fmt: skip


def _connect_parts(
    parts: PartPreview,
    preview: UpscalePreview,
    controls: _Controls,
    views: Views,
    status: gr.HTML,
) -> list[Dependency]:
    """Connect what shows a part of a photo; gives the events that run a network."""
    place, across, down = views.place, views.across, views.down
    part = (
        parts.show,
        [*controls.asked, place, across, down, views.left, views.seen, _number()],
        [views.result, status, place, views.left, views.seen],
    )
    clicked = place.look(parts.move, [controls.photos, place], [across, down], **_QUICK)
    shown_by_click = clicked.success(*part, **_QUEUED)
    # A slider that moves on replaces what waits in the queue; its last position is always shown.
    shown = gr.on(
        [
            views.show.click, controls.detail.release, controls.denoise.release, across.release,
            down.release, views.left.input,
        ],
        *part, trigger_mode="always_last", **_QUEUED,
    )  # fmt: skip
    shown_painted = place.painted(*part, trigger_mode="always_last", **_QUEUED)
    for run in (shown, shown_by_click):
        run.success(None, js=_SHOW_RESULT, **_QUICK)
    runs = [shown, shown_by_click, shown_painted]
    for run in runs:  # now it is known how quick the model is
        run.then(preview.forecast, controls.forecast_inputs, controls.forecast, **_QUICK)
    return runs


def _connect_work(
    service: UpscaleService,
    preview: UpscalePreview,
    stopped: list[Dependency],
    controls: _Controls,
    views: Views,
    status: gr.HTML,
) -> None:
    """Connect what upscales all, and the button that stops it and what else runs a network."""
    number = _number()
    running = controls.run.click(
        service.run,
        [*controls.forecast_inputs, views.place, number],
        [
            views.result, controls.download, status, views.results, views.download_one, views.made,
        ],
        **{**_QUEUED, "js": _BEGIN_ALL},
    )  # fmt: skip
    running.success(None, js=_SHOW_RESULT, **_QUICK)
    views.results.input(
        service.show, [views.made, views.results], [views.result, views.download_one], **_QUICK
    )
    views.place.turn(
        preview.turn, [controls.photos, views.place, number], [status, views.place], **_ASKED
    )
    controls.stop.click(
        service.stop, number, status, cancels=[running, *stopped], queue=False,
        js=_END, show_progress="hidden", **_PRIVATE,
    )  # fmt: skip


def _number() -> gr.Number:
    """In whose place the browser puts the number of a job or question."""
    return gr.Number(0, visible=False)
