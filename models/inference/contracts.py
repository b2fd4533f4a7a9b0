"""What a network must offer so that a restorer can run it; our networks and other makers' meet it alike.

Types only: `Inpainter` and `Upscaler` ask for these; `Inpaint`, `Upscale` and `CommunityNetwork` have them,
and so must any architecture that the registry names for filling or upscaling. Nothing here runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

from torch import Tensor, nn

from remend.models.inference.regions import OURS, WorkSizes


class Stages(Protocol):
    """What a network returns: two pictures in [-1, 1], RGB, one where there is a single stage."""

    @property
    def coarse(self) -> Tensor:
        """The faithful stage; a fill's may be smaller than its input."""
        ...

    @property
    def refined(self) -> Tensor:
        """The result, (B, 3, H, W) of a fill, (B, 3, scale·H, scale·W) of an upscaler."""
        ...


class Network(Protocol):
    """What every such network is: an ``nn.Module`` in evaluation mode, from a picture to a picture."""

    def __call__(self, image: Tensor, /, *conditions: Tensor) -> Stages:
        """Restore image (B, 3, H, W) in [-1, 1] under conditions, which depend on the kind of network."""
        ...

    def parameters(self) -> Iterator[nn.Parameter]:
        """As ``nn.Module.parameters``."""
        ...


class RestoringNetwork(Network, Protocol):
    """What networks of both kinds offer."""

    def at_detail(self, detail: float, /) -> Self:
        """The network with that share of its texture or refine stage, 0 to 1; itself where it has none."""
        ...

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """As ``nn.Module.to``, whose declaration lacks ``memory_format``."""
        ...


@runtime_checkable
class FillNetwork(RestoringNetwork, Protocol):
    """Fills holes; its one condition is the mask (B, 1, H, W), 1 = fill."""

    @property
    def multiple(self) -> int:
        """Height and width must be multiples of this many pixels."""
        ...

    @property
    def copies_texture(self) -> bool:
        """Whether what it makes has texture copied from the known part already."""
        ...


@dataclass(frozen=True, slots=True)
class FillTraits:
    """What a restorer must know of a network that fills, beside its card.

    Attributes:
        sizes: What it likes to see.
        has_texture: Whether it draws texture itself, so that only what a reduction took is copied.
    """

    sizes: WorkSizes = OURS
    has_texture: bool = False


OUR_TRAITS = FillTraits()


class UpscaleTraits(Protocol):
    """What a restorer asks an upscaler's config."""

    @property
    def refine(self) -> bool:
        """Whether it has a refine stage."""
        ...

    @property
    def denoise(self) -> bool:
        """Whether its one condition is how much noise to remove: (B,), 0 to 1. Else it has none."""
        ...

    @property
    def width(self) -> int:
        """Channels, for estimates of memory."""
        ...


@runtime_checkable
class UpscaleNetwork(RestoringNetwork, Protocol):
    """Enlarges by a whole factor."""

    @property
    def config(self) -> UpscaleTraits:
        """Its shape."""
        ...

    @property
    def receptive_radius(self) -> int | None:
        """Input pixels that one output pixel sees to each side; None = unknown."""
        ...


@runtime_checkable
class DamageNetwork(Protocol):
    """Sees damage; it makes no picture."""

    @property
    def multiple(self) -> int:
        """Height and width must be multiples of this many pixels."""
        ...

    def __call__(self, image: Tensor, /) -> Tensor:
        """Logits (B, 3, H, W) of lines, patches and stains for image (B, 3, H, W) in [-1, 1]."""
        ...

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """As ``nn.Module.to``, whose declaration lacks ``memory_format``."""
        ...
