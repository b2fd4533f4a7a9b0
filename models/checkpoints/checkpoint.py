"""Weights files of Remend: safetensors files that describe their own network.

The header of a file holds its `Card`: architecture, config and scale to rebuild the network with, and
where the weights came from. Nothing is unpickled, so opening a file of unknown origin executes nothing.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import nn

from remend.models.checkpoints.card import CARD_KEY, Card, read_card
from remend.models.checkpoints.header import read_header
from remend.models.checkpoints.lora import add_lora, merge_lora
from remend.models.checkpoints.planning import Planning
from remend.models.checkpoints.registry import ARCHITECTURES, build_network
from remend.models.errors import OptionError, RequestError
from remend.models.storage.atomic import write_atomic


def save_network(path: Path, network: nn.Module, card: Card, *, half: bool = True) -> None:
    """Write weights and card, whole or not at all; ``half`` stores float16."""
    tensors = {
        name: tensor.detach()
        .to("cpu", torch.float16 if half and tensor.is_floating_point() else None)
        .contiguous()
        for name, tensor in network.state_dict().items()
    }
    write_atomic(save(tensors, {CARD_KEY: json.dumps(asdict(card), ensure_ascii=False)}), path)


def save_card(source: Path, target: Path, card: Card) -> None:
    """Write the tensors of one file, bit for bit, with another card into another, whole or not at all."""
    metadata = {CARD_KEY: json.dumps(asdict(card), ensure_ascii=False)}
    write_atomic(save(read_tensors(source), metadata), target)


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file as they lie there; sizes and offsets are checked against the file.

    Raises:
        SafetensorError: The file is no safetensors file.
    """
    stored: Any = safe_open(path, "pt")  # has no types
    with stored as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def no_adapter(path: Path, strength: float) -> OptionError:
    """The error for a strength other than 1 with weights that have no adapter."""
    problem = f"does not go with {path.name}, which has no adapter"
    return OptionError("strength", strength, problem, "1, or weights fine-tuned with an adapter")


def open_network(path: Path, *, strength: float = 1.0) -> tuple[nn.Module, Card]:
    """Rebuild the network of a weights file in float32 on the CPU, in evaluation mode.

    Args:
        path: The file.
        strength: How much of its adapter is merged into the weights: 0 = the parent, 1 = as trained. It
            is fixed when the file is opened: another strength is another network.

    Raises:
        RequestError: As `read_card`, or tensors that do not fit the card.
        OptionError: A strength other than 1 for weights without an adapter.
    """
    card = read_card(path)
    if card.architecture not in ARCHITECTURES:
        raise RequestError(
            f"{path} needs architecture {card.architecture!r}, which this version does not have; "
            "update Remend."
        )
    if strength != 1 and not card.adapter:
        raise no_adapter(path, strength)
    try:
        _plan(path, card)
        network = _build(card)
        network.load_state_dict(read_tensors(path))
        if card.adapter:
            merge_lora(network, strength)
    except RequestError as error:
        raise RequestError(f"{path} is damaged: {error}") from error
    except Exception as error:  # a config of unknown origin can make a constructor raise anything
        first, *_ = [*str(error).strip().splitlines(), type(error).__name__]
        raise RequestError(
            f"{path} is damaged: its tensors do not fit its card ({first[:200]}); get the file again."
        ) from error
    return network.float().eval(), card


def _build(card: Card) -> nn.Module:
    network = build_network(card.architecture, card.config)
    add_lora(network, card.adapter)
    return network


def _plan(path: Path, card: Card) -> None:
    """Raise a ValueError for a card whose network has other tensors than the file; takes no memory."""
    header = read_header(path)
    planning = Planning(len(header.shapes), path.stat().st_size)
    with planning:
        network = _build(card)
    planning.check_network(network)
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    if shapes != header.shapes:
        wrong = sorted(set(shapes.items()) ^ set(header.shapes.items()))
        raise ValueError(f"{wrong[0][0]} has another shape or is missing")
    enlarges = getattr(network.config, "scale", card.scale)
    if card.scale != enlarges:
        raise ValueError(f"the card says x{card.scale}, the network x{enlarges}")
