"""What a fine-tune has recorded in its folder so far: the scores of its validations, and the sheets."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Measured:
    """One validation.

    Attributes:
        images: Seen until then; 0 = the parent.
        psnr: Of the held-out photos, in dB; of a fill with texture, without it.
        distance: Perceptual distance, lower is better; None = not measured.
        sheet: Crops of the held-out photos as one JPEG; None = there is none.
    """

    images: int
    psnr: float
    distance: float | None
    sheet: Path | None


def read_record(folder: Path, since: float = 0.0) -> list[Measured]:
    """The validations of a run, the parent's first; lines of an earlier run in that folder are left out.

    Args:
        folder: The run's.
        since: ``time.time()`` before which nothing was recorded by this run.
    """
    file = folder / "stats.jsonl"
    try:
        if file.stat().st_mtime < since:
            return []
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found: list[Measured] = []
    for line in lines:
        one = _read_line(line, folder)
        if one is None:
            continue
        if found and one.images <= found[-1].images:
            found.clear()  # a later run began here
        found.append(one)
    return found


def _read_line(line: str, folder: Path) -> Measured | None:
    """A line of the record; None where it is half written, or of another kind."""
    try:
        stats: dict[str, Any] = json.loads(line)
        images, psnr = int(stats["images"]), float(stats["held-out PSNR"])
        plain = stats.get("held-out PSNR at detail 0", psnr)
        distance = stats.get("held-out distance")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    sheet = folder / "samples" / f"{images:09d}.jpg"
    return Measured(images, float(plain), distance, sheet if sheet.is_file() else None)
