"""The kinds of damage that prints, negatives and their scans have, in one table.

A kind gives a `Layer`: what covers the photo, how much of it shows, and how the light on the paper changes.
How layers are laid over a photo, and what of them counts as damage, is in `training.data.damaged_print`.
Everything follows from the state of the `torch.Generator`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from remend.models.generators.damage import Group
from remend.training.data import damage_lines, damage_patches
from remend.training.data.damage_layers import Layer

Draw = Callable[[int, int, torch.Generator], Layer]
"""(batch, size, random) -> a layer on every sample."""


@dataclass(frozen=True)
class Kind:
    """How a kind is drawn, which output of the network finds it, and in how many damaged crops it is."""

    draw: Draw
    group: Group
    share: float


DAMAGE: dict[str, Kind] = {
    "scratches": Kind(damage_lines.scratches, "lines", 0.3),
    "hairlines": Kind(damage_lines.hairlines, "lines", 0.35),
    "cracks": Kind(damage_lines.cracks, "lines", 0.3),
    "folds": Kind(damage_lines.folds, "lines", 0.25),
    "fibres": Kind(damage_lines.fibres, "lines", 0.3),
    "specks": Kind(damage_lines.specks, "lines", 0.35),
    "spots": Kind(damage_lines.spots, "lines", 0.25),
    "ink": Kind(damage_lines.ink, "lines", 0.06),
    "stains": Kind(damage_patches.stains, "stains", 0.45),
    "flakes": Kind(damage_patches.flakes, "patches", 0.3),
    "tears": Kind(damage_patches.tears, "patches", 0.45),
    "tape": Kind(damage_patches.tape, "stains", 0.06),
    "fingerprints": Kind(damage_patches.fingerprints, "stains", 0.06),
}
