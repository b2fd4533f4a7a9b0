"""The one line in which the page says what happened, and the step from an exception to a sentence.

Python writes it as the value of a component, the editor's script through ``window.remendStatus``;
``status.js`` shows each tab the last sentence about it.
"""

import html
import logging
import re
import threading
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Literal

import gradio as gr
from gradio.utils import get_upload_folder

from remend.app.engine.catalogue import list_models
from remend.app.engine.crash_report import write_report
from remend.app.page.i18n import MESSAGES, translate, word
from remend.models.errors import RemendError, RequestError
from remend.models.progress import Cancelled, Progress

_log = logging.getLogger(__name__)

Tab = Literal["repair", "upscale", "models"]

STOPPED = "Stopped; nothing was changed."
_UNEXPECTED = (
    "Something went wrong inside Remend and nothing was changed; the terminal it runs in says more."
)
_SCRIPT = Path(__file__).with_name("status.js")


def status_line() -> gr.HTML:
    """Make the component ``#status``."""
    return gr.HTML(
        say(word("en", "begin"), "repair"),
        # Gradio puts the value in as it stands; `say` has made it safe.
        html_template='<p role="status" aria-live="polite">${value}</p>',
        js_on_load=_SCRIPT.read_text(encoding="utf-8"),
        elem_id="status",
        messages=MESSAGES,
        apply_default_css=False,
    )


def say(text: str, tab: Tab, *, is_error: bool = False) -> str:
    """Turn a sentence of a tab, which may hold a file's name, into a value of the status line."""
    kind = ' class="error"' if is_error else ""
    return f'<span{kind} data-tab="{tab}">{html.escape(text)}</span>'


def explain(error: Exception, language: str = "en") -> str:
    """The sentence for a person; what they cannot have caused goes to the log as well."""
    return translate(_sentence(error), language)


def _sentence(error: Exception) -> str:
    if isinstance(error, Cancelled):
        return STOPPED
    if isinstance(error, RemendError):
        return _without_folders(str(error))
    report = write_report(error, ["ui"])
    _log.error("The page met an unexpected error; the report is %s.", report, exc_info=error)
    return _UNEXPECTED


def _without_folders(sentence: str) -> str:
    """Leave of an uploaded file's path what the visitor knows: its name."""
    return re.sub(re.escape(get_upload_folder()) + r"/([^/\s]+/)*", "", sentence)


def returns_errors(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Wrap a function that the browser calls: its errors become ``{"error": sentence}``.

    Its message says which language the browser speaks.
    """

    @wraps(function)
    def answer(message: dict[str, Any]) -> dict[str, Any]:
        try:
            return function(message)
        except Exception as error:
            return {"error": explain(error, str(message.get("language")))}

    return answer


def check_name(name: str, task: str) -> str:
    """Let only the name of a listed model through: a page's visitor may not name files of the server.

    Raises:
        RequestError: No such model.
    """
    names = [model.name for model in list_models(task)]
    if name not in names:
        choice = f"choose one of {', '.join(names)}" if names else "there is none for this task"
        raise RequestError(f"There is no model {name!r} here; {choice}.")
    return name


class PageProgress(Progress):
    """Moves a bar of the page, and ends the work when someone has asked for it."""

    def __init__(self, bar: gr.Progress) -> None:
        self._bar = bar
        self._stop = threading.Event()

    def stop(self) -> None:
        """Ask for the end of the work."""
        self._stop.set()

    @property
    def is_stopped(self) -> bool:
        """Whether the end was asked for."""
        return self._stop.is_set()

    def update(self, done: float, total: float, note: str = "") -> None:
        if self.is_stopped:
            raise Cancelled
        self._bar(done / total if total else 0.0, desc=note or "Working")
