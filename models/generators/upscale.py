"""The upscaler: a faithful coarse stage on the low-resolution grid, then a gated residual stage.

Every convolution runs on the low-resolution grid; PixelShuffle makes the pixels. The coarse stage is
a residual network of the EDSR kind (Lim et al. 2017) and a fidelity model has no other. The refine
stage of a photo model adds detail to it and leaves the colour of every neighbourhood as it is:
``output = coarse + detail . residual``.
"""

import copy
import dataclasses
from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from remend.models.layers.blocks import Residual, scale_init
from remend.models.layers.gated import Gate
from remend.models.layers.norm import Norm
from remend.models.layers.resample import initialise_icnr
from remend.models.layers.spectral import normalise_spectrally
from remend.models.ranges import Channels, CountOrNone, DepthOrNone, Scale

WINDOW = 9
"""Side, in input pixels, of the windows round a pixel whose means are subtracted from the refine stage."""


@dataclass(frozen=True)
class UpscaleConfig:
    """Shape of an ``Upscale`` network; widths are channels, ``scale`` is the enlargement."""

    scale: Scale = 4
    width: Channels = 64
    blocks: DepthOrNone = 12
    gate: Gate = "none"
    norm: Norm = "none"
    spectral: bool = False
    refine: bool = False
    refine_blocks: DepthOrNone = 8
    refine_gate: Gate = "full"
    refine_width: CountOrNone = 0
    """Of the refine stage; 0 = ``width``."""
    denoise: bool = False
    """Whether the network has an input for the amount of noise to remove."""
    no_checkerboard: bool = False
    """Whether a refine stage's detail may not alternate on the network's grid along a line."""


class Upscaled(NamedTuple):
    """What the generator returns: RGB, unclamped, (B, 3, scale·H, scale·W)."""

    coarse: Tensor
    refined: Tensor
    """The coarse picture itself where the network has no refine stage."""


def small_head(inputs: int, scale: int) -> nn.Conv2d:
    """Convolution to the scale² phases of an RGB picture, started at a tenth and without grid."""
    head = nn.Conv2d(inputs, 3 * scale**2, 3, padding=1)
    initialise_icnr(head, scale)
    scale_init(head)
    return head


def remove_local_colour(phases: Tensor) -> Tensor:
    """A refine head's phases (B, 3·scale², H, W) minus their mean over the window around each pixel.

    Detail has no colour of its own: a colour that a discriminator rewards would tint the whole photo.
    """
    cells = cast("Tensor", phases.contiguous().unflatten(1, (3, -1)))
    colour = mean_around(mean_around(cells.mean(2), (WINDOW, 1)), (1, WINDOW))
    return (cells - colour[:, :, None]).flatten(1, 2)


def remove_checkerboard(phases: Tensor, scale: int) -> Tensor:
    """A refine head's phases (B, 3·scale², H, W) without what alternates along rows and columns.

    Each phase has weights of its own, so features that stay the same along a line give a row of dots there
    (checkerboard artifacts, Odena et al. 2016). The input cannot know of a pattern with the grid's period:
    how phases differ along a row is taken off as far as it keeps on along that row, and so for columns.
    No difference grows or changes its sign, or plain places beside a pattern would get its negative.
    """
    for axis, window in ((3, (1, WINDOW)), (2, (WINDOW, 1))):
        cells = cast("Tensor", phases.unflatten(1, (3, scale, scale)))
        differences = (cells - cells.mean(axis, keepdim=True)).flatten(1, 3)
        kept_on = mean_around(differences, window)
        phases = phases - kept_on.clamp(differences.clamp(max=0), differences.clamp(min=0))
    return phases


def mean_around(x: Tensor, window: tuple[int, int]) -> Tensor:
    """Means of the window (height, width), odd, around each pixel of (B, C, H, W), as far as it is inside."""
    padding = (window[0] // 2, window[1] // 2)
    return F.avg_pool2d(x, window, 1, padding, count_include_pad=False)


class Upscale(nn.Module):
    """Coarse-to-refine enlargement by an integer factor; see the module's text."""

    multiple = 1
    """Any height and width is accepted."""

    def __init__(self, config: UpscaleConfig) -> None:
        super().__init__()
        self.config = config
        width, scale = config.width, config.scale
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.body = nn.Sequential(
            *(Residual(width, config.gate, config.norm) for _ in range(config.blocks)),
            nn.Conv2d(width, width, 3, padding=1),
        )
        self.head = small_head(width, scale)
        # A constant input channel, as FFDNet has (Zhang et al. 2018), without its convolution: what it
        # adds to the stem is the same everywhere. It starts at 0, so that a parent's weights serve.
        self.kept_noise: nn.Parameter | None = None
        if config.denoise:
            self.kept_noise = nn.Parameter(torch.zeros(1, width, 1, 1))
        self.refine: nn.ModuleDict | None = None
        if config.refine:
            inner = config.refine_width or width
            self.refine = nn.ModuleDict(
                {
                    "stem": nn.Conv2d(width + 3 * scale**2, inner, 3, padding=1),
                    "body": nn.Sequential(
                        *(
                            Residual(inner, config.refine_gate, config.norm)
                            for _ in range(config.refine_blocks)
                        )
                    ),
                    "head": small_head(inner, scale),
                }
            )
        if config.spectral:
            normalise_spectrally(self)

    @property
    def receptive_radius(self) -> int:
        """Input pixels that one output pixel sees to each side: one a 3x3 convolution, and a window.

        One, although there are two: the checkerboard has no part in the colour of a neighbourhood.
        """
        refine = 2 * self.config.refine_blocks + 2 + WINDOW // 2 if self.config.refine else 0
        return 2 * self.config.blocks + 3 + refine

    def at_detail(self, detail: float) -> "Upscale":
        """What `forward` has to compute for that share of its refine stage: at 0 the coarse stage alone."""
        if detail > 0 or self.refine is None:
            return self
        plain = copy.copy(self)
        plain._modules = {**self._modules, "refine": None}
        plain.config = dataclasses.replace(self.config, refine=False)
        return plain

    def forward(self, image: Tensor, denoise: Tensor | None = None) -> Upscaled:
        """Enlarge image (B, 3, H, W) in [-1, 1]; denoise (B,) from 0, keep noise, to 1, the default."""
        scale = self.config.scale
        image = image.contiguous(memory_format=torch.channels_last)
        stem = self.stem(image)
        if self.kept_noise is not None and denoise is not None:
            stem = stem + ((1 - denoise.view(-1, 1, 1, 1)) * self.kept_noise).to(stem.dtype)
        features = stem + self.body(stem)
        enlarged = F.interpolate(
            image, scale_factor=float(scale), mode="bilinear", align_corners=False
        )
        coarse = enlarged.float() + F.pixel_shuffle(self.head(features), scale).float()
        if self.refine is None:
            return Upscaled(coarse, coarse)
        # The coarse stage has its own loss; gradients of the refine stage do not reach it.
        seen = torch.cat(
            [features, F.pixel_unshuffle(coarse, scale).to(features.dtype)], 1
        ).detach()
        x = self.refine["body"](self.refine["stem"](seen))
        residual = remove_local_colour(self.refine["head"](x).float())
        if self.config.no_checkerboard:
            residual = remove_checkerboard(residual, scale)
        return Upscaled(coarse, coarse + F.pixel_shuffle(residual, scale))
