"""The Repair tab's component: the editor's markup, style and script, and what its script may call."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import gradio as gr

from remend.app.batch.requests import AUTO_MODEL
from remend.app.engine.catalogue import default_fill_model, list_models, thick_hole_model
from remend.app.page.i18n import MESSAGES
from remend.app.page.status import returns_errors

SCRIPTS = Path(__file__).parents[1] / "editor"
"""The editor's modules, its markup and its style; ``server`` serves them below ``MODULES``."""
MODULES = "/remend"  # start.js says it as well

_ICON = re.compile(r'<i data-icon="([a-z-]+)"></i>')

Message = dict[str, Any]


def make_editor(quick: Iterable[Callable[[Message], Message]]) -> gr.HTML:
    """Make the component; its script may call the functions by their names."""
    return gr.HTML(
        html_template=put_icons((SCRIPTS / "editor.html").read_text(encoding="utf-8")),
        css_template=(SCRIPTS / "editor.css").read_text(encoding="utf-8"),
        js_on_load=(SCRIPTS / "start.js").read_text(encoding="utf-8"),
        server_functions=[returns_errors(function) for function in quick],
        elem_id="repair-editor",
        apply_default_css=False,
        result=None,
        versions=None,
        models=fill_models(),
        messages=MESSAGES,
    )


def put_icons(markup: str) -> str:
    """Replace each ``<i data-icon="name"></i>`` by the picture of that name in ``editor/icons``."""

    def picture(found: re.Match[str]) -> str:
        text = (SCRIPTS / "icons" / f"{found[1]}.svg").read_text(encoding="utf-8")
        return text.replace("<svg", '<svg aria-hidden="true"', 1)

    return _ICON.sub(picture, markup)


def fill_models() -> list[str]:
    """The models that can be chosen: the default, the choice by the hole where there is one, the others."""
    names = [found.name for found in list_models("fill")]
    default = default_fill_model()
    automatic = [AUTO_MODEL] if thick_hole_model() else []
    return [default, *automatic, *(name for name in names if name != default)]
