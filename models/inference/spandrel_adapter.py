"""Weights of other makers' architectures, made into networks that our restorers can run.

Spandrel (the extra ``community``) tells the architecture from the tensors and builds it; here its networks
get the conventions of our own: RGB in [-1, 1], several outputs, mask 1 = fill. Tiles, crops, compositing and
detail are the restorers' and the same for every network.
"""

import dataclasses
import importlib
import importlib.util
import warnings
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from remend.models.checkpoints.card import Card
from remend.models.checkpoints.planning import Planning, sketch
from remend.models.checkpoints.torchvision import import_torchvision
from remend.models.checkpoints.untrusted import candidate_names, read_untrusted
from remend.models.device import Placement
from remend.models.errors import PassingError, RequestError
from remend.models.generators.community import CommunityConfig
from remend.models.inference.contracts import FillTraits
from remend.models.inference.regions import WorkSizes
from remend.models.inference.tiling import Tiling
from remend.models.inference.upscaler import is_out_of_memory

SUPPORTED = Tiling(core_px=256, halo_px=32, blend_px=8)
"""How pictures are cut for networks whose receptive field is not known."""
DISCOURAGED = Tiling(core_px=512, halo_px=64, blend_px=32)
"""For networks whose authors advise against tiles: large ones, so that memory still suffices."""
INTERNAL = Tiling(core_px=0, halo_px=0, blend_px=0)
"""For networks that cut pictures up themselves."""

LAMA = FillTraits(WorkSizes(work_px=768, thick_px=300), has_texture=True)
"""Its Fourier layers see the whole of a crop; beyond this side it costs more than 2 GB."""
OTHER_FILLS = FillTraits(WorkSizes(work_px=512, thick_px=200), has_texture=True)

FACE_NAMES = frozenset({"position_emb", "feat_emb.weight", "idx_pred_layer.1.weight"})
"""Tensors of CodeFormer, whose licence keeps it out of spandrel."""

TASKS = {"SR": "upscale", "Restoration": "upscale", "Inpainting": "fill"}


class Outputs(NamedTuple):
    """What our generators return; these networks have one stage, so both are the same picture."""

    coarse: Tensor
    refined: Tensor


class Named(Protocol):
    """A thing of spandrel's that has a name."""

    name: str


class SizeRequirements(Protocol):
    """The sides, in px, that a network of spandrel accepts."""

    minimum: int
    multiple_of: int
    square: bool


class Descriptor(Protocol):
    """What spandrel says about a network and how it runs it; the part of it that is used here."""

    model: nn.Module
    architecture: Named
    purpose: str
    tags: list[str]
    scale: int
    input_channels: int
    output_channels: int
    size_requirements: SizeRequirements
    tiling: Named
    supports_half: bool
    supports_bfloat16: bool

    def __call__(self, image: Tensor, mask: Tensor = ..., /) -> Tensor:
        """Restore an image in [0, 1], which it pads to the sizes that the network accepts."""
        ...


class CommunityNetwork(nn.Module):
    """A network of spandrel behind our conventions.

    Args:
        descriptor: Spandrel's; pads to the sizes that its network accepts and clips to its range.
    """

    multiple = 1
    """Any height and width is accepted."""
    copies_texture = False
    receptive_radius: int | None = None
    """Unknown."""

    def __init__(self, descriptor: Descriptor) -> None:
        super().__init__()
        self.config = CommunityConfig(scale=descriptor.scale)
        self.network = descriptor.model
        self._run = descriptor
        self.channels = descriptor.input_channels
        self.multiple_of_px = descriptor.size_requirements.multiple_of
        self._halves = {
            torch.float16: bool(descriptor.supports_half),
            torch.bfloat16: bool(descriptor.supports_bfloat16),
        }
        tilings = {"SUPPORTED": SUPPORTED, "DISCOURAGED": DISCOURAGED, "INTERNAL": INTERNAL}
        self.tiling = tilings[descriptor.tiling.name]
        self.fill_traits = LAMA if descriptor.architecture.name == "LaMa" else OTHER_FILLS

    def suit(self, placement: Placement) -> Placement:
        """Where and how it runs of what was asked for: in the types that its authors found to work."""
        if self._halves.get(placement.dtype, True):
            return placement
        reason = f"fp32: {self._run.architecture.name} does not compute in 16 bits of this kind"
        return dataclasses.replace(placement, dtype=torch.float32, reason=reason)

    def at_detail(self, _detail: float) -> "CommunityNetwork":
        """Itself: these networks have one stage."""
        return self

    def forward(self, image: Tensor, mask: Tensor | None = None) -> Outputs:
        """Restore an image (1, 3, H, W) in [-1, 1]; those that fill take a mask (1, 1, H, W)."""
        unit = (image.float() + 1) / 2
        if self.channels == 1:
            unit = unit.mean(1, keepdim=True)
        output = self._run(unit) if mask is None else self._run(unit, mask.float())
        picture = output.float().expand(-1, 3, -1, -1) * 2 - 1
        return Outputs(picture, picture)


