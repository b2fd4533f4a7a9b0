"""Adding weights through the page, where the server's owner allows it with ``--allow-custom-weights``.

Only safetensors files with a card are accepted, which cannot hold code; they go to the user's folder of
models, under a name that is not used there yet.
"""

import re
from pathlib import Path

import gradio as gr

from remend.app.engine.catalogue import SUFFIX, user_folder, weights_files
from remend.app.page.i18n import choose_language, format_message, make_label
from remend.app.page.status import explain, say
from remend.app.page.uploads import check_uploaded
from remend.models.checkpoints.checkpoint import read_card
from remend.models.device import choose_placement
from remend.models.errors import RequestError
from remend.models.inference.restorer import load_restorer
from remend.models.storage.atomic import write_atomic


def weights_upload() -> gr.File:
    """The component that takes a file."""
    return gr.File(label=make_label("weights_file"), file_types=[SUFFIX], elem_id="weights-upload")


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
        RequestError: It is no weights file of a restorer, or its name is used already or not possible.
    """
    if not re.fullmatch(r"[\w.-]{1,80}", file.stem) or file.suffix != SUFFIX:
        raise RequestError(
            f"{file.name} cannot be the name of a model; use letters, digits, - and _, and {SUFFIX}."
        )
    if file.stem in {known.stem for known in weights_files()}:
        raise RequestError(f"There is a model {file.stem} already; rename the file.")
    if read_card(file).task == "damage":
        raise RequestError(
            f"{file.name} finds damage, and the page uses its own weights for that; add weights that fill or "
            "upscale."
        )
    load_restorer(file, choose_placement("cpu", "fp32"))  # damage shows when all tensors are read
    user_folder().mkdir(parents=True, exist_ok=True)
    write_atomic(file.read_bytes(), user_folder() / file.name)
    return file.stem
