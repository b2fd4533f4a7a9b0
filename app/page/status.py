"""The one line in which the page says what happened, and the step from an exception to a sentence.

Python writes it as the value of a component, the editor's script through ``window.remendStatus``;
``status.js`` shows each tab the last sentence about it.
"""

import html
import logging
import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Literal

import gradio as gr
from gradio.utils import get_upload_folder

from remend.app.batch.requests import AUTO_MODEL
from remend.app.engine.catalogue import list_models
from remend.app.engine.crash_report import write_report
from remend.app.page.guards.faults import DISK_FULL, is_disk_full
from remend.app.page.guards.messages import Message
from remend.app.page.i18n import MESSAGES, format_message, short_label, translate_sentence
from remend.app.page.work.standing import Standing
from remend.models.errors import OptionError, RemendError, RequestError
from remend.models.progress import Cancelled

_log = logging.getLogger(__name__)

Tab = Literal["repair", "upscale", "models"]

STOPPED = "Stopped; nothing was changed."
_UNEXPECTED = (
    "Something went wrong inside Remend and nothing was changed; the terminal it runs in says more."
)
OPTION_LABELS = {
    "scale": "scale",
    "width": "width",
    "detail": "upscale_detail",
    "denoise": "denoise",
    "grow": "grow_slider",
    "model": "model",
    "format": "format_box",
    "file_format": "format_box",
    "sensitivity": "sensitivity",
    "minutes": "tune_minutes",
    "images": "tune_images",
}
"""By option: the key of its label on the page. Other options have no label here and go by their own name."""

_LINE = (
    '<div class="said"><p role="status" aria-live="polite">${value}</p>'
    '<button type="button" class="dismiss">×</button></div>'
)
_SCRIPT = Path(__file__).parent / "editor" / "status.js"


def status_line(standing: Standing) -> gr.HTML:
    """Make the component ``#status``, which can say where a piece of work stands."""
    return gr.HTML(
        say(format_message("en", "begin"), "repair"),
        # Gradio puts the value in as it stands; `say` has made it safe.
        html_template=_LINE,
        js_on_load=_SCRIPT.read_text(encoding="utf-8"),
        elem_id="status",
        messages=MESSAGES,
        server_functions=[returns_errors(standing.standing)],
        apply_default_css=False,
    )


def say(text: str, tab: Tab, *, is_error: bool = False, number: float | None = None) -> str:
    """Turn a sentence of a tab, which may hold a file's name, into a value of the status line.

    ``number`` is that of the work or question that the sentence ends, as the browser gave it: a late answer
    to a question is not shown there.
    """
    kind = ' class="error"' if is_error else ""
    ended = "" if number is None else f' data-number="{int(number)}"'
    return f'<span{kind} data-tab="{tab}"{ended}>{html.escape(text)}</span>'


def explain(error: Exception, language: str = "en") -> str:
    """The sentence for a person, in English where the page does not speak their language.

    An error that a person cannot have caused goes to the log as well.
    """
    language = language if language in MESSAGES else "en"
    if isinstance(error, Cancelled):
        return translate_sentence(STOPPED, language)
    if isinstance(error, OptionError):
        return _word_option_error(error, language)
    if isinstance(error, OSError) and is_disk_full(error):
        return translate_sentence(DISK_FULL, language)
    if isinstance(error, RemendError):
        return translate_sentence(_without_folders(str(error)), language)
    report = write_report(error, ["ui"])
    _log.error("The page met an unexpected error; the report is %s.", report, exc_info=error)
    return translate_sentence(_UNEXPECTED, language)


def _word_option_error(error: OptionError, language: str) -> str:
    """Begin the sentence with the label of the page, as in "Detail: 2 is out of range; choose 0 to 1"."""
    value = f"{error.value:g}" if isinstance(error.value, float) else str(error.value)
    key = OPTION_LABELS.get(error.option)
    name = short_label(language, key) if key else error.option.replace("_", " ")
    reason = translate_sentence(error.worded("").strip(), language)
    return format_message(language, "option_error", name=name, value=value, reason=reason)


def _without_folders(sentence: str) -> str:
    """Leave of an uploaded file's path what the visitor knows: its name."""
    return re.sub(re.escape(get_upload_folder()) + r"/([^/\s]+/)*", "", sentence)


def returns_errors(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Wrap a function that the browser calls: an error becomes the answer ``{"error": sentence}``.

    The browser's message says which language it speaks.
    """

    @wraps(function)
    def answer(message: dict[str, Any]) -> dict[str, Any]:
        try:
            return function(Message(message))
        except Exception as error:
            language = message.get("language") if isinstance(message, dict) else None
            return {"error": explain(error, str(language))}

    return answer


def check_model_name(name: str, task: str) -> str:
    """Check that a name is that of a listed model, or "auto" for filling.

    A visitor may not name files of the server.

    Raises:
        RequestError: There is no such model.
    """
    if task == "fill" and name == AUTO_MODEL:
        return name
    names = [model.name for model in list_models(task)]
    if name not in names:
        choice = f"choose one of {', '.join(names)}" if names else "there is none for this task"
        raise RequestError(f"There is no model {name!r} here; {choice}.")
    return name
