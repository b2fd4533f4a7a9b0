"""The Repair tab's component: the editor's markup, style and script, and what its script may call."""

from collections.abc import Callable, Iterable
from typing import Any

import gradio as gr

from remend.app.batch.requests import AUTO_MODEL
from remend.app.engine.catalogue import default_fill_model, list_models, thick_hole_model
from remend.app.page.i18n import MESSAGES
from remend.app.page.markup import put_icons, read_file
from remend.app.page.status import returns_errors

Message = dict[str, Any]


def make_editor(quick: Iterable[Callable[[Message], Message]]) -> gr.HTML:
    """Make the component; its script may call the functions by their names."""
    return gr.HTML(
        html_template=put_icons(read_file("editor.html")),
        css_template=read_file("tools.css") + read_file("editor.css"),
        js_on_load=read_file("start.js"),
        server_functions=[returns_errors(function) for function in quick],
        elem_id="repair-editor",
        apply_default_css=False,
        result=None,
        versions=None,
        models=fill_models(),
        messages=MESSAGES,
    )


def fill_models() -> list[str]:
    """The models that can be chosen: the default, the choice by the hole where there is one, the others."""
    names = [found.name for found in list_models("fill")]
    default = default_fill_model()
    automatic = [AUTO_MODEL] if thick_hole_model() else []
    return [default, *automatic, *(name for name in names if name != default)]
