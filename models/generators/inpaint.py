"""The fill generator: coarse structure on a small grid, then a refine stage that corrects a fill.

Three pictures, each made from the one before:

1. base: a harmonic fill of the hole (no weights),
2. coarse: the base at a quarter of the size, corrected on a 1/8 grid that sees far (dilations,
   attention to known cells),
3. refined: the base at full size, corrected on grids of 1/2 and 1/4 that also see the coarse
   stage's features, and perhaps texture copied from the known part. Known pixels are pasted back exactly.

The refine stage may have a second set of weights, learned with a discriminator: texture. It is stored as a
difference from the first, so that any share of it can be added (deep network interpolation, Wang et al.
2019), and so that what the first set learns later moves both.

After DeepFillv2 (Yu et al. 2019) and HiFill (Yi et al. 2020); correcting a smooth fill instead of
drawing on zeros is what small training budgets reward (docs/design.md). Nothing here depends on the
picture's mean or size, so crops of any size give the same pixels up to their context.
"""

import copy
import dataclasses
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from remend.models.errors import RequestError
from remend.models.layers.attention import MaskedAttention
from remend.models.layers.blocks import GatedResidual, scale_init
from remend.models.layers.copying import CHANNELS, copy_texture
from remend.models.layers.gated import Gate, GatedConv
from remend.models.layers.harmonic import harmonic_fill
from remend.models.layers.norm import Norm
from remend.models.layers.resample import UPSAMPLERS, Upsample, initialise_icnr
from remend.models.layers.spectral import normalise_spectrally
from remend.models.ranges import Channels, DepthOrNone, Share


@dataclass(frozen=True)
class InpaintConfig:
    """Shape of an ``Inpaint`` network; all widths are channels."""

    coarse_width: Channels = 128
    coarse_blocks: DepthOrNone = 8
    width: Channels = 64
    half_blocks: DepthOrNone = 3
    quarter_blocks: DepthOrNone = 4
    gate: Gate = "pointwise"
    norm: Norm = "pixel"
    upsample: Upsample = "nearest"
    attention: bool = True
    output_kernel: Literal[1, 3, 9] = 3
    spectral: bool = False
    refine: bool = True
    texture: bool = False
    """Whether the refine stage has weights for texture besides those for likely colours."""
    copied: bool = False
    """Whether the refine stage sees texture copied from the known part, and how well it matches."""
    detail: Share = 1.0
    """How much of the texture `forward` adds, 0 to 1; for training; `at_detail` ignores it."""
    apart: bool = False
    """Whether likely colours and texture learn side by side: in training `forward` gives a fill of each, and
    what is said of the textured one reaches the texture alone."""


class Fill(NamedTuple):
    """What the generator returns: RGB in [-1, 1] where the mask is 0, unclamped inside the hole."""

    coarse: Tensor
    """(B, 3, H/4, W/4): the coarse stage's picture."""
    refined: Tensor
    """(B, 3, H, W): the fill, known pixels as given."""
    plain: Tensor | None = None
    """(B, 3, H, W): the fill without texture, where both learn side by side."""


