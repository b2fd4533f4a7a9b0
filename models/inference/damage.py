"""Finding damage in a photo: the damage network over its tiles at two sizes, and what it means.

`DamageFinder` runs the network once; the `DamageMap` that it gives answers every question afterwards without
it: the mask at any sensitivity, what is in it, and which piece lies at a point. Nothing here fills anything.
"""

import dataclasses
import functools
import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from remend.models.checkpoints.checkpoint import Card
from remend.models.device import Placement
from remend.models.generators.damage import GROUPS
from remend.models.imaging.opencv import load_opencv
from remend.models.imaging.picture import Mask, Picture, Pixels, to_8_bit, to_unit
from remend.models.inference.contracts import DamageNetwork
from remend.models.inference.pace import Pace, measure_pace
from remend.models.inference.tiling import plan_tiles
from remend.models.progress import NO_PROGRESS, Progress, SubProgress

LOOK_PX = 2400
"""Longest side of the picture that is looked at; larger ones are reduced to it."""

_CORE_PX, _HALO_PX = 768, 128
"""Of tiles: multiples of what the network halves its input to, so that tiles agree with the whole."""
_COARSE = (1 / 3, 2 / 3, 1 / 2)
"""Weight of the logits at half the size, of each of `GROUPS`: there more of what is wide is seen at once."""
_SURE = (0.4, 0.6, 0.8)
"""How probable each of `GROUPS` must be somewhere at a sensitivity of one half."""
_SPAN = 5.0
"""From sensitivity 0 to 1 the logits of these probabilities fall by so much."""
_FOLLOW = 2.5
"""A piece reaches as far as its logits stay above the threshold less this."""
_MOST_SHARE = (1.0, 1 / 10, 1 / 10)
"""Of the photo, for a piece of each of `GROUPS`: a wider patch is a sky or a wall that the network takes
for paper, and if it were damage, a fill could only smear over it."""
_LINE_SHARE = 1 / 25
"""Of the longest side: pieces that are longer, and thin, are scratches; others are spots."""


@dataclass(frozen=True, slots=True)
class DamageCount:
    """What a mask of damage holds.

    Attributes:
        scratches: Long thin pieces.
        spots: All other pieces.
        share: Of the photo's pixels that are marked, 0 to 1.
    """

    scratches: int
    spots: int
    share: float


