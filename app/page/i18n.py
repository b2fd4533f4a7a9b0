"""What the page says, in English and Chinese: one file of messages a language, in ``messages``.

Gradio translates the labels of its components in the browser (``make_label``), the editor's script its own
messages; the functions here make the sentences that Python writes. The engine (``models`` and the rest of
``app``) speaks English only; ``messages/engine`` holds its sentences in other languages.
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
"""By language: English sentences, ``{}`` for each value, and translations, ``{0}`` for the first value."""

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


def make_label(key: str) -> Any:
    """A message as a component's label; the browser translates it into its own language."""
    return I18N(_PREFIX + key)


def choose_language(request: gr.Request | None) -> str:
    """The language that a visitor's browser asks for first, if the page speaks it, else English."""
    headers: Any = request.headers if request is not None else {}
    first = headers.get("accept-language", "")[:2].lower()
    return first if first in MESSAGES else "en"


def format_message(language: str, key: str, **values: object) -> str:
    """A message, with ``{name}`` replaced by the value of that name."""
    return MESSAGES[language][key].format(**values)


def short_label(language: str, key: str) -> str:
    """A label without what stands in brackets after it: "Detail" for "Detail (0 smooth, 1 textured)"."""
    return re.split(r"\s*[(（]", MESSAGES[language][key])[0]


def spell_seconds(seconds: float, language: str) -> str:
    """A duration as people say it: seconds up to two minutes, then minutes."""
    if seconds < 120:
        return format_message(language, "seconds", count=max(1, round(seconds)))
    return format_message(language, "minutes", count=round(seconds / 60))


def join_sentences(language: str, *sentences: str) -> str:
    """Sentences one after the other; Chinese has no space between them."""
    return ("" if language == "zh" else " ").join(sentences)


def translate_sentence(sentence: str, language: str) -> str:
    """A sentence of the engine in another language; one that is not known there stays as it is."""
    for pattern, translation in _PATTERNS.get(language, ()):
        if found := pattern.fullmatch(sentence):
            values = (translate_sentence(value, language) for value in found.groups())
            return translation.format(*values)
    return sentence


def translate_sentences(sentences: Iterable[str], language: str) -> list[str]:
    """Several sentences, such as the notes on a photo."""
    return [translate_sentence(sentence, language) for sentence in sentences]
