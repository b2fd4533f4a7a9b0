"""The Models tab: what the weights say about themselves, as a table."""

import html

from app.catalogue import list_models
from models.checkpoint import Card

_HEADINGS = ("Name", "For", "Measured", "Trained on", "Licence", "Limits")


def cards_table() -> str:
    """The listed models as HTML; everything that comes out of a weights file is escaped."""
    rows = [(found.name, *_cells(found.card)) for found in list_models()]
    if not rows:
        return "<p>There are no models yet; train one with <code>remend train</code>.</p>"
    head = "".join(f'<th scope="col">{heading}</th>' for heading in _HEADINGS)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cells(card: Card) -> tuple[str, ...]:
    purpose = f"upscale ×{card.scale}" if card.task == "upscale" else card.task
    measured = ", ".join(f"{name} {value:g}" for name, value in card.metrics.items())
    photos = ", ".join(f"{name} ({count:,})" for name, count in card.trained_on.items())
    if card.images_seen:
        photos = f"{photos or 'photos'}; {card.images_seen:,} crops seen"
    return purpose, measured or "–", photos or "–", card.licence, card.limits or "–"


def _cell(text: str) -> str:
    return f"<td>{html.escape(text)}</td>"
