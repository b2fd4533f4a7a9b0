"""Shapes drawn in batches of tensors: capsules, curves under a round pen, pages of text.

Pure geometry: sizes and positions come in, masks come out, nothing is random. What is drawn where is decided
in `training.data.masks`.
"""

import functools
import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from remend.models.imaging.opencv import load_opencv

FAR = 1e4
"""px; a radius of -FAR keeps an unused shape out of every picture."""


def grid(size: int, step: int, device: torch.device) -> Tensor:
    """Coordinates in px of a grid every ``step`` px, one cell beyond the picture on both sides."""
    cells = math.ceil(size / step)
    return (torch.arange(-1, cells + 1, device=device) + 0.5) * step - 0.5


def refine(field: Tensor, size: int, step: int) -> Tensor:
    """A field (B, G, G) on `grid` to where it is <= 0 in the picture: (B, 1, size, size) {0, 1}.

    Distances are nearly linear at an outline whose radius is not far below ``step``, so outlines
    come out smooth and in their place for a sixteenth of the work at ``step`` 4.
    """
    fine = F.interpolate(field[:, None], scale_factor=step, mode="bilinear", align_corners=False)
    return (fine[:, :, step : step + size, step : step + size] <= 0).float()


def distance(
    begin: Tensor, along: Tensor, radius: Tensor, grow: Tensor, size: int, step: int
) -> Tensor:
    """Signed distance on `grid` to the nearest of K capsules: (B, G, G).

    Args:
        begin: (B, K, 2) px, first end of each axis.
        along: (B, K, 2) px, the way from there to the other end.
        radius: (B, K) px, at the first end.
        grow: (B, K) px, how much larger the radius is at the other end.
        size: The picture's side in px.
        step: The grid's step in px.
    """
    at = grid(size, step, begin.device)
    x = (at - begin[..., :1])[:, :, None, :]
    y = (at - begin[..., 1:])[:, :, :, None]
    dx, dy = along[..., 0, None, None], along[..., 1, None, None]
    square = dx * dx + dy * dy
    dot = x * dx + y * dy
    t = (dot / square).clamp_(0, 1)
    apart = (x * x + y * y + t * (t * square - 2 * dot)).clamp_min_(0).sqrt_()
    return (apart - radius[..., None, None] - grow[..., None, None] * t).amin(dim=1)


