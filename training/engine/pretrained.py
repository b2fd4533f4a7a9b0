"""What a run takes over from the weights it starts with, and which of them it keeps as they are."""

from collections.abc import Sequence
from pathlib import Path

import torch

from remend.models.checkpoints.checkpoint import open_network, read_card
from remend.models.errors import RequestError


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
    places = (
        parent.with_suffix(".discriminator.safetensors"),
        parent.with_name("discriminator.safetensors"),
        parent.with_suffix(".run") / "discriminator.safetensors",
    )
    for place in places:
        if place.is_file() and read_card(place).task == "judge":
            return place
    return None


def freeze(network: torch.nn.Module, parts: Sequence[str]) -> None:
    """Keep the weights of these parts, submodules or parameters, as they are.

    Raises:
        RequestError: The network has no part of that name.
    """
    for part in parts:
        found = [p for name, p in network.named_parameters() if f"{name}.".startswith(f"{part}.")]
        if not found:
            there = ", ".join(dict.fromkeys(name.split(".")[0] for name in network.state_dict()))
            raise RequestError(f"frozen: the generator has no part {part!r}; it has {there}.")
        for parameter in found:
            parameter.requires_grad_(False)
