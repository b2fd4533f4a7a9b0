"""The Models tab: what the weights say about themselves, one card a model."""

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path

from remend.app.engine.catalogue import Model, list_models
from remend.app.page.i18n import MESSAGES, format_message
from remend.models.checkpoints.checkpoint import Card

PICTURES = Path(__file__).parent / "editor" / "models"
"""A picture for each model that comes with the program, before and after; ``server`` serves them."""


def cards_list(language: str = "en") -> str:
    """The listed models as HTML; everything that comes out of a weights file is escaped."""
    cards = [_card(found, language) for found in list_models()]
    if not cards:
        return f"<p>{escape(format_message(language, 'no_models'))}</p>"
    more = f"<h2>{_say(language, 'more_models')}</h2><p>{_say(language, 'more_models_say')}</p>"
    return f'<div class="cards">{"".join(cards)}</div><section class="more">{more}</section>'


def _card(found: Model, language: str) -> str:
    name, card = found.name, found.card
    facts = {
        "card_limits": escape(_own_words("limits", found, language) or card.limits),
        "card_measured": _measurements(card.metrics),
        "card_trained_on": escape(_photos(card, language)),
        "card_words": _training_words(found, language),
    }
    listed = "".join(
        f"<dt>{_say(language, key)}</dt><dd>{fact}</dd>" for key, fact in facts.items() if fact
    )
    details = (
        f"<details><summary>{_say(language, 'card_details')}</summary><dl>{listed}</dl></details>"
    )
    licence = f"{_say(language, 'card_licence')}: {escape(card.licence)}"
    return (
        f"<article>{_picture(found, language)}<h2>{escape(name)}</h2>"
        f"<p><strong>{escape(_purpose(card, language))}</strong></p><p>{_merit(found, language)}</p>"
        f'<p class="licence">{licence}</p>{details if listed else ""}</article>'
    )


def _say(language: str, key: str) -> str:
    return escape(format_message(language, key))


def _merit(found: Model, language: str) -> str:
    """How good it is, in one line; of other makers' models only where they come from is known."""
    if words := _own_words("merit", found, language):
        return escape(words)
    is_trained_here = bool(found.card.run or found.card.images_seen)
    return _say(language, "merit_own" if is_trained_here else "merit_other")


def _own_words(kind: str, found: Model, language: str) -> str:
    """What the page itself says of a model that comes with the program, or nothing."""
    key = f"{kind}_{found.name.replace('-', '_')}"
    return MESSAGES[language].get(key, "") if found.comes_with_us else ""


def _training_words(found: Model, language: str) -> str:
    """What the card says, in English, where the page has words of its own for people."""
    if not (found.card.limits and _own_words("limits", found, language)):
        return ""
    return f'<span lang="en">{escape(found.card.limits)}</span>'


def _picture(found: Model, language: str) -> str:
    """What the model makes of a photo, for those that come with the program."""
    file = f"{found.name}.jpg"
    if not found.comes_with_us or not (PICTURES / file).is_file():
        return ""
    text = escape(format_message(language, "card_picture", name=found.name), quote=True)
    return f'<img src="remend/models/{file}" alt="{text}" loading="lazy" width="480" height="200">'


def _purpose(card: Card, language: str) -> str:
    """What the model is for, in one line."""
    if card.task in ("fill", "damage"):
        return format_message(language, f"task_{card.task}")
    if card.task != "upscale":
        return card.task
    kind = "task_upscale_photo" if card.config.get("denoise") else "task_upscale"
    return format_message(language, kind, scale=card.scale)


def _measurements(metrics: Mapping[str, float]) -> str:
    """A table of the measures, named ``SET MEASURE``, a row for each set."""
    sets: dict[str, dict[str, float]] = {}
    for name, value in metrics.items():
        place, _, measure = name.partition(" ")
        sets.setdefault(place, {})[measure] = value
    measures = list(dict.fromkeys(measure for row in sets.values() for measure in row))
    if not measures:
        return ""
    head = "<td></td>" + _cells(measures, "col")
    body = "".join(
        f"<tr>{_cells([place], 'row')}"
        + "".join(f"<td>{_round(row.get(measure))}</td>" for measure in measures)
        + "</tr>"
        for place, row in sets.items()
    )
    return f'<div class="scroll" tabindex="0"><table><tr>{head}</tr>{body}</table></div>'


def _cells(headings: Iterable[str], scope: str) -> str:
    return "".join(f'<th scope="{scope}">{escape(heading)}</th>' for heading in headings)


def _round(value: float | None) -> str:
    """Decibels to two places, shares such as SSIM to three."""
    if value is None:
        return ""
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"


def _photos(card: Card, language: str) -> str:
    photos = ", ".join(f"{name} ({count:,})" for name, count in card.trained_on.items())
    parts = [photos] if photos else []
    if card.images_seen:
        parts.append(format_message(language, "crops_seen", count=f"{card.images_seen:,}"))
    return "; ".join(parts)
