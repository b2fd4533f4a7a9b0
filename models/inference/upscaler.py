"""Enlarging a picture: tiles through the network, alpha and grey beside it, any target size.

The network enlarges by its own whole factor; Lanczos resampling does what is
beyond or below that. Nothing here opens files, looks for weights or knows batches.
"""

import dataclasses
import functools
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from remend.models.checkpoints.checkpoint import Card
from remend.models.device import Placement
from remend.models.errors import InputError
from remend.models.imaging.opencv import load_opencv
from remend.models.imaging.picture import Picture, Pixels, from_unit, to_unit
from remend.models.inference.contracts import UpscaleNetwork
from remend.models.inference.pace import Pace, measure_pace
from remend.models.inference.tiling import Tiling, measure_halo, paste_tile, plan_tiles
from remend.models.inference.tone import GREY, find_tone, tone_enlarged
from remend.models.progress import NO_PROGRESS, Progress

TILE_PX = 256
"""Side of a tile's core in low-resolution pixels: large against its halo, small against memory."""
SMALLEST_TILE_PX = 32
_SMALL_PX = 64  # side of the smaller of two tiles whose time is taken
DEFAULT_DETAIL = DEFAULT_DENOISE = 0.5
LANCZOS, BICUBIC = Image.Resampling.LANCZOS, Image.Resampling.BICUBIC
BILINEAR = Image.Resampling.BILINEAR


@dataclass(frozen=True, slots=True)
class UpscaleOptions:
    """How a picture is enlarged.

    Attributes:
        size: Width and height of the result; None = the model's own scale.
        detail: 0 = the faithful stage alone, 1 = all that the refine stage adds.
        denoise: 0 = noise is kept, 1 = all of it is removed; for models that take an amount.
        tta: Test-time augmentation: the mean over the eight flips and quarter turns of each tile.
        tile_px: Side of a tile's core in input pixels; None = automatic, 0 = the whole picture.
    """

    size: tuple[int, int] | None = None
    detail: float = DEFAULT_DETAIL
    denoise: float = DEFAULT_DENOISE
    tta: bool = False
    tile_px: int | None = None


