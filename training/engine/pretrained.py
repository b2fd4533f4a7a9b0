"""What a run takes over from the weights it starts with, which of them it keeps, and how it writes them.

How weights files are opened is in `models.checkpoints`, those of other makers in `models.inference`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from remend.models.checkpoints.card import Card, has_card
from remend.models.checkpoints.checkpoint import (
    open_network,
    read_card,
    save_card,
    save_network,
)
from remend.models.checkpoints.registry import COMMUNITY, build_network
from remend.models.errors import RequestError
from remend.models.inference.community_tuning import TunableCommunity, open_tunable
from remend.training.recipe.schema import Recipe


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """What a run took over from its parent.

    Attributes:
        generator_share: Share of the generator's tensors that the parent had, 0 to 1.
        discriminator_file: The discriminator that was found beside the parent.
        discriminator_share: Share of the discriminator's tensors that this file had, 0 to 1.
    """

    generator_share: float = 0.0
    discriminator_file: Path | None = None
    discriminator_share: float = 0.0


def make_generator(recipe: Recipe) -> tuple[nn.Module, float]:
    """A run's generator, and the share of its tensors that are its parent's, 0 to 1.

    Raises:
        RequestError: As `open_network` or `open_tunable`.
    """
    if recipe.architecture == COMMUNITY and recipe.parent:
        return open_tunable(Path(recipe.parent)), 1.0
    generator = build_network(recipe.architecture, recipe.generator)
    return generator, load_matching(generator, recipe.parent) if recipe.parent else 0.0


def save_generator(path: Path, network: nn.Module, card: Card) -> None:
    """Write a generator with its card; one of another maker in its maker's form, which has none."""
    if not isinstance(network, TunableCommunity):
        return save_network(path, network, card)
    network.save(path, header_texts(card))


def header_texts(card: Card) -> dict[str, str]:
    """What the header of a community file says of its fine-tune."""
    made = f"{card.parent} fine-tuned with Remend on {card.images_seen} crops"
    if not card.images_seen:
        made = f"{card.parent} as it was"
    return {"description": made, "metrics": json.dumps(dict(card.metrics))}


def open_generator(path: Path) -> tuple[nn.Module, Card | None]:
    """Open what `save_generator` wrote, in evaluation mode; the card is None for one of another maker.

    Raises:
        RequestError: As `open_network` or `open_tunable`.
    """
    if has_card(path):
        return open_network(path)
    return open_tunable(path).eval(), None


def copy_generator(source: Path, target: Path, card: Card) -> None:
    """Write the weights of one file into another, with this card where they have one."""
    if has_card(source):
        return save_card(source, target, card)
    open_tunable(source).save(target, header_texts(card))


def load_matching(network: torch.nn.Module, parent: str) -> float:
    """Copy tensors of equal name and shape from a weights file; returns their share, 0 to 1."""
    donor, _ = open_network(Path(parent))
    mine, theirs = network.state_dict(), donor.state_dict()
    matched = {
        name: theirs[name]
        for name, tensor in mine.items()
        if name in theirs and theirs[name].shape == tensor.shape
    }
    network.load_state_dict(matched, strict=False)
    return len(matched) / len(mine)


def find_discriminator(parent: Path) -> Path | None:
    """The discriminator that lies beside a parent: shipped, in its run's folder, or in its fine-tune's."""
    files = (
        parent.with_suffix(".discriminator.safetensors"),
        parent.with_name("discriminator.safetensors"),
        parent.with_suffix(".run") / "discriminator.safetensors",
    )
    for file in files:
        if (
            file.is_file() and read_card(file).task == "judge"
        ):  # the word for discriminators in files
            return file
    return None


def find_start(
    parent: str, generator_share: float, discriminator: torch.nn.Module | None
) -> StartingPoint:
    """Start a discriminator from the one beside the parent; returns what both networks took over.

    Args:
        parent: A weights file; "" = none.
        generator_share: What `load_matching` gave for the generator.
        discriminator: The run's own; None where there is none to train.
    """
    file = find_discriminator(Path(parent)) if parent else None
    if file is None or discriminator is None:
        return StartingPoint(generator_share, file)
    return StartingPoint(generator_share, file, load_matching(discriminator, str(file)))


def freeze(network: torch.nn.Module, parts: Sequence[str]) -> None:
    """Keep the weights of these parts, submodules or parameters, as they are.

    Raises:
        RequestError: The network has no part of that name.
    """
    for part in parts:
        found = [p for name, p in network.named_parameters() if f"{name}.".startswith(f"{part}.")]
        if not found:
            there = ", ".join(dict.fromkeys(name.split(".")[0] for name in network.state_dict()))
            raise RequestError(
                f"frozen = {part!r}: the generator has no such part; it has {there}. Name one of these."
            )
        for parameter in found:
            parameter.requires_grad_(False)
