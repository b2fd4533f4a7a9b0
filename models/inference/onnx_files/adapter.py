"""Networks of ONNX files, made into networks that our restorers can run.

As those of spandrel (``models.inference.spandrel_adapter``) they get the conventions of our own. The card is
made of what the file says and of a run on a small picture; how pictures are given to it is found at its first
use, since networks of one size only may take seconds.
"""

import dataclasses
import functools
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from remend.models.checkpoints.card import CARD_KEY, MAKER, Card
from remend.models.checkpoints.onnx_file import check_onnx
from remend.models.device import Placement
from remend.models.errors import InputError, PassingError, RequestError
from remend.models.inference.contracts import FillTraits
from remend.models.inference.onnx_files.probing import (
    Convention,
    Sizes,
    find_convention,
    find_sizes,
    run,
)
from remend.models.inference.onnx_files.session import (
    RunError,
    Session,
    is_installed,
)
from remend.models.inference.onnx_files.signature import Signature, read_signature
from remend.models.inference.regions import WorkSizes
from remend.models.inference.spandrel_adapter import (
    OTHER_FILLS,
    SUPPORTED,
    CommunityConfig,
    Outputs,
)
from remend.models.inference.tiling import Tiling

_CPU = torch.device("cpu")


class OnnxNetwork(nn.Module):
    """A network of an ONNX file behind our conventions.

    Args:
        session: The network.
        signature: Its inputs.
        sizes: What it accepts; None = found at its first use.
    """

    multiple = 1
    """Any height and width is accepted."""
    copies_texture = False
    receptive_radius: int | None = None
    """Unknown."""

    def __init__(self, session: Session, signature: Signature, sizes: Sizes | None) -> None:
        super().__init__()
        self.config = CommunityConfig()
        self._session, self._signature, self._sizes = session, signature, sizes
        self.tiling, self.fill_traits = SUPPORTED, OTHER_FILLS
        if (fixed := signature.fixed_size) is not None:
            side = min(fixed)
            halo_px = min(SUPPORTED.halo_px, side // 4)
            blend_px = min(SUPPORTED.blend_px, halo_px)
            self.tiling = Tiling(side - 2 * halo_px, halo_px, blend_px, is_fixed=True)
            work = WorkSizes(side, round(0.4 * side), is_fixed=True)
            self.fill_traits = FillTraits(work, has_texture=True)

    def suit(self, placement: Placement) -> Placement:
        """Where and how it runs of what was asked for: files compute in their own types."""
        if placement.device.type != "cpu" and not self._session.uses_gpu:
            reason = f"fp32: this ONNX Runtime does not compute on {placement.device.type}"
            return Placement(_CPU, torch.float32, reason)
        if placement.dtype == torch.float32:
            return placement
        reason = "fp32: ONNX files compute in their own types"
        return dataclasses.replace(placement, dtype=torch.float32, reason=reason)

    def run_with(self, session: Session) -> None:
        """Take another session of the same file."""
        self._session = session

    def at_detail(self, _detail: float) -> "OnnxNetwork":
        """Itself: these networks have one stage."""
        return self

    def forward(self, image: Tensor, mask: Tensor | None = None) -> Outputs:
        """Restore an image (1, 3, H, W) in [-1, 1]; those that fill take a mask (1, 1, H, W).

        Raises:
            InputError: The network fails.
            MemoryError: Memory does not suffice.
        """
        unit = ((image.float() + 1) / 2).cpu().numpy()
        hole = None if mask is None else mask.float().cpu().numpy()
        height, width = unit.shape[2:]
        self._session.lift_limits()
        try:
            sizes, way = self._found
            size = sizes.fit(height, width)
            pads = [(0, 0), (0, 0), (0, size[0] - height), (0, size[1] - width)]
            padded = [None if x is None else np.pad(x, pads, "reflect") for x in (unit, hole)]
            assert padded[0] is not None
            output = run(self._session, self._signature, way, padded[0], padded[1])
            if output.shape[2:] != (size[0] * sizes.scale, size[1] * sizes.scale):
                raise RunError(f"its output has the shape {output.shape}")
        except RunError as error:
            raise InputError(
                f"{self._session.path.name} does not run on {width} x {height} px ({error}); "
                "choose another model."
            ) from error
        output = output[..., : height * sizes.scale, : width * sizes.scale].clip(0, 1)
        picture = torch.as_tensor(output * 2 - 1)
        return Outputs(picture, picture)

    @functools.cached_property
    def _found(self) -> tuple[Sizes, Convention]:
        sizes = self._sizes or find_sizes(self._session, self._signature)
        return sizes, find_convention(self._session, self._signature, sizes)


def read_onnx_card(path: Path) -> Card:
    """The card that an ONNX file would have; errors as `open_onnx`."""
    _, card, session = _open(path)
    session.close()
    return card


def open_onnx(path: Path, device: torch.device = _CPU) -> tuple[OnnxNetwork, Card]:
    """Open an ONNX file.

    Args:
        path: The file.
        device: Where to run it, if ONNX Runtime can.

    Raises:
        RequestError: ONNX Runtime is missing or does not know the network; the network does not restore
            photos; it takes more memory or time than such a file may.
    """
    network, card, session = _open(path)
    if device.type == "cuda":  # it was checked on the processor, where memory has a limit
        session.close()
        network.run_with(Session(path, device))
    return network, card


def _open(path: Path) -> tuple[OnnxNetwork, Card, Session]:
    check_onnx(path)
    if not is_installed():
        raise PassingError(f"{path} needs the extra 'onnx': pip install 'remend[onnx]'.")
    session = Session(path, _CPU)
    try:
        signature = read_signature(path, session.inputs, session.outputs)
        sizes = _try(path, session, signature)
    except BaseException:
        session.close()
        raise
    fixed, scale = signature.fixed_size, sizes.scale if sizes else 1
    card = Card(
        task="upscale" if signature.mask is None else "fill",
        architecture="ONNX",
        config={
            "inputs": [port.name[:80] for port in (signature.image, signature.mask) if port],
            "channels": signature.channels,
            "type": signature.image.kind,
            "size_px": "any" if fixed is None else [fixed[1], fixed[0]],
        },
        name=path.stem,
        scale=scale,
        value_range=(0.0, 1.0),
        licence="ask its maker",
        run={"read_by": "onnxruntime", **({"made_by": MAKER} if CARD_KEY in session.texts else {})},
    )
    return OnnxNetwork(session, signature, sizes), card, session


def _try(path: Path, session: Session, signature: Signature) -> Sizes | None:
    """Find the factor of a network that enlarges; what fills has none, and may be slow."""
    fixed, stated = signature.fixed_size, signature.stated_scale
    if signature.mask is not None and stated is None:
        return None
    if fixed is not None and stated is None:
        raise RequestError(
            f"{path} accepts {fixed[1]} x {fixed[0]} px only and does not say how large its output is; "
            "export it with the shape of its output."
        )
    try:
        sizes = find_sizes(session, signature)
    except RunError as error:
        raise RequestError(
            f"{path} cannot be used: {error}; use a network for super-resolution or inpainting."
        ) from error
    except MemoryError as error:
        raise session.out_of_memory() from error
    if signature.mask is not None and sizes.scale != 1:
        raise RequestError(
            f"{path} takes a mask and enlarges {sizes.scale} times; use a network that does one of them."
        )
    return sizes
