"""What a run takes over from the weights it starts with, and which of them it keeps as they are.

How weights files are opened is in `models.checkpoints`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from remend.models.checkpoints.checkpoint import open_network, read_card
from remend.models.errors import RequestError


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
