"""The Models tab: what the weights say about themselves, one card a model."""

from collections.abc import Iterable, Mapping
from html import escape

from remend.app.engine.catalogue import list_models
from remend.app.page.i18n import format_message
from remend.models.checkpoints.checkpoint import Card


def cards_list(language: str = "en") -> str:
    """The listed models as HTML; everything that comes out of a weights file is escaped."""
    cards = [_card(found.name, found.card, language) for found in list_models()]
    if not cards:
        return f"<p>{escape(format_message(language, 'no_models'))}</p>"
    return f'<div class="cards">{"".join(cards)}</div>'


def _card(name: str, card: Card, language: str) -> str:
    facts = {
        "card_limits": escape(card.limits),
        "card_measured": _measurements(card.metrics),
        "card_licence": escape(card.licence),
    }
    listed = "".join(
        f"<dt>{escape(format_message(language, key))}</dt><dd>{fact}</dd>"
        for key, fact in facts.items()
        if fact
    )
    summary, photos = format_message(language, "card_trained_on"), escape(_photos(card, language))
    details = f"<details><summary>{escape(summary)}</summary>{photos}</details>" if photos else ""
    return (
        f"<article><h2>{escape(name)}</h2><p>{escape(_purpose(card, language))}</p>"
        f"<dl>{listed}</dl>{details}</article>"
    )


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
