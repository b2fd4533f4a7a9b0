"""Networks of other makers as training needs them, and their files under their makers' names for tensors.

What is written is a plain safetensors file in float32 without a card of ours: spandrel, and so chaiNNer and
Remend, tell the network from its tensors, as before. How files are opened and run is in
`models.inference.spandrel_adapter`, how they are trained in ``training``.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F

from remend.models.checkpoints.card import Card
from remend.models.checkpoints.lora import merged_tensors
from remend.models.errors import RequestError
from remend.models.generators.community import CommunityConfig
from remend.models.inference.spandrel_adapter import (
    CommunityNetwork,
    Outputs,
    open_community,
    plan_community,
)
from remend.models.storage.atomic import write_atomic

PROBE_PX = 32
MOST_APART = 0.01
"""Mean difference of pictures in [-1, 1]: half precision is nearer, another way of computing is not."""
AT_REST = (
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d),
    *(nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d),
)
"""Layers that stay as in evaluation: a run must not depend on chance, nor statistics on its few crops."""


class TunableCommunity(nn.Module):
    """An upscaler of another maker without spandrel's clipping, through which no gradient would come.

    Args:
        community: As spandrel runs it.
        card: The card that the file would have.
        names: Names of the file's tensors by those of the network's.
    """

    def __init__(self, community: CommunityNetwork, card: Card, names: Mapping[str, str]) -> None:
        super().__init__()
        self.config: CommunityConfig = community.config
        self.network, self.card, self.names = community.network, card, dict(names)
        self.channels, self.multiple_of_px = community.channels, community.multiple_of_px

    def train(self, mode: bool = True) -> "TunableCommunity":
        """Training mode, but for layers that depend on chance or on the batch."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, AT_REST) or type(module).__name__ == "DropPath":
                module.eval()
        return self

    def forward(self, image: Tensor) -> Outputs:
        """Enlarge images (B, 3, H, W) in [-1, 1]; what comes back is not clipped."""
        unit = (image.float() + 1) / 2
        height, width = unit.shape[-2:]
        more = [-side % self.multiple_of_px for side in (width, height)]
        unit = F.pad(unit, (0, more[0], 0, more[1]), "reflect") if any(more) else unit
        if self.channels == 1:
            unit = unit.mean(1, keepdim=True)
        made, scale = self.network(unit).float(), self.config.scale
        made = made[..., : height * scale, : width * scale]
        picture = made.expand(-1, 3, -1, -1) * 2 - 1
        return Outputs(picture, picture)

    def file_tensors(self) -> dict[str, Tensor]:
        """Its weights as they go into a file, an adapter merged into them."""
        tensors = merged_tensors(self.network)
        return {
            self.names.get(name, name): tensor.detach().cpu().clone().contiguous()
            for name, tensor in tensors.items()
        }

    def save(self, path: Path, texts: Mapping[str, str]) -> None:
        """Write the weights, whole or not at all; ``texts`` go into the header."""
        write_atomic(save(self.file_tensors(), {"format": "pt", **texts}), path)


def open_tunable(path: Path) -> TunableCommunity:
    """Open an upscaler of another maker for training.

    Raises:
        RequestError: As `open_community`; or it fills, or computes otherwise when it is trained.
    """
    community, card = open_community(path)
    if card.task != "upscale":
        raise RequestError(
            f"{path} holds {card.architecture}, which fills; of other makers' weights only those that "
            "upscale are fine-tuned. Use the fill that came with Remend."
        )
    network = TunableCommunity(community, card, find_file_names(path, community.network))
    check_trainable(network, community, path)
    return network.train()


def find_file_names(path: Path, network: nn.Module) -> dict[str, str]:
    """Names of a file's tensors by those that spandrel gives them, where it renames them.

    Tensors of the file's shapes with values of their own are given to spandrel; the values say what it called
    each. Empty where not all are found again: then spandrel's own names serve.
    """
    spandrel, tensors, _ = plan_community(path)
    random = torch.Generator().manual_seed(0)
    marked = {
        name: torch.rand(tensor.shape, generator=random)
        if tensor.is_floating_point() and tensor.numel() > 1
        else tensor.clone()
        for name, tensor in tensors.items()
    }
    try:
        renamed = spandrel.MAIN_REGISTRY.load(dict(marked)).model.state_dict()
    except Exception:  # an architecture that looks at values
        return {}
    by_value = {_digest(tensor): name for name, tensor in marked.items()}
    names = {name: by_value.get(_digest(tensor), "") for name, tensor in renamed.items()}
    whole = names.keys() == network.state_dict().keys() and all(names.values())
    return names if whole and len(set(names.values())) == len(names) else {}


def _digest(tensor: Tensor) -> bytes:
    values: Any = tensor.detach().float().contiguous().numpy()
    return hashlib.blake2b(repr(tuple(tensor.shape)).encode() + values.tobytes()).digest()


def check_trainable(network: TunableCommunity, community: CommunityNetwork, path: Path) -> None:
    """Raise a RequestError for a network that no gradient reaches, or that computes otherwise in training."""
    picture = (
        torch.rand(1, 3, PROBE_PX, PROBE_PX, generator=torch.Generator().manual_seed(0)) * 2 - 1
    )
    with torch.no_grad():
        expected = community.eval()(picture).refined
    try:
        made = network.train()(picture).refined
        made.square().mean().backward()
        reached = [p for p in network.parameters() if p.grad is not None]
        apart = float((made.detach().clamp(-1, 1) - expected).abs().mean())
    except RuntimeError:
        reached, apart = [], 1.0
    network.zero_grad(set_to_none=True)
    if not reached or not apart <= MOST_APART:
        raise RequestError(
            f"{path} holds {network.card.architecture}, which computes otherwise when it is trained, so it "
            "is not fine-tuned here; use weights of ESRGAN, RealESRGAN Compact, SPAN or SwinIR."
        )
