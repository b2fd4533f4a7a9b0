"""Filling the holes of a picture: crops around them go through the network, and only the hole is pasted back.

Guarantees: the size, the depth, alpha and metadata stay; where the mask is 0 the pixels are the same
bits; the picture given is not changed. Nothing here opens files or looks for weights.
"""

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from remend.models.checkpoints.checkpoint import Card
from remend.models.device import Placement
from remend.models.errors import OptionError, RequestError
from remend.models.imaging.picture import Mask, Picture, Pixels, from_unit, to_unit
from remend.models.inference.contracts import OUR_TRAITS, FillNetwork, FillTraits
from remend.models.inference.known.structure import complete_structure
from remend.models.inference.known.texture_transfer import transfer_texture
from remend.models.inference.pace import Pace, measure_pace
from remend.models.inference.regions import Box, Region, composite, feather_mask, plan_regions
from remend.models.inference.tone import tone_fill
from remend.models.progress import NO_PROGRESS, Progress, SubProgress

_PACE_PX = 96, 192, 352  # sides of crops whose time is taken: the first, and one of the others


@dataclass(frozen=True, slots=True)
class FillOptions:
    """How holes are filled.

    Attributes:
        detail: 0 = the likeliest colours, 1 = with texture, the network's own and what is copied from the
            known surroundings.
        feather_px: Width of a soft edge outside the mask.
    """

    detail: float = 1.0
    feather_px: int = 0


@dataclass(frozen=True, slots=True)
class FilledPatch:
    """A changed rectangle of a picture: its corner, its pixels (h, w, 3), and whether its hole is thick."""

    left: int
    top: int
    rgb: Pixels
    is_thick: bool = False


