"""Restorers: what a weights file becomes when it is loaded."""

from pathlib import Path
from typing import Protocol

from models.checkpoint import Card, open_network
from models.device import Placement
from models.errors import RequestError
from models.inpainter import FillOptions, Inpainter, Patch
from models.upscaler import UpscaleOptions, Upscaler

__all__ = [
    "FillOptions",
    "Inpainter",
    "Patch",
    "Restorer",
    "UpscaleOptions",
    "Upscaler",
    "load_restorer",
]


class Restorer(Protocol):
    """What all restorers share; how a picture is given to one depends on its task."""

    card: Card
    placement: Placement


KINDS = {"fill": Inpainter, "upscale": Upscaler}


def load_restorer(
    path: Path, placement: Placement, *, strength: float = 1.0
) -> Inpainter | Upscaler:
    """Open a weights file and make it ready to run; ``strength`` as for `open_network`.

    Raises:
        RequestError: The file is no weights file, is damaged, is no restorer's, or has no adapter to dial.
    """
    network, card = open_network(path, strength=strength)
    if card.task not in KINDS:
        raise RequestError(
            f"{path} holds a network for {card.task!r}, which restores nothing; "
            "`remend models` lists those that do."
        )
    return KINDS[card.task](network, card, placement)