def stamp(widest: int) -> list[tuple[int, int, int]]:
    """Pixels of a round pen as (dy, dx, width from which the pen covers it)."""
    reach = range(-(widest // 2), widest // 2 + 1)
    pixels: list[tuple[int, int, int]] = []
    for dy in reach:
        for dx in reach:
            for width in range(1, widest + 1):
                middle = 0.0 if width % 2 else 0.5  # an even pen is centred between pixels
                if math.hypot(dy - middle, dx - middle) <= width / 2:
                    pixels.append((dy, dx, width))
                    break
    return pixels


WIDEST_PEN = 6
"""px"""
_PEN = stamp(WIDEST_PEN)


def trace(points: Tensor, widths: Tensor, size: int) -> Tensor:
    """Put a pen of ``widths`` (B, P) px down at ``points`` (B, P, 2): (B, 1, size, size) {0, 1}."""
    batch, edge = len(points), WIDEST_PEN // 2
    side = size + 2 * edge
    cells = points.round().long() + edge
    inside = ((cells >= 0) & (cells < side)).all(-1)
    index = (cells[..., 1] * side + cells[..., 0]).where(inside, 0)
    level = widths.clamp(0, WIDEST_PEN).where(inside, 0).to(torch.uint8)
    pens = torch.zeros(batch, side * side, dtype=torch.uint8, device=points.device)
    # The largest pen wins where several meet, whatever the order: deterministic on a GPU too.
    pens = pens.scatter_reduce_(1, index, level, "amax").view(batch, side, side)
    hole = torch.zeros(batch, size, size, dtype=torch.bool, device=points.device)
    for dy, dx, width in _PEN:
        top, left = edge - dy, edge - dx
        hole |= pens[:, top : top + size, left : left + size] >= width
    return hole[:, None].float()


def curves(middle: Tensor, angle: Tensor, length: Tensor, sway: Tensor, points: int) -> Tensor:
    """Points along cubic Bézier curves, (B, N, points, 2) px.

    Args:
        middle: (B, N, 2) px, halfway between the ends.
        angle: (B, N) radians, from the first end to the other.
        length: (B, N) px between the ends.
        sway: (B, N, 2) px, how far aside the two inner control points lie.
        points: How many for each curve.
    """
    t = torch.linspace(0, 1, points, device=length.device)
    ahead = length[..., None] * (t - 0.5)
    aside = 3 * t * (1 - t) * ((1 - t) * sway[..., :1] + t * sway[..., 1:])
    cos, sin = angle.cos()[..., None], angle.sin()[..., None]
    return middle[:, :, None] + torch.stack(
        (ahead * cos - aside * sin, ahead * sin + aside * cos), dim=-1
    )


_FONTS = ("SIMPLEX", "DUPLEX", "COMPLEX", "TRIPLEX", "SCRIPT_COMPLEX")
_LETTERS = tuple("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789&?!@.:,-/")
PAGE = 1024
"""Side of a page of text in px."""
PAGES = 16


def _text_page(number: int) -> np.ndarray:
    """One page of words, (PAGE, PAGE) bool; even pages are level, odd ones slanted.

    The first half of the pages holds words here and there (captions, dates, marks), the second
    whole lines, from the size of a subtitle to that of a poster.
    """
    cv2 = load_opencv()
    dice = np.random.default_rng(number)
    side = PAGE if number % 2 == 0 else 1536
    page = np.zeros((side, side), np.uint8)
    dense = number >= PAGES // 2
    scale = 0.4 * 2.0 ** (number // 2 % (PAGES // 4) * 0.5)
    line = round(40 * scale)
    for baseline in range(line, side, line if dense else 2 * line):
        x = int(dice.integers(-100, 60))
        while x < side:
            word = "".join(dice.choice(_LETTERS, dice.integers(2, 9)))
            font = getattr(cv2, f"FONT_HERSHEY_{dice.choice(_FONTS)}")
            height = scale * dice.uniform(0.8, 1.25)
            thickness = int(dice.integers(1, max(3, round(5 * scale)) + 1))
            (width, _), _ = cv2.getTextSize(word, font, height, thickness)
            cv2.putText(page, word, (x, baseline), font, height, 255, thickness)
            x += width + round((12 if dense else dice.uniform(20, 200)) * scale)
    if number % 2:
        middle = (side / 2, side / 2)
        turn = cv2.getRotationMatrix2D(middle, float(dice.uniform(10, 80)), 1)
        page = cv2.warpAffine(page, turn, (side, side))
        edge = (side - PAGE) // 2
        page = page[edge : edge + PAGE, edge : edge + PAGE]
    return page > 127


@functools.cache
def text_pages(device: torch.device) -> Tensor:
    """All pages of words, (PAGES, PAGE, PAGE) bool, drawn once for each device."""
    return torch.as_tensor(np.stack([_text_page(n) for n in range(PAGES)])).to(device)


STAMPS = 12
"""How many date stamps there are."""
_STAMP_SIDES = (40, 240)  # rows and columns of the largest


def _date_stamp(number: int) -> np.ndarray:
    """One date as cameras burn it in, as small as 8 px or as large as 30 px: (rows, columns) bool."""
    cv2 = load_opencv()
    dice = np.random.default_rng(1000 + number)
    year, month, day = dice.integers(0, 100), dice.integers(1, 13), dice.integers(1, 32)
    form = (
        "'{:02d} {:2d} {:2d}",
        "{:02d}.{:02d}.{:02d}",
        "{:02d}/{:02d}/20{:02d}",
        "{:02d}:{:02d} {:02d}",
    )
    words = form[number % len(form)].format(year, month, day)
    page = np.zeros(_STAMP_SIDES, np.uint8)
    scale = 0.35 * 2.0 ** (number % 3 * 0.6)
    thickness = 1 + number % 3
    font = cv2.FONT_HERSHEY_PLAIN if number % 2 else cv2.FONT_HERSHEY_DUPLEX
    scale *= 1.6 if number % 2 else 1.0
    cv2.putText(page, words, (4, _STAMP_SIDES[0] - 10), font, scale, 255, thickness)
    return page > 127


@functools.cache
def digit_pages(device: torch.device) -> Tensor:
    """All date stamps, (STAMPS, rows, columns) bool, drawn once for each device."""
    return torch.as_tensor(np.stack([_date_stamp(n) for n in range(STAMPS)])).to(device)
