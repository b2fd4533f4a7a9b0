"""What the Upscale tab shows: the divider with its results, and the photo to look at a part of."""

from dataclasses import dataclass

import gradio as gr

from remend.app.page.i18n import make_label
from remend.app.page.upscaling.place import make_place


@dataclass(frozen=True)
class Views:
    """What a visitor sees on the right side of the tab, and where the part is chosen that is shown first."""

    result: gr.ImageSlider
    left: gr.Dropdown
    seen: gr.State
    results: gr.Radio
    download_one: gr.DownloadButton
    made: gr.State
    place: gr.HTML
    across: gr.Slider
    down: gr.Slider
    show: gr.Button


def lay_out_views() -> Views:
    """Lay them out, side by side where there is room."""
    with gr.Row():
        with gr.Column(scale=5, min_width=380):
            result = gr.ImageSlider(
                label=make_label("before_after"), type="filepath", interactive=False,
                buttons=["fullscreen"], elem_id="upscale-result",
            )  # fmt: skip
            left = gr.Dropdown(
                [(make_label("the_photo"), "")], value="", label=make_label("left_side"),
                info=make_label("left_side_info"), elem_id="upscale-left",
            )  # fmt: skip
            results = gr.Radio(
                [], label=make_label("results"), visible=False, elem_id="upscale-results"
            )
            download_one = gr.DownloadButton(
                make_label("download_one"), size="sm", visible=False, elem_id="upscale-download-one"
            )
        with gr.Column(scale=4, min_width=320, elem_id="upscale-chooser"):
            place = make_place()
            show = gr.Button(make_label("preview"), elem_id="upscale-preview")
            # For the keyboard, which cannot click into a picture.
            across = gr.Slider(0, 1, 0.5, step=0.005, label=make_label("across"))
            down = gr.Slider(0, 1, 0.5, step=0.005, label=make_label("down"))
    return Views(
        result, left, gr.State(), results, download_one, gr.State(), place, across, down, show
    )  # fmt: skip