class Upscaler:
    """A network that enlarges by ``card.scale``, ready to run.

    Args:
        network: In float32 and evaluation mode.
        card: What the weights say about themselves.
        placement: Where and in which precision to run.
        tiling: How to cut pictures; None = with a halo that is measured here.
    """

    def __init__(
        self,
        network: UpscaleNetwork,
        card: Card,
        placement: Placement,
        tiling: Tiling | None = None,
    ) -> None:
        self.network = network.to(placement.device, memory_format=torch.channels_last)
        self.card, self.placement = card, placement
        if tiling is None:
            if self.network.receptive_radius is None:
                raise ValueError("a network of unknown receptive radius needs a tiling")
            halo_px = measure_halo(self.network, self.network.receptive_radius, card.scale)
            tiling = Tiling(TILE_PX, halo_px)
        self.tiling = tiling
        self._pace = functools.lru_cache(8)(self._measure_pace)

    def restore(
        self,
        picture: Picture,
        options: UpscaleOptions | None = None,
        *,
        progress: Progress = NO_PROGRESS,
    ) -> Picture:
        """Enlarge a picture; alpha, depth, greyness and metadata are kept.

        Args:
            picture: Of any size from 1 x 1.
            options: See `UpscaleOptions`.
            progress: Told of every tile.

        Returns:
            A new picture of ``options.size``; what was unusual is in its notes.

        Raises:
            InputError: Memory does not suffice even for the smallest tiles, or the weights give no numbers.
            Cancelled: The user asked for it.
        """
        options = options or UpscaleOptions()
        scale, notes = self.card.scale, list[str]()
        if options.detail != DEFAULT_DETAIL and not self.network.config.refine:
            notes.append(
                "This model has no refine stage; the detail that was asked for has no effect."
            )
        if scale == 1 and options.size not in (None, picture.size):
            notes.append("This model keeps the size; the enlargement is Lanczos resampling.")
        if options.denoise != DEFAULT_DENOISE and not self.network.config.denoise:
            notes.append(
                "This model's denoising cannot be set; the value that was asked for has no effect."
            )
        rgb = picture.rgb if picture.alpha is None else spread_colours(picture.rgb, picture.alpha)
        large = self._enlarge(rgb, options, notes, progress)
        size = options.size or (picture.width * scale, picture.height * scale)
        # Lanczos would dip on the opaque side of an edge; bicubic only overshoots, which is clipped.
        alpha = None if picture.alpha is None else resize(picture.alpha, size, BICUBIC)
        meta = dataclasses.replace(picture.meta, notes=(*picture.meta.notes, *notes))
        return Picture(resize(large, size), alpha, meta)

    def estimate_seconds(self, size: tuple[int, int], options: UpscaleOptions) -> float:
        """Seconds that a photo of that width and height will take; the first call runs two tiles."""
        tile_px = self.tiling.choose_core(options.tile_px)
        tiles = plan_tiles(*size, tile_px, self.tiling.halo_px)
        pixels = [tile.window.width * tile.window.height for tile in tiles]
        side = min(TILE_PX + 2 * self.tiling.halo_px, max(96, round(max(pixels) ** 0.5 / 64) * 64))
        if self.tiling.is_fixed:
            side = self.tiling.core_px
        pace = self._pace(min(options.detail, 1e-3), side)  # all of the refine stage, or none of it
        seconds = sum(pace.seconds(count) for count in pixels)
        return seconds * (8 if options.tta else 1)

    def _measure_pace(self, detail: float, side: int) -> Pace:
        random = torch.Generator().manual_seed(0)

        def run(side: int) -> None:
            tile = torch.rand(1, 3, side, side, generator=random) * 2 - 1
            from_unit(self._run_once(tile, UpscaleOptions(detail=detail), exact=False), np.uint8)

        return measure_pace(run, side if self.tiling.is_fixed else _SMALL_PX, side)

    def tile_bytes(self, tile_px: int) -> int:
        """Roughly what a tile costs while it is computed: six layers' worth of fp32, as measured."""
        side = tile_px + 2 * self.tiling.halo_px
        return 24 * self.network.config.width * side**2

    def _enlarge(
        self, rgb: Pixels, options: UpscaleOptions, notes: list[str], progress: Progress
    ) -> Pixels:
        """All tiles, in smaller ones where memory runs out."""
        tile_px = self.tiling.choose_core(options.tile_px)
        while True:
            try:
                return self._enlarge_by(tile_px, rgb, options, notes, progress)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                smaller = (tile_px or max(rgb.shape[:2])) // 2
                if smaller < SMALLEST_TILE_PX:
                    raise InputError(
                        f"Memory does not suffice for {rgb.shape[1]} x {rgb.shape[0]} px at "
                        f"x{self.card.scale}, even in tiles of {tile_px} px; close other programs "
                        "or choose a smaller factor."
                    ) from error
                notes.append(f"Memory ran out with tiles of {tile_px} px; used {smaller} px.")
                tile_px = smaller

    def _enlarge_by(
        self,
        tile_px: int,
        rgb: Pixels,
        options: UpscaleOptions,
        notes: list[str],
        progress: Progress,
    ) -> Pixels:
        height, width = rgb.shape[:2]
        scale = self.card.scale
        large = np.empty((height * scale, width * scale, 3), rgb.dtype)
        tiles = plan_tiles(width, height, tile_px, self.tiling.halo_px)
        tone = find_tone(rgb)
        if tone is not GREY and not (self.network.config.refine and options.detail):
            tone = None  # the faithful stage keeps the photo's own colours
        # 16-bit pictures have more steps than 16-bit arithmetic.
        exact = rgb.dtype == np.uint16 or self.placement.dtype == torch.float32
        redone = 0
        for done, tile in enumerate(tiles):
            progress.update(done, len(tiles), f"tile {done + 1} of {len(tiles)}")
            pixels = to_unit(rgb[tile.window.slices])
            enlarged = self._run(pixels, options, exact=exact)
            if is_broken(enlarged, pixels):
                if not exact:
                    enlarged = self._run(pixels, options, exact=True)
                    redone += 1
                if not bool(enlarged.isfinite().all()):
                    raise InputError(
                        f"The network of {self.card.name or 'these weights'} gives no numbers for this "
                        "photo, not even in fp32; choose another model."
                    )
            if tone is not None:
                enlarged = tone_enlarged(tone, pixels, enlarged.float().cpu())
            paste_tile(large, from_unit(enlarged, rgb.dtype), tile, scale, self.tiling.blend_px)
        progress.update(len(tiles), len(tiles))
        if redone == 1:
            notes.append("1 tile was computed again in fp32: the first try overflowed.")
        elif redone:
            notes.append(f"{redone} tiles were computed again in fp32: the first try overflowed.")
        return large

    def _run(self, pixels: Tensor, options: UpscaleOptions, *, exact: bool) -> Tensor:
        if not options.tta:
            return self._run_once(pixels, options, exact=exact)
        total: Tensor | float = 0.0
        for turns, mirrored in itertools.product(range(4), (False, True)):
            view = pixels.rot90(turns, (2, 3))
            enlarged = self._run_once(view.flip(3) if mirrored else view, options, exact=exact)
            total = (
                total + (enlarged.flip(3) if mirrored else enlarged).rot90(-turns, (2, 3)).float()
            )
        return torch.as_tensor(total) / 8

    @torch.inference_mode()
    def _run_once(self, pixels: Tensor, options: UpscaleOptions, *, exact: bool) -> Tensor:
        placement = self.placement
        amount = [torch.tensor([options.denoise])] if self.network.config.denoise else []
        if exact:
            placement = dataclasses.replace(placement, dtype=torch.float32)
        network, device = self.network.at_detail(options.detail), placement.device
        with placement.autocast():
            stages = network(pixels.to(device), *(x.to(device) for x in amount))
        coarse, refined = stages.coarse, stages.refined
        return coarse if refined is coarse else torch.lerp(coarse, refined, options.detail)


