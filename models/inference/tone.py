"""Photos without colour, or of one tone as sepia prints are: what a network makes of them stays on that tone.

A network that learned from colour photos tints what it invents. The colours of a grey or toned photo lie on
one curve: each lightness has its colour. Where that is so, only the lightness of what was made is kept, and
its colour is read from the curve. Photos whose tone changes slowly from place to place (stains, faded
corners) are of one tone too; that drift is kept. Nothing here runs a network.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from remend.models.imaging.opencv import load_opencv
from remend.models.imaging.picture import Pixels, to_unit
from remend.models.layers.harmonic import harmonic_fill

LEVEL = 2 / 255
"""One step of 8 bits, where values are in [-1, 1]."""
GREY_LEVELS = 1.0
"""A photo whose channels are nowhere further from their lightness is grey: rounding, no more."""
NEAR_LEVELS, FAR_LEVELS = 5.0, 8.0
"""Distance of nine tenths of a photo from its curve: up to here it is of one tone, from here on in colour."""
_FAR_FACTOR = 2.4  # the same for 99 of 100
_KNOTS = 33  # of the curve, from black to white
_FEWEST = 1e-4  # of all pixels, for a knot to have a colour of its own
_SAMPLES = 200_000  # pixels from which the curve is made
_ROUNDS = 3  # of curve and drift, each found where the other is taken off
_LOOK_PX = 1024  # longest side at which a whole photo is looked at
_CELL_PX, _DRIFT_CELLS = (
    4,
    6.0,
)  # noise is averaged over a cell; the drift of the tone is smooth over more
_COLOURED = (
    8.0,
    16.0,
)  # levels of a photo's own pixel from its curve, between which its colour is kept

_WEIGHTS = (0.299, 0.587, 0.114)  # ITU-R BT.601, luma
Floats = NDArray[np.float32]


def lightness(colours: Tensor) -> Tensor:
    """Luma of (3, ...) in [-1, 1]."""
    weights = colours.new_tensor(_WEIGHTS).view(3, *[1] * (colours.ndim - 1))
    return (weights * colours).sum(0)


@dataclass(frozen=True, slots=True)
class Tone:
    """The curve on which a photo's colours lie.

    Attributes:
        offsets: (3, knots), colour minus lightness, from black to white; None = grey.
        share: How far colours are drawn to the curve: 1 = onto it, 0 = not at all.
    """

    offsets: Tensor | None
    share: float = 1.0

    def colour(self, light: Tensor) -> Tensor:
        """The colours (3, ...) of lightnesses of any shape."""
        if self.offsets is None:
            return light.expand(3, *light.shape)
        place = ((light + 1) / 2).clamp(0, 1) * (_KNOTS - 1)
        below = place.long().clamp_max(_KNOTS - 2)
        return light + torch.lerp(self.offsets[:, below], self.offsets[:, below + 1], place - below)


GREY = Tone(None)


def find_tone(rgb: Pixels) -> Tone | None:
    """The tone of a whole photo (H, W, 3); None where it is in colour."""
    cv2 = load_opencv()
    height, width = rgb.shape[:2]
    shrink = max(1.0, max(height, width) / _LOOK_PX)  # which also takes the mean over its noise
    size = max(1, round(width / shrink)), max(1, round(height / shrink))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA) if shrink > 1 else rgb
    photo = to_unit(np.asarray(small, rgb.dtype))[0]
    light = lightness(photo)
    if bool((photo - light).abs().max() <= GREY_LEVELS * LEVEL):
        return GREY
    tone = Tone(_fit_curve(photo.flatten(1)))
    share = _judge((photo - tone.colour(light)).abs().amax(0))
    return Tone(tone.offsets, share) if share > 0 else None


def tone_fill(photo: Tensor, hole: Tensor, filled: Tensor, place: Tensor) -> Tensor:
    """Give a fill the tone of its surroundings, where these are of one tone.

    Args:
        photo: (1, 3, H, W) in [-1, 1], as the network saw it; pixels in the hole are ignored.
        hole: (1, 1, H, W), 1 = missing.
        filled: (1, 3, h, w), perhaps larger than the photo.
        place: (1, 1, h, w), 1 where the fill will be pasted; only there it changes.

    Returns:
        As ``filled``; itself where the surroundings are in colour.
    """
    known = hole[0, 0] == 0
    rows, columns = place[0, 0].nonzero(as_tuple=True)
    around = photo[0, :, known]
    if not around.numel():
        return filled
    light = lightness(filled[0, :, rows, columns])
    if bool((around - lightness(around)).abs().max() <= GREY_LEVELS * LEVEL):
        tone, drift = GREY, 0.0
    else:
        tone, cells = _find_drifting_tone(photo, known)
        if tone.share == 0:
            return filled
        drift = _stretch(cells, filled)[0, :, rows, columns]
    toned = filled.clone()
    colours = tone.colour(light) + drift
    toned[0, :, rows, columns] = torch.lerp(filled[0, :, rows, columns], colours, tone.share)
    return toned


def tone_enlarged(tone: Tone, photo: Tensor, enlarged: Tensor) -> Tensor:
    """Draw an enlargement to the tone of its photo; pixels off the curve keep their colour.

    Args:
        tone: Of the whole photo.
        photo: (1, 3, H, W) in [-1, 1], a tile of it.
        enlarged: (1, 3, S·H, S·W), what the network made of the tile.
    """
    made = tone.colour(lightness(enlarged[0]))[None]
    if tone.offsets is None:
        return made
    off = photo - tone.colour(lightness(photo[0]))[None]
    off = F.interpolate(off, enlarged.shape[-2:], mode="bicubic", align_corners=False)
    first, last = (levels * LEVEL for levels in _COLOURED)
    coloured = ((off.abs().amax(1, keepdim=True) - first) / (last - first)).clamp(0, 1)
    return torch.lerp(enlarged, made + off, tone.share * (1 - coloured))


def _fit_curve(colours: Tensor) -> Tensor:
    """Mean offset of colours (3, n) from their lightness at each knot: (3, knots)."""
    chosen = colours[:, :: max(1, colours.shape[1] // _SAMPLES)]
    levels = lightness(chosen)
    knots = ((levels + 1) / 2 * (_KNOTS - 1)).round().long().clamp(0, _KNOTS - 1).numpy()
    counts = np.bincount(knots, minlength=_KNOTS)
    there = (counts > max(_FEWEST * len(knots), 3)).nonzero()[0]
    if not len(there):
        there = counts.nonzero()[0]
    sums = [np.bincount(knots, channel, _KNOTS)[there] for channel in (chosen - levels).numpy()]
    curve = [np.interp(np.arange(_KNOTS), there, total / counts[there]) for total in sums]
    return torch.as_tensor(np.stack(curve).astype(np.float32))


def _find_drifting_tone(photo: Tensor, known: Tensor) -> tuple[Tone, Tensor]:
    """The tone of the known pixels, and how it changes from place to place.

    Args:
        photo: (1, 3, H, W).
        known: (H, W).

    Returns:
        The tone; and offsets (1, 3, h, w) from it, continued into the hole from its rim.
    """
    cell = min(_CELL_PX, *known.shape)
    weights = F.avg_pool2d(known[None, None].float(), cell, ceil_mode=True)
    cells = F.avg_pool2d(photo * known, cell, ceil_mode=True) / weights.clamp_min(1e-6)
    there = weights[0, 0] > 0.25
    if not bool(there.any()):
        there = weights[0, 0] > 0
    total = _blur(there[None].float())
    light, off, drift = lightness(cells[0]), cells[0], torch.zeros_like(cells[0])
    for _ in range(_ROUNDS):
        tone = Tone(_fit_curve((cells[0] - drift)[:, there]))
        off = cells[0] - tone.colour(light)
        drift = _blur(off * there) / total.clamp_min(1e-6)
    if (share := _judge((off - drift)[:, there].abs().amax(0))) == 0:
        return Tone(None, 0), drift[None]
    drift = harmonic_fill(drift[None], (~there)[None, None].float())
    # Pixels are further apart than the means of cells: black letters on a toned sheet.
    pixels = (photo - _stretch(drift, photo))[0, :, known]
    return Tone(_fit_curve(pixels), share), drift


def _stretch(cells: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(cells, like.shape[-2:], mode="bilinear", align_corners=False)


def _blur(values: Tensor) -> Tensor:
    """Blur (C, h, w), so that what is left is the drift of the tone."""
    cv2 = load_opencv()
    blurred = [
        cv2.GaussianBlur(channel.numpy(), (0, 0), _DRIFT_CELLS, borderType=cv2.BORDER_REFLECT)
        for channel in values
    ]
    return torch.as_tensor(np.stack([np.asarray(channel, np.float32) for channel in blurred]))


def _judge(distances: Tensor) -> float:
    """`Tone.share` from how far pixels are from the curve."""
    most, nearly_all = np.quantile(distances.numpy(), (0.9, 0.99)) / LEVEL
    far = max(float(most), float(nearly_all) / _FAR_FACTOR)
    return float(np.clip((FAR_LEVELS - far) / (FAR_LEVELS - NEAR_LEVELS), 0, 1))
