"""Networks of other makers for tests: spandrel's own classes, small and with random weights."""

import importlib
from typing import Any

import torch
from torch import nn

from remend.models.checkpoints.torchvision import import_torchvision


def load_spandrel(part: str = "") -> Any:
    import_torchvision()
    return importlib.import_module(f"spandrel{part}")


def build(module: str, name: str, **shape: Any) -> nn.Module:
    torch.manual_seed(0)
    files = {"Compact": ".__arch.SRVGG", "ESRGAN": ".__arch.RRDB"}
    spandrel = load_spandrel(f".architectures.{module}{files.get(module, '')}")
    network = getattr(spandrel, name)(**shape)
    return network.eval()
