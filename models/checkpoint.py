"""Weights files of Remend: safetensors that say what they are.

The header of a file holds its `Card`: architecture, config and scale to rebuild the network with, and
where the weights came from. Nothing is unpickled, so opening a stranger's file executes nothing.
"""

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from models.card import CARD_KEY, Card, peek
from models.errors import RequestError
from models.registry import ARCHITECTURES, build_network
from models.whole_file import save_whole


def save_network(path: Path, network: nn.Module, card: Card, *, half: bool = True) -> None:
    """Write weights and card, whole or not at all; ``half`` stores float16."""
    tensors = {
        name: tensor.detach()
        .to("cpu", torch.float16 if half and tensor.is_floating_point() else None)
        .contiguous()
        for name, tensor in network.state_dict().items()
    }
    save_whole(save(tensors, {CARD_KEY: json.dumps(asdict(card), ensure_ascii=False)}), path)


def open_network(path: Path) -> tuple[nn.Module, Card]:
    """Rebuild the network of a weights file in float32 on the CPU, in evaluation mode.

    Raises:
        RequestError: As `peek`, or tensors that do not fit the card.
    """
    card = peek(path)
    if card.architecture not in ARCHITECTURES:
        raise RequestError(
            f"{path} needs architecture {card.architecture!r}, which this version does not have; "
            "update Remend."
        )
    try:
        network = build_network(card.architecture, card.config)
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        network.load_state_dict(tensors)
    except (RuntimeError, TypeError, ValueError, SafetensorError) as error:
        raise RequestError(
            f"{path} is damaged: its tensors do not fit its card ({str(error).splitlines()[0]}); "
            "get the file again."
        ) from error
    return network.float().eval(), card
