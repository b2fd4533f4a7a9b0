"""Torchvision, also beside a torch of another build; spandrel and LPIPS import it, we hardly use it."""

import importlib
import sys
from typing import Any

import torch

_SCHEMAS: list[torch.library.Library] = []
"""Kept alive: operators vanish with the library that declared them."""


def import_torchvision() -> Any:
    """Import torchvision.

    Beside a torch of another build its compiled part cannot be loaded and two operator schemas are
    missing; declaring them is enough for its networks and transforms to work.

    Raises:
        ImportError: It is not installed.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    if not _SCHEMAS:
        library: Any = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float threshold) -> Tensor")
        _SCHEMAS.append(library)
    return importlib.import_module("torchvision")
