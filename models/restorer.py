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


def load_restorer(path: Path, placement: Placement) -> Inpainter | Upscaler:
    """Open a weights file and make it ready to run.

    Raises:
        RequestError: The file is no weights file, is damaged, or is no restorer's.
    """
    network, card = open_network(path)
    if card.task not in KINDS:
        raise RequestError(
            f"{path} holds a network for {card.task!r}, which restores nothing; "
            "`remend models` lists those that do."
        )
    return KINDS[card.task](network, card, placement)
