"""What a weights file becomes when it is loaded: a restorer, or what finds damage for one."""

from pathlib import Path
from typing import Protocol

from remend.models.checkpoints.card import Card, has_card
from remend.models.checkpoints.checkpoint import no_adapter, open_network
from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.models.inference.contracts import DamageNetwork, FillNetwork, UpscaleNetwork
from remend.models.inference.damage import DamageFinder
from remend.models.inference.foreign import open_foreign
from remend.models.inference.inpainter import FilledPatch, FillOptions, Inpainter
from remend.models.inference.upscaler import UpscaleOptions, Upscaler

__all__ = [
    "DamageFinder",
    "FillOptions",
    "FilledPatch",
    "Inpainter",
    "Restorer",
    "UpscaleOptions",
    "Upscaler",
    "load_restorer",
]


class Restorer(Protocol):
    """What all restorers share; how a picture is given to one depends on its task."""

    card: Card
    placement: Placement


LoadedModel = Inpainter | Upscaler | DamageFinder


def load_restorer(path: Path, placement: Placement, *, strength: float = 1.0) -> LoadedModel:
    """Open a weights file, Remend's or of another maker, and make it ready to run.

    Args:
        path: The file.
        placement: Where and in which precision to run.
        strength: As for `open_network`. It is no option of a single picture, as ``detail`` is: it becomes
            part of the weights when they are loaded.

    Raises:
        RequestError: The file is no weights file, is damaged, or holds a network that restores nothing.
        OptionError: A strength other than 1 for weights without an adapter.
    """
    if not has_card(path):
        if strength != 1:
            raise no_adapter(path, strength)
        return _load_foreign(path, placement)
    network, card = open_network(path, strength=strength)
    if card.task == "fill" and isinstance(network, FillNetwork):
        return Inpainter(network, card, placement)
    if card.task == "upscale" and isinstance(network, UpscaleNetwork):
        return Upscaler(network, card, placement)
    if card.task == "damage" and isinstance(network, DamageNetwork):
        return DamageFinder(network, card, placement)
    raise RequestError(
        f"{path} holds a network for {card.task!r}, which restores nothing; "
        "`remend models` lists those that do."
    )


def _load_foreign(path: Path, placement: Placement) -> Inpainter | Upscaler:
    network, card = open_foreign(path, placement.device)
    placement = network.suit(placement)
    if card.task == "fill":
        return Inpainter(network, card, placement, network.fill_traits)
    return Upscaler(network, card, placement, network.tiling)