def is_broken(enlarged: Tensor, pixels: Tensor) -> bool:
    """Whether a tile is not finite, or black where its photo is not: what an overflow leaves."""
    if not bool(enlarged.isfinite().all()):
        return True
    return float(enlarged.max()) < -0.99 and float(pixels.max()) > -0.9


def is_out_of_memory(error: Exception) -> bool:
    """Whether torch or Python ran out of memory; torch's CPU allocator only says so in words."""
    words = ("out of memory", "not enough memory", "can't allocate memory")
    kinds = (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, kinds) or any(word in str(error).lower() for word in words)


def spread_colours(rgb: Pixels, alpha: Pixels) -> Pixels:
    """Give wholly transparent pixels the colour of the nearest other one.

    Their own colour, often black, would otherwise bleed into the edge when the picture is enlarged.
    """
    clear: NDArray[np.uint8] = (alpha == 0).astype(np.uint8)
    if not clear.any() or clear.all():
        return rgb
    cv2 = load_opencv()
    _, labels = cv2.distanceTransformWithLabels(
        clear, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    labels = np.asarray(labels, np.int32)
    colours = np.zeros((int(labels.max()) + 1, 3), rgb.dtype)
    shown = clear == 0
    colours[labels[shown]] = rgb[shown]
    return colours[labels]


def resize(
    values: Pixels,
    size: tuple[int, int],
    resampling: Image.Resampling = LANCZOS,
    box: tuple[float, float, float, float] | None = None,
) -> Pixels:
    """Pillow's resize of (H, W) or (H, W, 3) to (width, height); antialiased where it reduces.

    Args:
        values: 8 or 16 bits.
        size: Width and height of the result.
        resampling: Pillow's filter.
        box: Which part of ``values`` becomes the result: left, top, right, bottom; None = all. The filter
            reaches beyond it, so that parts fit together without a seam.
    """
    if box is None and (values.shape[1], values.shape[0]) == size:
        return values
    if values.dtype == np.uint8:
        return np.asarray(Image.fromarray(values).resize(size, resampling, box))

    def one(channel: NDArray[Any]) -> Pixels:  # Pillow has no 16-bit colour
        image = Image.fromarray(channel.astype(np.float32)).resize(size, resampling, box)
        return np.asarray(image).round().clip(0, 65535).astype(np.uint16)

    if values.ndim == 2:
        return one(values)
    return np.stack([one(values[..., i]) for i in range(3)], axis=2)