@dataclass(frozen=True, slots=True)
class DamageMap:
    """How probable damage is, everywhere in a photo.

    Attributes:
        size: Width and height of the photo.
        probabilities: (3, h, w) uint8, 255 = certain, of each of `GROUPS`; as large as the photo or
            smaller.
    """

    size: tuple[int, int]
    probabilities: NDArray[np.uint8]

    def mask(self, sensitivity: float) -> Mask:
        """The mask of what is taken for damage, a little wider than that is.

        Args:
            sensitivity: 0 = only what is certain, 1 = much that may be none.
        """
        return self.mask_and_count(sensitivity)[0]

    def mask_and_count(self, sensitivity: float) -> tuple[Mask, DamageCount]:
        """The same, and what it holds."""
        found = self._found(sensitivity)
        return self._enlarge(found), self._count(found)

    def _count(self, found: NDArray[np.bool_]) -> DamageCount:
        cv2 = load_opencv()
        _, _, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8), connectivity=8)
        boxes = np.asarray(stats)[1:]
        lengths = np.hypot(boxes[:, 2], boxes[:, 3])
        thin = boxes[:, 4] < 0.2 * lengths**2
        scratches = int((thin & (lengths > _LINE_SHARE * max(found.shape))).sum())
        return DamageCount(scratches, len(boxes) - scratches, float(found.mean()))

    def piece_at(self, x: int, y: int, sensitivity: float = 1.0) -> Mask:
        """The connected piece of damage at or near a photo's pixel, followed as far as it goes.

        Args:
            x: Column of the photo.
            y: Row of the photo.
            sensitivity: At which it is looked for.

        Returns:
            An empty mask where there is none within a hundredth of the longest side.
        """
        found = self._found(sensitivity)
        height, width = found.shape
        column, row = (
            min(side - 1, at * side // whole)
            for at, side, whole in ((x, width, self.size[0]), (y, height, self.size[1]))
        )
        rows, columns = np.nonzero(found)
        apart = np.hypot(rows - row, columns - column)
        if not len(apart) or apart.min() > max(found.shape) / 100:
            return Mask.from_array(np.zeros(self.size[::-1], bool))
        nearest = int(apart.argmin())
        cv2 = load_opencv()
        _, labels = cv2.connectedComponents(found.astype(np.uint8), connectivity=8)
        labels = np.asarray(labels)
        return self._enlarge(labels == labels[rows[nearest], columns[nearest]])

    def _found(self, sensitivity: float) -> NDArray[np.bool_]:
        """Pixels of the map that belong to a piece that is probable enough somewhere."""
        found = np.zeros(self.probabilities.shape[1:], bool)
        for probabilities, sure, most in zip(self.probabilities, _SURE, _MOST_SHARE, strict=True):
            bar = math.log(sure / (1 - sure)) + _SPAN * (0.5 - sensitivity)
            found |= _follow(probabilities, _level(bar), _level(bar - _FOLLOW), most)
        return found

    def _enlarge(self, found: NDArray[np.bool_]) -> Mask:
        """Pixels of the map as a mask of the photo's size, one pixel wider on every side."""
        cv2 = load_opencv()
        ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
        marked = cv2.dilate(found.astype(np.uint8) * np.uint8(255), ellipse)
        if found.shape[::-1] != self.size:
            marked = cv2.resize(marked, self.size, interpolation=cv2.INTER_LINEAR)
        return Mask.from_array(np.asarray(marked) > 127)


def _level(logit: float) -> int:
    return round(255 / (1 + math.exp(-logit)))


def _follow(
    values: NDArray[np.uint8], seed: int, least: int, most_share: float
) -> NDArray[np.bool_]:
    """Connected pixels of at least ``least`` that hold one of at least ``seed`` (hysteresis, Canny 1986).

    Pieces that take a larger share of the picture than ``most_share`` are left out.
    """
    cv2 = load_opencv()
    weak = (values >= max(1, least)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(weak, connectivity=8)
    labels = np.asarray(labels, np.int32)
    chosen = np.zeros(count, bool)
    chosen[labels[values >= max(1, seed)]] = True
    chosen &= np.asarray(stats)[:, 4] <= most_share * values.size
    chosen[0] = False
    return chosen[labels]


class DamageFinder:
    """A network that sees damage, ready to run.

    Args:
        network: In float32 and evaluation mode.
        card: What the weights say about themselves.
        placement: Where and in which precision to run.
    """

    def __init__(self, network: DamageNetwork, card: Card, placement: Placement) -> None:
        self.network = network.to(placement.device, memory_format=torch.channels_last)
        self.card, self.placement = card, placement

    def look(self, picture: Picture, *, progress: Progress = NO_PROGRESS) -> DamageMap:
        """Find how probable damage is everywhere.

        Args:
            picture: Of any size and depth.
            progress: Told of every tile.

        Raises:
            Cancelled: The user asked for it.
        """
        width, height = _looked_at(picture.size)
        rgb = _resize(to_8_bit(picture.rgb), (width, height))
        fine = self._logits(rgb, SubProgress(progress, 0.0, 0.8))
        half = _resize(rgb, _halved((width, height)))
        coarse = self._logits(half, SubProgress(progress, 0.8, 1.0))
        cv2 = load_opencv()
        for one, other, share in zip(fine, coarse, _COARSE, strict=True):
            wide = np.empty_like(one)
            cv2.resize(other, (width, height), wide, interpolation=cv2.INTER_LINEAR)
            one += share * (wide - one)
        probabilities = 1 / (1 + np.exp(-fine))
        progress.update(1, 1)
        return DamageMap(picture.size, (probabilities * 255).round().astype(np.uint8))

    def _logits(self, rgb: Pixels, progress: Progress) -> NDArray[np.float32]:
        """Logits (3, h, w) of a picture (h, w, 3)."""
        height, width = rgb.shape[:2]
        logits = np.zeros((len(GROUPS), height, width), np.float32)
        tiles = plan_tiles(width, height, _CORE_PX, _HALO_PX)
        for done, tile in enumerate(tiles):
            progress.update(done, len(tiles), "")
            found = self._run(to_unit(rgb[tile.window.slices]))
            logits[:, *tile.core.slices] = found[:, *tile.core.inside(tile.window).slices]
        return logits

    def seconds_for(self, size: tuple[int, int]) -> float:
        """About how long a photo of that width and height takes to look at."""
        fine = _looked_at(size)
        tiles = [
            tile
            for width, height in (fine, _halved(fine))
            for tile in plan_tiles(width, height, _CORE_PX, _HALO_PX)
        ]
        return sum(self._pace.seconds(tile.window.width * tile.window.height) for tile in tiles)

    @functools.cached_property
    def _pace(self) -> Pace:
        return measure_pace(lambda side: self._run(torch.zeros(1, 3, side, side)), 256, _CORE_PX)

    @torch.inference_mode()
    def _run(self, window: Tensor) -> NDArray[np.float32]:
        """Logits (3, h, w) of a window (1, 3, h, w): their mean over it and its mirror image."""
        height, width = window.shape[-2:]
        multiple = self.network.multiple
        pads = (0, -width % multiple, 0, -height % multiple)
        mode = "reflect" if width > pads[1] and height > pads[3] else "replicate"
        # Filled up before it is mirrored: what is reflected at the left too makes scratches of frames there.
        padded = F.pad(window, pads, mode=mode)

        def run(where: Placement) -> Tensor:
            image = padded.to(where.device)
            with where.autocast():
                plain: Tensor = self.network(image)
                mirrored: Tensor = self.network(image.flip(3)).flip(3)
            return ((plain + mirrored) / 2)[0, :, :height, :width].float().cpu()

        found = run(self.placement)
        if not bool(found.isfinite().all()):
            found = run(dataclasses.replace(self.placement, dtype=torch.float32))
        return np.asarray(found.numpy(), np.float32)


def _looked_at(size: tuple[int, int]) -> tuple[int, int]:
    """Width and height of what is looked at: a longest side of at most `LOOK_PX`."""
    factor = min(1.0, LOOK_PX / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _halved(size: tuple[int, int]) -> tuple[int, int]:
    return max(1, size[0] // 2), max(1, size[1] // 2)


def _resize(rgb: Pixels, size: tuple[int, int]) -> Pixels:
    """(H, W, 3) at a smaller width and height."""
    if rgb.shape[1::-1] == size:
        return rgb
    cv2 = load_opencv()
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
