"""What a fine-tune looks like while it runs: where it stands, its scores, crops before and after."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from remend.app.page.i18n import format_message, spell_seconds, translate_sentence
from remend.app.page.preview import data_url, encode_shown
from remend.app.tuning.process import Asked
from remend.app.tuning.record import Measured
from remend.app.tuning.state import TuningState
from remend.models.imaging.files import read_picture
from remend.models.imaging.picture import Picture

COLUMNS = 4
"""Of a sheet: input, first stage, result, original."""
MOST_SIDE = 1600
"""Rows of pixels of a sheet that are shown."""
_WIDTH, _HEIGHT, _EDGE = 480, 120, 8


def progress_view(
    asked: Asked | None, state: TuningState, record: Sequence[Measured], language: str
) -> str:
    """Where a fine-tune stands, as HTML; empty where none was started."""
    if asked is None:
        return ""
    title = format_message(
        language, "tune_of", name=asked.name, parent=Path(asked.request.parent or "").stem
    )
    where = _where(asked, state, language)
    parts = [f"<h2>{escape(title)}</h2>", f'<p class="{state.phase}">{escape(where)}</p>']
    if not state.has_ended:
        share = f' value="{state.done / state.total:.4f}"' if state.total else ""
        parts.append(f'<progress aria-label="{escape(title, quote=True)}"{share}></progress>')
    if record:
        parts += [f"<p>{escape(_scores(record, language))}</p>", _curve(record, language)]
    said = "".join(f"<li>{escape(translate_sentence(one, language))}</li>" for one in state.said)
    if said:
        summary = escape(format_message(language, "tune_said"))
        parts.append(f"<details><summary>{summary}</summary><ul>{said}</ul></details>")
    return "".join(parts)


def _where(asked: Asked, state: TuningState, language: str) -> str:
    if state.phase == "done":
        gain = translate_sentence(state.end, language)
        return format_message(language, "tune_done", gain=gain, name=asked.name)
    if state.phase == "failed":
        return translate_sentence(state.end, language)
    if state.phase == "stopped":
        return format_message(language, "tune_stopped")
    counts = {"done": f"{state.done:.0f}", "total": f"{state.total:.0f}"}
    if state.phase == "looking":
        return format_message(language, "tune_looking", **counts)
    if state.seconds_left is None:
        return format_message(language, "tune_measuring")
    left = spell_seconds(state.seconds_left, language)
    return format_message(language, "tune_training", images=counts["done"], seconds=left)


def _scores(record: Sequence[Measured], language: str) -> str:
    """The scores of the parent and of the newest state."""
    before, now = record[0], record[-1]
    values = {"before": f"{before.psnr:.2f}", "now": f"{now.psnr:.2f}", "images": now.images}
    if before.distance is None or now.distance is None:
        return format_message(language, "tune_scores", **values)
    change = f"{now.distance / max(before.distance, 1e-9) - 1:+.1%}"
    return format_message(language, "tune_scores_looks", **values, change=change)


def _curve(record: Sequence[Measured], language: str) -> str:
    """The score over the images seen: perceptual distance where there is one, else PSNR."""
    by_looks = all(one.distance is not None for one in record)
    values = [one.distance or 0.0 if by_looks else one.psnr for one in record]
    if len(record) < 2:
        return ""
    low, high = min(values), max(values)
    span, last = max(high - low, 1e-9), max(record[-1].images, 1)
    points = " ".join(
        f"{_EDGE + (_WIDTH - 2 * _EDGE) * one.images / last:.1f},"
        f"{_EDGE + (_HEIGHT - 2 * _EDGE) * (high - value) / span:.1f}"
        for one, value in zip(record, values, strict=True)
    )
    label = format_message(language, "tune_curve_looks" if by_looks else "tune_curve")
    digits = 4 if by_looks else 2
    ends = f"{escape(label)}: {low:.{digits}f} – {high:.{digits}f}"
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label, quote=True)}">'
        f'<polyline points="{points}"></polyline></svg><figcaption>{ends}</figcaption></figure>'
    )


def newest_sheet(record: Sequence[Measured]) -> Measured | None:
    """The newest validation with a sheet; None where there is none, or none of the parent."""
    with_sheets = [one for one in record if one.sheet is not None]
    return with_sheets[-1] if with_sheets and record[0].sheet is not None else None


def sheet_view(parent: Path, now: Measured, language: str) -> str:
    """Crops of held-out photos as HTML: what came in, the parent's result, the newest one, the original."""
    assert now.sheet is not None
    before, after = read_picture(parent).rgb, read_picture(now.sheet).rgb
    side = before.shape[1] // COLUMNS
    rows = min(before.shape[0], after.shape[0], MOST_SIDE // side * side)
    columns = [
        pixels[:rows, side * column : side * (column + 1)]
        for pixels, column in ((before, 0), (before, 2), (after, 2), (after, 3))
    ]
    image = data_url(encode_shown(Picture(np.concatenate(columns, 1)), "jpg"))
    text = format_message(language, "tune_sheet", images=now.images)
    return (
        f'<figure><img src="{image}" alt="{escape(text, quote=True)}">'
        f"<figcaption>{escape(text)}</figcaption></figure>"
    )
