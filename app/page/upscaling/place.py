"""The component in which a visitor chooses where to look at a photo, and paints what is kept out.

The painting happens in the browser (``editor/upscaling/place.js``); its value is what ``kept_out.read_place``
reads.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from remend.app.page.i18n import MESSAGES
from remend.app.page.markup import put_icons, read_file
from remend.app.page.preview import data_url, encode_shown, reduce_picture
from remend.app.page.upscaling.crop import PART_PX
from remend.models.imaging.picture import Picture

_MEGAPIXELS = 0.6  # of the small picture


def make_place() -> gr.HTML:
    """Make the component; it triggers ``look`` (with a pixel of the photo), ``painted`` and ``turn``."""
    return gr.HTML(
        html_template=put_icons(read_file("upscaling/place.html")),
        css_template=read_file("tools.css") + read_file("upscaling/place.css"),
        js_on_load=read_file("upscaling/start.js"),
        elem_id="upscale-where",
        apply_default_css=False,
        shown=None,
        frame=None,
        messages=MESSAGES,
    )


def show_photo(photo: Path, picture: Picture, photos: Sequence[Path]) -> Any:
    """Show a photo small, beside a list of all."""
    small = data_url(encode_shown(reduce_picture(picture, _MEGAPIXELS), "jpg"))
    shown = {
        "path": str(photo),
        "name": photo.name,
        "image": small,
        "width": picture.width,
        "height": picture.height,
        "part": PART_PX,
        "photos": [{"path": str(one), "name": one.name} for one in photos],
    }
    return gr.update(shown=shown)


def show_frame(across: float, down: float) -> Any:
    """Draw the frame around the part that lies there; the numbers are those of ``find_part``."""
    return gr.update(frame=[across, down])
