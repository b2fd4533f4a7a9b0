"""How far a progressively growing network has grown: the side of its pictures and its newest level's share.

Generator and discriminator each hold one `Growth`; the training loop moves it with `set_growth`. It is kept
in their weights files, so that a half-grown network comes back as it was. No parameter.
"""

import torch
from torch import Tensor, nn

SMALLEST = 4
"""Side of the first level's pictures in px; every further level doubles it."""


class Growth(nn.Module):
    """Size and fade of a growing network, at first full-grown.

    Attributes:
        size: Side of the pictures now, px.
        fade: Share of the newest level against the one below, 0 to 1.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size: int = size
        self.fade: float = 1.0

    @property
    def level(self) -> int:
        """Levels above the first."""
        return (self.size // SMALLEST).bit_length() - 1

    def get_extra_state(self) -> Tensor:
        return torch.tensor([self.size, self.fade], dtype=torch.float64)

    def set_extra_state(self, state: Tensor) -> None:
        size, fade = state
        self.size, self.fade = int(size), float(fade)


def set_growth(network: nn.Module, size: int, fade: float) -> None:
    """Move the growing parts of a network, of which most networks have none."""
    for module in network.modules():
        if isinstance(module, Growth):
            module.size, module.fade = size, fade


def count_channels(full: int, size: int, width: int, most: int = 512) -> int:
    """Channels of the level ``size`` in a network of ``full`` px: ``width`` there, doubling below."""
    return min(most, width * full // size)


def list_sizes(full: int) -> list[int]:
    """Sides of all levels, 4 px to ``full``."""
    return [SMALLEST * 2**i for i in range((full // SMALLEST).bit_length())]
