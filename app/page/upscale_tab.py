"""The Upscale tab: photos in, larger ones out; a part is shown first, so that the wait can be judged."""

from typing import Any

import gradio as gr

from remend.app.batch.plan import FORMAT_SUFFIXES
from remend.app.batch.target_size import DEFAULT_SCALE, LARGEST_SCALE, SMALLEST_SCALE
from remend.app.engine.catalogue import card_of, default_upscale_model, find_model, list_models
from remend.app.page import MODEL_QUEUE
from remend.app.page.i18n import label, language_of, word
from remend.app.page.status import check_name
from remend.app.page.upscale_service import AUTO_MODEL, Upscaling, withdraw_download
from remend.models.inference.upscaler import DEFAULT_DENOISE, DEFAULT_DETAIL


def upscale_tab(upscaling: Upscaling, status: gr.HTML) -> tuple[gr.File, gr.Dropdown]:
    """Lay the tab out and connect it.

    Returns:
        The photos, so that a repaired one can be put there; the choice of models.
    """
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            photos = gr.File(
                label=label("photos"), file_count="multiple", elem_id="upscale-photo", height=140
            )
            scale = gr.Slider(
                SMALLEST_SCALE, LARGEST_SCALE, DEFAULT_SCALE, step=0.1, label=label("scale"),
                elem_id="upscale-scale",
            )  # fmt: skip
            width = gr.Number(
                0, minimum=0, precision=0, label=label("width"), elem_id="upscale-width"
            )
            model = gr.Dropdown(
                upscale_choices(), value=AUTO_MODEL, label=label("model"),
                info=label("model_info"), elem_id="upscale-model",
            )  # fmt: skip
            detail = gr.Slider(
                0, 1, DEFAULT_DETAIL, step=0.05, label=label("upscale_detail"),
                elem_id="upscale-detail",
            )  # fmt: skip
            denoise = gr.Slider(
                0, 1, DEFAULT_DENOISE, step=0.05, label=label("denoise"),
                elem_id="upscale-denoise",
            )  # fmt: skip
            formats = ["auto", *(name for name in FORMAT_SUFFIXES if name != "jpeg")]
            file_format = gr.Dropdown(
                formats, value="auto", label=label("format_box"), elem_id="upscale-format"
            )
            with gr.Row():
                run = gr.Button(label("upscale"), variant="primary", elem_id="upscale-run")
                stop = gr.Button(label("stop_button"), elem_id="upscale-stop")
            download = gr.DownloadButton(
                label("download_button"), interactive=False, elem_id="upscale-download"
            )
        with gr.Column(scale=2, min_width=320):
            result = gr.ImageSlider(
                label=label("before_after"), type="filepath", interactive=False,
                buttons=["fullscreen"], elem_id="upscale-result",
            )  # fmt: skip
            with gr.Row(visible=False) as chooser:
                where = gr.Image(
                    label=label("place"), type="filepath", interactive=False, buttons=[],
                    height=200, elem_id="upscale-where",
                )  # fmt: skip
                with gr.Column(min_width=240):
                    # For the keyboard, which cannot click into a picture.
                    across = gr.Slider(0, 1, 0.5, step=0.005, label=label("across"))
                    down = gr.Slider(0, 1, 0.5, step=0.005, label=label("down"))
                    show = gr.Button(label("preview"), elem_id="upscale-preview")
    private: dict[str, Any] = {"api_visibility": "private"}
    lane = {"concurrency_id": MODEL_QUEUE, "concurrency_limit": 1, "show_progress_on": [status]}
    size = [photos, scale, width]
    photos.change(
        upscaling.choose, size, [status, where, chooser, result, download], queue=False,
        show_progress="hidden", **private,
    )  # fmt: skip
    gr.on(
        [scale.release, width.change], upscaling.describe, size, status, queue=False,
        show_progress="hidden", **private,
    )  # fmt: skip
    gr.on(
        [model.change, scale.release], hint_dials, [model, scale], [detail, denoise],
        queue=False, show_progress="hidden", **private,
    )  # fmt: skip
    gr.on(
        [scale.release, width.change, model.change, detail.release, denoise.release, show.click],
        withdraw_download, None, download, queue=False, show_progress="hidden", **private,
    )  # fmt: skip
    wanted = [photos, scale, width, model, detail, denoise]
    # A slider that moves on takes the place of what waits; its last position is always shown.
    aimed = where.select(
        upscaling.aim, [photos, where], [across, down], queue=False, show_progress="hidden",
        **private,
    )  # fmt: skip
    part = (upscaling.show_part, [*wanted, across, down], [result, status, where])
    pointed = aimed.success(*part, **lane, **private)
    shown = gr.on(
        [show.click, detail.release, denoise.release, across.release, down.release],
        *part, trigger_mode="always_last", **lane, **private,
    )  # fmt: skip
    running = run.click(
        upscaling.run, [*wanted, file_format], [result, download, status], **lane, **private
    )
    stop.click(
        upscaling.stop, None, status, cancels=[running, shown, pointed], queue=False, **private
    )
    return photos, model


def hint_dials(model: str, scale: float, request: gr.Request) -> tuple[Any, Any]:
    """Say below the two dials where the model that is chosen does not heed them."""
    name = default_upscale_model(scale) if model == AUTO_MODEL else check_name(model, "upscale")
    heeded = card_of(find_model(name, "upscale")).config
    unheeded = word(language_of(request), "no_effect", name=name)
    detail, denoise = (
        gr.update(info=None if heeded.get(dial) else unheeded) for dial in ("refine", "denoise")
    )
    return detail, denoise


def upscale_choices() -> list[str]:
    """What the choice of models offers."""
    return [AUTO_MODEL, *(found.name for found in list_models("upscale"))]
