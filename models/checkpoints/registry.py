"""The architectures that a weights file or a recipe can name, in one explicit table."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from torch import nn

from remend.models.discriminators.baselines import (
    DcganDiscriminator,
    DcganDiscriminatorConfig,
    ResNetDiscriminator,
    ResNetDiscriminatorConfig,
)
from remend.models.discriminators.growing import GrowingDiscriminator, GrowingDiscriminatorConfig
from remend.models.discriminators.multiscale import MultiscaleDiscriminator
from remend.models.discriminators.patch import PatchDiscriminatorConfig
from remend.models.errors import RequestError
from remend.models.generators.baselines import Dcgan, DcganConfig, ResNetConfig, ResNetGenerator
from remend.models.generators.community import CommunityConfig, refuse_without_file
from remend.models.generators.damage import DamageUNet, DamageUNetConfig
from remend.models.generators.growing import Growing, GrowingConfig
from remend.models.generators.inpaint import Inpaint, InpaintConfig
from remend.models.generators.upscale import Upscale, UpscaleConfig

Task = Literal["fill", "upscale", "damage", "generate", "judge"]


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network class, the dataclass that shapes it, and what it is for."""

    network: Callable[[Any], nn.Module]
    config: type
    task: Task
    judge: str = ""
    """The discriminator that a generator is trained against, by its name here; "" = there is none."""


COMMUNITY = "community"
"""Networks of other makers, which no card of ours describes."""
ARCHITECTURES: dict[str, Architecture] = {
    "inpaint": Architecture(Inpaint, InpaintConfig, "fill", "multiscale"),
    "upscale": Architecture(Upscale, UpscaleConfig, "upscale", "multiscale"),
    COMMUNITY: Architecture(refuse_without_file, CommunityConfig, "upscale", "multiscale"),
    "damage": Architecture(DamageUNet, DamageUNetConfig, "damage"),
    "dcgan": Architecture(Dcgan, DcganConfig, "generate", "dcgan_judge"),
    "resnet": Architecture(ResNetGenerator, ResNetConfig, "generate", "resnet_judge"),
    "growing": Architecture(Growing, GrowingConfig, "generate", "growing_judge"),
    "multiscale": Architecture(MultiscaleDiscriminator, PatchDiscriminatorConfig, "judge"),
    "dcgan_judge": Architecture(DcganDiscriminator, DcganDiscriminatorConfig, "judge"),
    "resnet_judge": Architecture(ResNetDiscriminator, ResNetDiscriminatorConfig, "judge"),
    "growing_judge": Architecture(GrowingDiscriminator, GrowingDiscriminatorConfig, "judge"),
}


_KINDS: dict[Any, tuple[type, ...]] = {int: (int,), bool: (bool,), float: (int, float), str: (str,)}


def find_architecture(name: str) -> Architecture:
    """Look a name up.

    Raises:
        RequestError: There is no architecture of that name.
    """
    if name not in ARCHITECTURES:
        raise RequestError(
            f"There is no architecture {name!r}; the registry has {', '.join(ARCHITECTURES)}."
        )
    return ARCHITECTURES[name]


def build_network(name: str, config: Mapping[str, Any]) -> nn.Module:
    """Make the network ``name`` with the given fields of its config, the rest at their defaults.

    Raises:
        RequestError: Unknown architecture or field, or a value that the field does not allow.
    """
    architecture = find_architecture(name)
    fields = {field.name for field in dataclasses.fields(architecture.config)}
    unknown = sorted(set(config) - fields)
    if unknown:
        raise RequestError(
            f"Architecture {name!r} has no field {unknown[0]!r}; it has {', '.join(sorted(fields))}."
        )
    for field, hint in get_type_hints(architecture.config).items():
        if hint in _KINDS and type(config.get(field, hint())) not in _KINDS[hint]:
            raise RequestError(f"{name}.{field} = {config[field]!r} is no {hint.__name__}.")
        allowed = get_args(hint)
        if get_origin(hint) is Literal and field in config and config[field] not in allowed:
            choices = ", ".join(map(str, allowed))
            raise RequestError(f"{name}.{field} = {config[field]!r} is none of {choices}.")
    return architecture.network(architecture.config(**config))