class CommunityWeights(NamedTuple):
    """What is known of a file before its network is built."""

    spandrel: Any
    tensors: dict[str, Tensor]
    card: Card


def read_card_of(path: Path) -> Card:
    """The card that a community file would have; its network is planned, and not built.

    Raises:
        RequestError: As `open_community`.
    """
    return plan_community(path).card


def open_community(path: Path) -> tuple[CommunityNetwork, Card]:
    """Rebuild a community network in float32 on the CPU, in evaluation mode.

    Raises:
        RequestError: As `read_untrusted`; or spandrel is missing, does not know the architecture, or knows
            it for a task that Remend does not have.
    """
    spandrel, tensors, card = plan_community(path)
    try:
        descriptor: Descriptor = spandrel.MAIN_REGISTRY.load(tensors)
    except Exception as error:  # values, too, are of unknown origin
        raise _damaged(path, error) from error
    return CommunityNetwork(descriptor).float().eval(), card


def plan_community(path: Path) -> CommunityWeights:
    """Find the architecture of a file and compare its network with the file, without building it.

    Raises:
        RequestError: As `open_community`.
    """
    spandrel = _import_spandrel(path)
    tensors = read_untrusted(path)
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    for named in candidate_names(tensors):
        try:
            planning = Planning(len(named), size)
            with planning, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                descriptor: Descriptor = spandrel.MAIN_REGISTRY.load(sketch(named))
            planning.check_network(descriptor.model)
        except spandrel.UnsupportedModelError:
            continue
        except Exception as error:  # detection reads shapes of unknown origin
            raise _damaged(path, error) from error
        return CommunityWeights(spandrel, named, _describe(descriptor, path))
    if tensors.keys() >= FACE_NAMES:
        raise _needs_faces(path, "CodeFormer")
    raise RequestError(
        f"{path} holds {len(tensors)} tensors of no architecture that Remend or spandrel knows; "
        "use weights for super-resolution or inpainting."
    )


def _needs_faces(path: Path, architecture: str) -> RequestError:
    return RequestError(
        f"{path} holds {architecture}, which restores faces that were cut out and turned upright, and Remend "
        "does not look for faces; use weights for super-resolution or inpainting."
    )


def _damaged(path: Path, error: Exception) -> RequestError:
    if is_out_of_memory(error):
        return PassingError(
            f"{path} cannot be opened: memory does not suffice; close other programs and try again."
        )
    return RequestError(
        f"{path} is damaged: its tensors do not make a network ({_first_line(error)}); "
        "get the file again."
    )


def _import_spandrel(path: Path) -> Any:
    if importlib.util.find_spec("spandrel") is None:
        raise PassingError(
            f"{path} was not made by Remend and needs the extra 'community': "
            "pip install 'remend[community]'."
        )
    import_torchvision()
    spandrel = importlib.import_module("spandrel")
    # MAT and others under non-commercial licences; a user who installs them has agreed to those.
    if importlib.util.find_spec("spandrel_extra_arches") is not None:
        importlib.import_module("spandrel_extra_arches").install(ignore_duplicates=True)
    return spandrel


def _describe(descriptor: Descriptor, path: Path) -> Card:
    """The card that such a file would have."""
    architecture = descriptor.architecture.name
    if descriptor.purpose == "FaceSR":
        raise _needs_faces(path, architecture)
    if descriptor.purpose not in TASKS:
        raise RequestError(
            f"{path} holds {architecture}, which is for {descriptor.purpose} and neither fills nor "
            "upscales photos; use weights for super-resolution or inpainting."
        )
    channels = descriptor.input_channels, descriptor.output_channels
    if not {*channels} <= {1, 3}:
        raise RequestError(
            f"{path} holds {architecture} for {channels[0]} channels in and {channels[1]} out; "
            "use weights for grey or RGB pictures."
        )
    sizes = descriptor.size_requirements
    return Card(
        task=TASKS[descriptor.purpose],
        architecture=architecture,
        config={
            "tags": list(descriptor.tags),
            "channels": channels,
            "minimum_px": sizes.minimum,
            "multiple_of_px": sizes.multiple_of,
            "square": sizes.square,
            "tiling": descriptor.tiling.name.lower(),
            "fp16": descriptor.supports_half,
            "bf16": descriptor.supports_bfloat16,
        },
        name=path.stem,
        scale=descriptor.scale,
        value_range=(0.0, 1.0),
        licence="ask its maker",
        run={"read_by": "spandrel"},
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
