"""The form of a fine-tune in the Models tab, what is shown of it, and how both are connected."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from remend.app.engine.catalogue import default_fill_model
from remend.app.page.i18n import make_label
from remend.app.page.tuning.form import parents
from remend.app.page.tuning.service import TuningService
from remend.app.tuning.request import DEFAULT_MINUTES

LOOK_S = 2.0  # between two looks
_QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


@dataclass(frozen=True)
class TuningPanel:
    """The components in the tab.

    Attributes:
        fields: Folder, parent, name, minutes, images.
        start, stop: The buttons.
        progress, sheet: What is shown of a fine-tune.
    """

    fields: tuple[Any, ...]
    start: gr.Button
    stop: gr.Button
    progress: gr.HTML
    sheet: gr.HTML


def lay_out_tuning() -> TuningPanel:
    """Make the components, folded away."""
    with gr.Accordion(make_label("tune"), open=False, elem_id="tune"):
        folder = gr.Textbox(
            label=make_label("tune_folder"), info=make_label("tune_folder_info"), max_lines=1,
            elem_id="tune-folder",
        )  # fmt: skip
        with gr.Row():
            parent = gr.Dropdown(
                parents(), value=default_fill_model(), label=make_label("tune_parent"),
                info=make_label("tune_parent_info"), elem_id="tune-parent",
            )  # fmt: skip
            name = gr.Textbox(
                label=make_label("tune_name"), info=make_label("tune_name_info"), max_lines=1,
                elem_id="tune-name",
            )  # fmt: skip
        with gr.Row():
            minutes = gr.Number(
                DEFAULT_MINUTES, label=make_label("tune_minutes"), elem_id="tune-minutes"
            )
            images = gr.Number(0, label=make_label("tune_images"), elem_id="tune-images")
        with gr.Row():
            start = gr.Button(make_label("tune_start"), variant="primary", elem_id="tune-start")
            stop = gr.Button(make_label("stop_button"), interactive=False, elem_id="tune-stop")
        progress = gr.HTML(elem_id="tune-progress", apply_default_css=False)
        sheet = gr.HTML(elem_id="tune-sheet", apply_default_css=False)
    return TuningPanel((folder, parent, name, minutes, images), start, stop, progress, sheet)


def connect_tuning(
    panel: TuningPanel, service: TuningService, page: gr.Blocks, status: gr.HTML
) -> gr.Textbox:
    """Connect it; what is not seen is laid outside of all tabs, where it is alive from the first visit on.

    Returns:
        The name of the last model that was made; its change says that there is a new one.
    """
    watch, shown = gr.Timer(LOOK_S, active=False), gr.State("")
    made = gr.Textbox(visible="hidden")
    inputs = [shown, made]
    seen = [panel.progress, panel.sheet, shown, watch, panel.start, panel.stop, made]
    panel.start.click(service.start, list(panel.fields), [status, watch], **_QUIET).then(
        service.look, inputs, seen, **_QUIET
    )
    panel.stop.click(service.stop, None, status, **_QUIET)
    watch.tick(service.look, inputs, seen, **_QUIET)
    page.load(service.look, inputs, seen, **_QUIET)
    gr.on([page.load, made.change], service.offer, None, panel.fields[1], **_QUIET)
    return made