class Inpainter:
    """A network that fills holes, ready to run.

    Args:
        network: In float32 and evaluation mode.
        card: What the weights say about themselves.
        placement: Where and in which precision to run.
        traits: See `FillTraits`.

    Its weights must not change afterwards: networks made for a detail are cached.
    """

    def __init__(
        self,
        network: FillNetwork,
        card: Card,
        placement: Placement,
        traits: FillTraits = OUR_TRAITS,
    ) -> None:
        self.traits = traits
        self.network = network.to(placement.device, memory_format=torch.channels_last)
        self.card, self.placement = card, placement
        self._at_detail = functools.lru_cache(2)(self.network.at_detail)
        self._pace = functools.lru_cache(4)(self._measure_pace)

    def restore(
        self,
        picture: Picture,
        mask: Mask,
        options: FillOptions | None = None,
        *,
        progress: Progress = NO_PROGRESS,
        thick: "Inpainter | None" = None,
    ) -> Picture:
        """Fill a picture where its mask says so.

        Args:
            picture: Of any size.
            mask: Of the same size; an empty one gives the picture back, with a note.
            options: See `FillOptions`.
            progress: Told of every crop.
            thick: What fills the thick holes in its place; a note says how many these were.

        Raises:
            RequestError: The mask has another size, or covers everything.
            OptionError: The soft edge covers everything that the mask left known.
            Cancelled: The user asked for it.
        """
        if mask.size == picture.size and mask.is_empty:
            notes = (*picture.meta.notes, *mask.notes, "The mask is empty: nothing was filled.")
            return dataclasses.replace(picture, meta=dataclasses.replace(picture.meta, notes=notes))
        rgb = picture.rgb.copy()
        patches = self.fill_patches(picture, mask, options, progress=progress, thick=thick)
        for patch in patches:
            height, width = patch.rgb.shape[:2]
            rgb[patch.top : patch.top + height, patch.left : patch.left + width] = patch.rgb
        notes = (*picture.meta.notes, *mask.notes)
        if thick is not None:
            notes = (*notes, self._describe_shares(patches, thick))
        return dataclasses.replace(
            picture, rgb=rgb, meta=dataclasses.replace(picture.meta, notes=notes)
        )

    def fill_patches(
        self,
        picture: Picture,
        mask: Mask,
        options: FillOptions | None = None,
        *,
        progress: Progress = NO_PROGRESS,
        thick: "Inpainter | None" = None,
    ) -> list[FilledPatch]:
        """As `restore`, but only the rectangles that changed."""
        options = options or FillOptions()
        check_mask(mask, picture.size)
        if mask.is_empty:
            return []
        mask = feather_mask(mask, options.feather_px)
        if mask.covers_everything:
            problem = "reaches every pixel that the mask left known"
            raise OptionError("feather", options.feather_px, problem, "a smaller one")
        regions = self._plan(mask, thick)
        rgb = picture.rgb.copy()
        missing = mask.values > 0
        for done, region in enumerate(regions):
            part = SubProgress(progress, done / len(regions), (done + 1) / len(regions))
            note = f"hole {done + 1} of {len(regions)}"
            filler = thick if thick is not None and region.is_thick else self
            filled = filler._fill_region(rgb, missing, region, options.detail, part, note)
            hole = region.hole.slices
            inner = region.hole.inside(region.crop).slices
            fill = from_unit(filled, rgb.dtype)[inner]
            # Other regions' holes lie outside this one's box: what is pasted here is context for them.
            rgb[hole] = np.where(missing[hole][..., None], fill, rgb[hole])
            missing[hole] = False
        progress.update(1, 1)
        return [cut_patch(picture.rgb, rgb, mask, region) for region in regions]

    def _plan(self, mask: Mask, thick: "Inpainter | None") -> list[Region]:
        sizes = None if thick is None else thick.traits.sizes
        return plan_regions(mask, self.traits.sizes, sizes)

    def _describe_shares(self, patches: Sequence[FilledPatch], thick: "Inpainter") -> str:
        """Which model filled what, as a sentence."""
        count = sum(patch.is_thick for patch in patches)
        parts = [(count, "thick", thick.card.name), (len(patches) - count, "thin", self.card.name)]
        said = [
            f"{number} {kind} {'hole' if number == 1 else 'holes'} by {name}"
            for number, kind, name in parts
            if number
        ]
        return f"Filled: {' and '.join(said)}."

    def estimate_seconds(
        self, mask: Mask, detail: float, *, thick: "Inpainter | None" = None
    ) -> float:
        """Seconds that a photo with that mask will take; the first call fills two small holes."""
        if mask.is_empty or mask.covers_everything:
            return 0.0
        regions = self._plan(mask, thick)
        seconds = self._estimate([region for region in regions if not region.is_thick], detail)
        if thick is None:
            return seconds
        return seconds + thick._estimate([region for region in regions if region.is_thick], detail)

    def _estimate(self, regions: Sequence[Region], detail: float) -> float:
        if not regions:
            return 0.0
        costs = [region.cost for region in regions]
        larger = _PACE_PX[1:]
        side = next((side for side in larger if side**2 >= max(costs)), larger[-1])
        if self.traits.sizes.is_fixed:
            side = _PACE_PX[0]
        pace = self._pace(min(detail, 1e-3), side)  # all of the texture's work, or none of it
        return sum(pace.seconds(cost) for cost in costs)

    def _measure_pace(self, detail: float, large: int) -> Pace:
        random = np.random.default_rng(0)

        def run(side: int) -> None:
            rgb = random.integers(0, 256, (side, side, 3), dtype=np.uint8)
            third = side // 3
            hole = Box(third, third, 2 * third, 2 * third)
            missing = np.zeros((side, side), np.bool_)
            missing[hole.slices] = True
            region = Region(hole, Box(0, 0, side, side), 1.0)
            self._fill_region(rgb, missing, region, detail, NO_PROGRESS, "")

        return measure_pace(run, _PACE_PX[0], large)

    def _fill_region(
        self,
        rgb: Pixels,
        missing: NDArray[np.bool_],
        region: Region,
        detail: float,
        progress: Progress,
        note: str,
    ) -> Tensor:
        """The region's crop, filled: (1, 3, h, w) in [-1, 1]; known pixels may differ a little."""
        # Two halves, between which the user can cancel: the network, and the search for texture.
        progress.update(0, 2, note)
        crop = region.crop.slices
        photo = to_unit(rgb[crop])
        hole = torch.as_tensor(missing[crop].astype(np.float32))[None, None]
        small, small_hole = photo, hole
        if region.reduction > 1:
            size = [max(8, round(side / region.reduction)) for side in photo.shape[-2:]]
            small, small_hole = reduce_known(photo, hole, size)
        filled = self._run(small, small_hole, detail, exact=rgb.dtype == np.uint16)
        progress.update(1, 2, note)
        if detail > 0 and not self.traits.has_texture:
            structure = complete_structure(filled, small_hole)
            if structure is not None:
                completed, share = structure
                filled = torch.lerp(filled, completed, detail * share)
        has_texture = self.traits.has_texture or self.network.copies_texture
        textured = transfer_texture(
            photo, hole, filled, small_hole, detail, has_texture=has_texture
        )
        return tone_fill(small, small_hole, textured, hole)

    @torch.inference_mode()
    def _run(self, photo: Tensor, hole: Tensor, detail: float, *, exact: bool) -> Tensor:
        """Pad to a multiple of what the network accepts, run it, cut the padding off."""
        height, width = photo.shape[-2:]
        multiple = self.network.multiple
        pads = (0, -width % multiple, 0, -height % multiple)
        mode = "reflect" if width > pads[1] and height > pads[3] else "replicate"
        photo, hole = (F.pad(x, pads, mode=mode) for x in (photo, hole))
        network, placement = self._at_detail(detail), self.placement
        if exact:  # 16-bit pictures have more steps than 16-bit arithmetic
            placement = dataclasses.replace(placement, dtype=torch.float32)

        def run(where: Placement) -> Tensor:
            with where.autocast():
                filled = network(photo.to(where.device), hole.to(where.device)).refined
            return filled[..., :height, :width].float().cpu()

        filled = run(placement)
        if not bool(filled.isfinite().all()):
            filled = run(dataclasses.replace(placement, dtype=torch.float32))
        return filled.clamp(-1, 1)


def check_mask(mask: Mask, size: tuple[int, int]) -> None:
    """Raise a RequestError for a mask that cannot belong to a picture of that width and height."""
    if mask.size != size:
        raise RequestError(
            f"The mask has {mask.size[0]} x {mask.size[1]} px, the photo {size[0]} x {size[1]} px; "
            "they must be the same."
        )
    if mask.covers_everything:
        raise RequestError(
            "The mask covers the whole photo, so there is nothing to fill from; "
            "leave some of it black, or invert the mask."
        )


def reduce_known(photo: Tensor, hole: Tensor, size: list[int]) -> tuple[Tensor, Tensor]:
    """Reduce a crop by area so that no hole pixel colours a known one.

    Returns:
        The photo (1, 3, *size), and the hole (1, 1, *size): 1 where less than half was known.
    """
    known = 1 - hole
    share = F.interpolate(known, size, mode="area")
    small = F.interpolate(photo * known, size, mode="area") / share.clamp_min(1e-6)
    return small, (share < 0.5).float()


def cut_patch(before: Pixels, after: Pixels, mask: Mask, region: Region) -> FilledPatch:
    """A region's rectangle with the fill pasted as the mask says."""
    box, part = region.hole, region.hole.slices
    pasted = composite(before[part], after[part], mask.values[part])
    return FilledPatch(box.left, box.top, pasted, region.is_thick)
