"""What a recipe says about a network of another maker; the network itself comes from its weights file.

How such files become networks is in `models.inference.spandrel_adapter`.
"""

from dataclasses import dataclass

from torch import nn

from remend.models.errors import RequestError
from remend.models.ranges import Scale


@dataclass(frozen=True, slots=True)
class CommunityConfig:
    """What an upscaler's config must say (`UpscaleTraits`)."""

    scale: Scale = 4
    refine: bool = False
    denoise: bool = False
    norm: str = "none"
    width: int = 64
    """Channels, for estimates of memory; most of these networks have as many or fewer."""


def refuse_without_file(_config: CommunityConfig) -> nn.Module:
    """Raise a RequestError: numbers do not tell such a network."""
    raise RequestError(
        "A network of another maker is made from its weights file; name that file as the parent of a "
        "fine-tune."
    )
