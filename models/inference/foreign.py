"""Weights of other makers, whatever kind of file they are: their first bytes tell who opens them."""

from pathlib import Path

import torch

from remend.models.checkpoints.card import Card
from remend.models.checkpoints.header import SUFFIX
from remend.models.checkpoints.onnx_file import is_onnx
from remend.models.inference.onnx_files.adapter import OnnxNetwork, open_onnx, read_onnx_card
from remend.models.inference.spandrel_adapter import CommunityNetwork, open_community, read_card_of


def holds_onnx(path: Path) -> bool:
    """Whether a file is ONNX; a file that says it is safetensors is read as such."""
    return path.suffix.lower() != SUFFIX and is_onnx(path)


def read_foreign_card(path: Path) -> Card:
    """The card that a file would have; nothing large is built.

    Raises:
        RequestError: As `open_community` and `open_onnx`.
    """
    return read_onnx_card(path) if holds_onnx(path) else read_card_of(path)


def open_foreign(
    path: Path, device: torch.device | None = None
) -> tuple[CommunityNetwork | OnnxNetwork, Card]:
    """Open a file in float32, in evaluation mode; a network of PyTorch is on the CPU.

    Args:
        path: The file.
        device: Where ONNX Runtime is to run it; None = the CPU.

    Raises:
        RequestError: As `open_community` and `open_onnx`.
    """
    if holds_onnx(path):
        return open_onnx(path, device or torch.device("cpu"))
    return open_community(path)
