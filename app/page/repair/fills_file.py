"""The fills of a photo that is put away: a file of rectangles; the photo itself is kept as it came."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from remend.models.inference.regions import Box
from remend.models.inference.restorer import FilledPatch

Fill = list[FilledPatch]


def write_fills(path: Path, fills: Sequence[Fill]) -> None:
    """Write fills into an ``.npz``, in order; the folder is made where it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    places = [[(patch.left, patch.top) for patch in fill] for fill in fills]
    pixels = {
        f"{number}-{at}": patch.rgb
        for number, fill in enumerate(fills)
        for at, patch in enumerate(fill)
    }
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, places=np.array(json.dumps(places)), **pixels)


def read_fills(path: Path) -> list[Fill]:
    """Read what ``write_fills`` wrote."""
    with np.load(path) as file:
        places: list[list[tuple[int, int]]] = json.loads(str(file["places"]))
        return [
            [FilledPatch(left, top, file[f"{number}-{at}"]) for at, (left, top) in enumerate(fill)]
            for number, fill in enumerate(places)
        ]


def count_bytes(fills: Sequence[Fill]) -> int:
    """What the pixels of fills take."""
    return sum(patch.rgb.nbytes for fill in fills for patch in fill)


def box_of(patch: FilledPatch) -> Box:
    """The rectangle that a patch changes."""
    height, width = patch.rgb.shape[:2]
    return Box(patch.left, patch.top, patch.left + width, patch.top + height)
