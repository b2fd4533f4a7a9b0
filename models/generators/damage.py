"""The damage network: where a photo is scratched, stained or torn, as logits of every pixel.

A U-Net (Ronneberger et al. 2015) on the half grid: its coarsest level sees some 300 px around, so that a long
scratch is followed where little of it shows. It has three outputs, because they are not equally hard: *lines*
(scratches, cracks, folds, dust), *patches* that hide the photo (flakes, tears) and are easily a light thing
in it, and *stains* that it shows through. It only sees; what is made of its logits is in
`models.inference.damage`.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from remend.models.layers.norm import NORMS, Norm
from remend.models.ranges import Channels

Group = Literal["lines", "patches", "stains"]
GROUPS: tuple[Group, ...] = get_args(Group)
"""What the logits are about, in their order: what is thin or small, wide and opaque, wide and translucent."""


@dataclass(frozen=True)
class DamageUNetConfig:
    """Shape of a ``DamageUNet``: channels of each level, from the half grid on, each level half the last."""

    widths: Annotated[tuple[Channels, ...], Field(min_length=1, max_length=8)] = (
        24,
        36,
        54,
        80,
        112,
    )
    norm: Norm = "batch"

    @property
    def multiple(self) -> int:
        """Height and width must be multiples of this."""
        return 2 ** len(self.widths)


class DoubleConv(nn.Sequential):
    """Twice a 3x3 convolution, a norm and a ReLU."""

    def __init__(self, inputs: int, outputs: int, norm: Norm) -> None:
        layers: list[nn.Module] = []
        for channels in (inputs, outputs):
            # A norm has its own shift; without one the convolution needs a bias.
            conv = nn.Conv2d(channels, outputs, 3, padding=1, bias=norm == "none")
            layers += [conv, NORMS[norm](outputs), nn.ReLU(inplace=True)]
        super().__init__(*layers)


class DamageUNet(nn.Module):
    """Three logits for every pixel of a photo; see the module's text."""

    def __init__(self, config: DamageUNetConfig) -> None:
        super().__init__()
        self.config = config
        widths, norm = config.widths, config.norm
        inputs = (3 * 4, *widths)
        self.down = nn.ModuleList(
            DoubleConv(inputs[level], width, norm) for level, width in enumerate(widths)
        )
        self.up = nn.ModuleList(
            DoubleConv(widths[level] + widths[level + 1], widths[level], norm)
            for level in reversed(range(len(widths) - 1))
        )
        self.head = nn.Conv2d(widths[0], len(GROUPS) * 4, 3, padding=1)
        # Damage is rare: the network starts by saying so.
        assert self.head.bias is not None
        nn.init.constant_(self.head.bias, -3.0)

    @property
    def multiple(self) -> int:
        """Height and width must be multiples of this."""
        return self.config.multiple

    def forward(self, image: Tensor) -> Tensor:
        """Logits (B, 3, H, W) of `GROUPS` for image (B, 3, H, W) in [-1, 1]."""
        x = F.pixel_unshuffle(image, 2).contiguous(memory_format=torch.channels_last)
        levels: list[Tensor] = []
        for level, stage in enumerate(self.down):
            x = stage(x if level == 0 else F.max_pool2d(x, 2))
            levels.append(x)
        for stage, fine in zip(self.up, reversed(levels[:-1]), strict=True):
            x = stage(torch.cat((F.interpolate(x, scale_factor=2.0), fine), 1))
        return F.pixel_shuffle(self.head(x).float(), 2)