class Coarse(nn.Module):
    """Structure: the base at 1/4, corrected with a view of the whole crop."""

    def __init__(self, config: InpaintConfig) -> None:
        super().__init__()
        width, gate, norm = config.coarse_width, config.gate, config.norm
        self.stem = GatedConv(64, width, gate="full" if gate != "none" else "none")
        self.down = GatedConv(width, width, stride=2, gate=gate)
        self.blocks = nn.ModuleList(
            GatedResidual(width, 2 ** (i % 4), gate, norm) for i in range(config.coarse_blocks)
        )
        self.attention = MaskedAttention(width) if config.attention else None
        self.up = UPSAMPLERS[config.upsample](width, width)
        self.fuse = GatedResidual(width, 1, gate, norm)
        self.head = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, base: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Base (B, 3, H, W), mask (B, 1, H, W) -> picture (B, 3, H/4, W/4) and its features."""
        stem = self.stem(F.pixel_unshuffle(torch.cat([base, mask], 1), 4))
        x = self.down(stem)
        for i, block in enumerate(self.blocks):
            x = block(x)
            if self.attention is not None and i == len(self.blocks) // 2:
                x = self.attention(x, mask)
        features = self.fuse(self.up(x) + stem)
        change = torch.tanh(self.head(features).float())
        share = F.avg_pool2d(mask, 4)
        return F.avg_pool2d(base, 4) + share * change, features


class Refine(nn.Module):
    """Detail: a U-Net on 1/2 and 1/4 grids that gives the correction of the base."""

    def __init__(self, config: InpaintConfig) -> None:
        super().__init__()
        half, quarter, gate, norm = config.width, 2 * config.width, config.gate, config.norm
        self.stem = GatedConv(28, half, gate="full" if gate != "none" else "none")
        self.copied = nn.Conv2d(4 * CHANNELS, half, 3, padding=1) if config.copied else None
        if (
            self.copied is not None
        ):  # older weights, which have not learned from it, stay as they are
            nn.init.zeros_(self.copied.weight)
            nn.init.zeros_(cast(Tensor, self.copied.bias))
        self.encode = nn.Sequential(
            *(GatedResidual(half, 1, gate, norm) for _ in range(config.half_blocks))
        )
        self.down = GatedConv(half, quarter, stride=2, gate=gate)
        self.context = nn.Conv2d(config.coarse_width, quarter, 1)
        self.middle = nn.Sequential(
            *(
                GatedResidual(quarter, 2 ** (i % 3), gate, norm)
                for i in range(config.quarter_blocks)
            )
        )
        self.up = UPSAMPLERS[config.upsample](quarter, half)
        self.decode = nn.Sequential(
            *(GatedResidual(half, 1, gate, norm) for _ in range(config.half_blocks))
        )
        full = max(half // 4, 4)
        self.expand = nn.Conv2d(half, 4 * full, 3, padding=1)
        initialise_icnr(self.expand, 2)
        kernel = config.output_kernel
        self.head = nn.Conv2d(full, 3, kernel, padding=kernel // 2)
        scale_init(self.head)

    def forward(
        self, base: Tensor, coarse: Tensor, features: Tensor, mask: Tensor, copied: Tensor | None
    ) -> Tensor:
        """Correction of the base, (B, 3, H, W) in (-1, 1), float32."""
        seen = torch.cat([base, coarse * mask, mask], 1)
        x = self.stem(F.pixel_unshuffle(seen, 2))
        if self.copied is not None and copied is not None:
            x = x + self.copied(F.pixel_unshuffle(copied, 2))
        x = self.encode(x)
        deep = self.middle(self.down(x) + self.context(features))
        x = self.decode(self.up(deep) + x)
        x = torch.relu(F.pixel_shuffle(self.expand(x), 2))
        return torch.tanh(self.head(x).float())


class Inpaint(nn.Module):
    """Coarse-to-refine fill of masked pictures; see the module's text."""

    multiple = 8
    """Height and width must be multiples of this many pixels."""

    def __init__(self, config: InpaintConfig) -> None:
        super().__init__()
        if config.spectral and config.copied:
            raise RequestError(
                "generator.copied = true does not go with generator.spectral = true: what starts at zero has "
                "no spectral norm. Set one of them to false."
            )
        self.config = config
        self.coarse = Coarse(config)
        self.refine = Refine(config) if config.refine else None
        if config.spectral:
            normalise_spectrally(self)
        if config.spectral and config.texture:
            raise RequestError(
                "generator.texture = true does not go with generator.spectral = true: the spectral norm of a "
                "sum does not follow from those of its parts. Set one of them to false."
            )
        self.texture: Refine | None = None
        if config.texture and self.refine is not None:
            self.texture = copy.deepcopy(self.refine)
            for difference in self.texture.parameters():
                nn.init.zeros_(difference)

    @property
    def copies_texture(self) -> bool:
        """Whether what it makes has texture copied from the known part already."""
        return self.config.copied and self.refine is not None

    @torch.no_grad()
    def at_detail(self, detail: float) -> "Inpaint":
        """This network with that share of its texture, 0 to 1, in a single set of refine weights.

        The coarse stage is shared, not copied; a network without texture is returned as it is.
        """
        if self.refine is None or self.texture is None:
            return self
        refine = copy.deepcopy(self.refine)
        refine.load_state_dict(self._mixed(detail), strict=False)
        plain = copy.copy(self)
        plain._modules = {**self._modules, "texture": None, "refine": refine}
        plain.config = dataclasses.replace(self.config, texture=False)
        return plain

    def _mixed(self, detail: float) -> dict[str, Tensor]:
        """The refine stage's parameters with a share of the texture's differences added."""
        assert self.refine is not None and self.texture is not None
        differences = dict(self.texture.named_parameters())
        if any("parametrizations" in name for name in differences):
            raise RequestError(
                "Texture cannot be trained through an adapter (products of sums are no sums of products); "
                "set adapter.rank = 0, or generator.detail = 0 to leave the texture as it is."
            )
        apart = self.config.apart
        return {
            name: torch.add(weight.detach() if apart else weight, differences[name], alpha=detail)
            for name, weight in self.refine.named_parameters()
        }

    def forward(self, image: Tensor, mask: Tensor) -> Fill:
        """Fill image (B, 3, H, W) in [-1, 1] where mask (B, 1, H, W) is 1; pixels in the hole are ignored."""
        base = harmonic_fill(image, mask)
        layout = torch.channels_last
        coarse, features = self.coarse(base.contiguous(memory_format=layout), mask)
        enlarged = F.interpolate(coarse, scale_factor=4.0, mode="bilinear", align_corners=False)
        if self.refine is None:
            return Fill(coarse, torch.where(mask > 0, enlarged, base))
        copied = copy_texture(image, mask, coarse.detach()) if self.config.copied else None
        seen = base, enlarged, features, mask, copied
        if self.texture is not None and self.config.detail > 0:
            mixed, plain = self._mixed(self.config.detail), None
            if self.config.apart and self.training:
                plain = base + mask * self.refine(*seen)
                seen = base, enlarged.detach(), features.detach(), mask, copied
            change = functional_call(self.refine, mixed, seen)
            return Fill(coarse, base + mask * change, plain)
        return Fill(coarse, base + mask * self.refine(*seen))
