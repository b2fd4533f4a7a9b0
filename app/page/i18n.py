"""What the page says, in English and Chinese: one file of messages a language, in ``messages``.

Gradio translates the labels of its components in the browser (``label``), the editor's script its own words;
here are those sentences that Python writes. The engine speaks English only; ``messages/engine`` knows what
its sentences are in another language.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gradio as gr

MESSAGES: dict[str, dict[str, str]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "messages").glob("*.json"))
}
"""The messages by language, ``en`` and ``zh``; every language has the same keys."""

ENGINE: dict[str, dict[str, str]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "messages" / "engine").glob("*.json"))
}
"""By language: the engine's sentences, ``{}`` for each value, and what they are, ``{0}`` for the first."""

_PATTERNS = {
    language: [
        (re.compile(re.escape(sentence).replace(r"\{\}", "(.*?)"), re.DOTALL), translation)
        for sentence, translation in sentences.items()
    ]
    for language, sentences in ENGINE.items()
}

_PREFIX = "remend_"  # Gradio translates whatever equals a key, a model called "fill" too
_LABELS = {
    language: {_PREFIX + key: text for key, text in messages.items()}
    for language, messages in MESSAGES.items()
}
I18N = gr.I18n(**_LABELS, **{"zh-CN": _LABELS["zh"]})
"""What Gradio has to know to translate labels."""


def label(key: str) -> Any:
    """A message as a component's label, in the language of whoever looks at it."""
    return I18N(_PREFIX + key)


def language_of(request: gr.Request | None) -> str:
    """The language that a visitor's browser asks for first, if the page speaks it, else English."""
    headers: Any = request.headers if request is not None else {}
    wanted = headers.get("accept-language", "")[:2].lower()
    return wanted if wanted in MESSAGES else "en"


def word(language: str, key: str, **values: object) -> str:
    """A message, with ``{name}`` replaced by the value of that name."""
    return MESSAGES[language][key].format(**values)


def joined(language: str, *sentences: str) -> str:
    """Sentences one after the other; Chinese has no space between them."""
    return ("" if language == "zh" else " ").join(sentences)


def translate(sentence: str, language: str) -> str:
    """A sentence of the engine in another language; one that is not known there stays as it is."""
    for pattern, translation in _PATTERNS.get(language, ()):
        if found := pattern.fullmatch(sentence):
            return translation.format(*(translate(value, language) for value in found.groups()))
    return sentence


def translated(sentences: Iterable[str], language: str) -> list[str]:
    """Several sentences, such as the notes on a photo."""
    return [translate(sentence, language) for sentence in sentences]
