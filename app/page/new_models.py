"""What the page shows of the models is read again at every visit, and when a new one was added or made."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from remend.app.page.i18n import choose_language
from remend.app.page.models_tab import cards_list
from remend.app.page.repair.repair_tab import offer_fill_models
from remend.app.page.work.dials import Dial

_QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}


def list_cards(request: gr.Request) -> str:
    """The cards of the models that there are now, in the visitor's language."""
    return cards_list(choose_language(request))


def offer_new_models(
    event: Callable[..., Any], dials: Sequence[Dial], cards: gr.HTML, editor: gr.HTML
) -> None:
    """After an event, let a model that is new be seen and chosen in all tabs.

    No value is sent: it would take back what the visitor has chosen meanwhile.
    """
    choices = {dial.component: dial.choices for dial in dials if dial.choices}

    def offer() -> dict[Any, Any]:
        return {one: gr.update(choices=list(read())) for one, read in choices.items()}

    event(offer, None, list(choices), **_QUIET).then(list_cards, None, cards, **_QUIET).then(
        offer_fill_models, None, editor, **_QUIET
    )
