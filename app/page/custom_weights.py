"""Adding weights through the page, where the server's owner allows it with ``--allow-custom-weights``.

They are checked as the command line checks them, and go to the user's folder of models. Here it has a limit.
"""

from pathlib import Path

import gradio as gr

from remend.app.engine.added_models import Origin, add_model
from remend.app.engine.catalogue import WEIGHTS_SUFFIXES
from remend.app.page.i18n import choose_language, format_message, make_label
from remend.app.page.status import explain, say
from remend.app.page.uploads import check_uploaded

MAX_FOLDER_BYTES = 20_000_000_000
"""What the folder of models may hold after visitors added to it."""


def weights_upload() -> gr.File:
    """The component that takes a file."""
    label = make_label("weights_file")
    return gr.File(label=label, file_types=[*WEIGHTS_SUFFIXES], elem_id="weights-upload")


def add_weights(path: str | None, request: gr.Request) -> str:
    """Keep an uploaded weights file; gives the status line."""
    if path is None:
        return say("", "models")
    try:
        name = keep_weights(check_uploaded(path))
    except Exception as error:
        return say(explain(error, choose_language(request)), "models", is_error=True)
    return say(format_message(choose_language(request), "weights_added", name=name), "models")


def keep_weights(file: Path) -> str:
    """Check a weights file and copy it to the user's folder.

    Returns:
        The name under which it can now be chosen.

    Raises:
        RequestError: As ``add_model``.
    """
    return add_model(file, Origin("a visitor of the page"), most_bytes=MAX_FOLDER_BYTES).name
