"""The functions behind the form of a fine-tune; each first looks whether this computer's person asks."""

from typing import Any

import gradio as gr

from remend.app.page.i18n import choose_language, format_message
from remend.app.page.status import explain, say
from remend.app.page.tuning.access import check_is_here
from remend.app.page.tuning.form import parents, read_form
from remend.app.page.tuning.view import newest_sheet, progress_view, sheet_view
from remend.app.tuning.process import TuningProcess
from remend.app.tuning.record import read_record
from remend.app.tuning.state import TuningState
from remend.models.device import Placement

_NONE = TuningState("stopped")


class TuningService:
    """Starts, shows and stops the fine-tune of this computer's person.

    Args:
        process: In which it runs.
        placement: Device and precision.
    """

    def __init__(self, process: TuningProcess, placement: Placement) -> None:
        self._process, self._placement = process, placement

    def start(
        self,
        folder: str | None,
        parent: str | None,
        name: str | None,
        minutes: float | None,
        images: float | None,
        request: gr.Request,
    ) -> tuple[str, Any]:
        """Begin what the form asks for; gives the status line, and whether it is to be watched."""
        language = choose_language(request)
        try:
            check_is_here(request)
            asked = read_form(folder, parent, name, minutes, images)
            self._process.start(asked, self._placement)
        except Exception as error:
            return say(explain(error, language), "models", is_error=True), gr.skip()
        text = format_message(language, "tune_started", name=asked.out.stem)
        return say(text, "models"), gr.update(active=True)

    def stop(self, request: gr.Request) -> str:
        """Let it end with the best state so far; gives the status line."""
        language = choose_language(request)
        try:
            check_is_here(request)
            self._process.stop()
        except Exception as error:
            return say(explain(error, language), "models", is_error=True)
        return say(format_message(language, "tune_stopping"), "models")

    def look(self, shown: str, made: str, request: gr.Request) -> tuple[Any, ...]:
        """Show where it stands.

        Args:
            shown: Which sheet the browser shows.
            made: The name of the last model that it knows to have been made.
            request: Who asks.

        Returns:
            Progress, sheet, which sheet that is, the watch, the buttons Start and Stop, and the name of the
            model that was made.
        """
        language = choose_language(request)
        try:
            check_is_here(request)
            asked = self._process.asked
            state = self._process.look() if asked else _NONE
            record = read_record(asked.folder, asked.since) if asked else []
            newest = newest_sheet(record)
            wanted = f"{asked.since} {newest.images}" if asked and newest else ""
            sheet = gr.skip()
            if wanted != shown:
                first = record[0].sheet if newest else None
                sheet = sheet_view(first, newest, language) if newest and first else ""
            view = progress_view(asked, state, record, language)
        except Exception as error:
            text = explain(error, language)
            return (text, gr.skip(), shown, gr.update(active=False), *[gr.skip()] * 3)
        runs = not state.has_ended
        made = asked.name if asked and state.phase == "done" else made
        buttons = gr.update(interactive=not runs), gr.update(interactive=runs)
        return (view, sheet, wanted, gr.update(active=runs), *buttons, made)

    def offer(self) -> Any:
        """The models that can be started from now."""
        return gr.update(choices=parents())
