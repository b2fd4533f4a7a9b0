"""Holes as people paint them over what should go: an object, a person, a date stamp, a logo's box.

Each kind is one function of the table in `training.data.masks`. A hand covers a thing and a margin around it,
so these holes are compact, few and thick, where strokes and scratches are long and thin. All sizes but those
of stamps go with the crop.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from remend.training.data.draws import first_few, log_uniform, normal, uniform
from remend.training.data.shapes import (
    FAR,
    curves,
    digit_pages,
    distance,
    grid,
    refine,
)

_STEP = 4
_CURVE_POINTS = 5

# A standing person, one unit high, feet at 0.5: (x, y) of both ends, and the radii there.
_BODY = (
    ((0.0, -0.43), (0.0, -0.41), 0.075, 0.075),  # head
    ((0.0, -0.32), (0.0, -0.02), 0.1, 0.085),  # trunk
    ((-0.05, 0.0), (-0.07, 0.48), 0.06, 0.035),  # legs
    ((0.05, 0.0), (0.07, 0.48), 0.06, 0.035),
    ((-0.1, -0.3), (-0.15, 0.02), 0.04, 0.03),  # arms
    ((0.1, -0.3), (0.15, 0.02), 0.04, 0.03),
)
_LOOSE = (0.0, 0.3, 0.35, 0.35, 0.9, 0.9)  # how far each part swings, radians (standard deviation)


def compact(batch: int, size: int, random: torch.Generator) -> Tensor:
    """One thing painted over: a round, lobed or long shape of a tenth to a third of the crop."""
    at = grid(size, _STEP, random.device)
    shape = (batch, 1)
    middle = uniform(random, (*shape, 2), 0, size)
    radius = log_uniform(random, shape, 0.17 * size, 0.36 * size)[..., None, None]
    angle = uniform(random, shape, 0, math.pi)[..., None, None]
    x = (at - middle[..., :1])[:, :, None, :]
    y = (at - middle[..., 1:])[:, :, :, None]
    along, across = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
    stretch = log_uniform(random, shape, 1, 1.7)[..., None, None]
    along, across = along / stretch, across * stretch
    around = torch.atan2(across, along)
    outline = torch.ones_like(around)
    for wave in range(1, 6):
        phase = uniform(random, shape, 0, 2 * math.pi)[..., None, None]
        height = normal(random, shape, 0.16 / wave)[..., None, None]
        outline += height * torch.cos(wave * around + phase)
    field = (along.square() + across.square()).sqrt() - radius * outline.clamp_min(0.35)
    return refine(field[:, 0], size, _STEP)


def painted(batch: int, size: int, random: torch.Generator) -> Tensor:
    """An object painted over with a thick brush: strokes to and fro that overlap, ends uneven."""
    strokes = 7
    shape = (batch, strokes)
    angle = uniform(random, (batch, 1), 0, 2 * math.pi) + normal(random, shape, 0.15)
    brush = log_uniform(random, (batch, 1), 0.05 * size, 0.13 * size)
    length = log_uniform(random, (batch, 1), 0.12 * size, 0.45 * size)
    length = length * uniform(random, shape, 0.6, 1.2)
    across = torch.arange(strokes, device=random.device) - (strokes - 1) / 2
    away = across * brush * uniform(random, (batch, 1), 0.9, 1.5) + normal(
        random, shape, 0.02 * size
    )
    ahead = normal(random, shape, 1) * 0.12 * length
    middle = uniform(random, (batch, 1, 2), 0, size) + torch.stack(
        (ahead * angle.cos() - away * angle.sin(), ahead * angle.sin() + away * angle.cos()), -1
    )
    sway = normal(random, (*shape, 2), 1) * (0.1 * length)[..., None]
    points = curves(middle, angle, length, sway, points=_CURVE_POINTS)
    begin, along = points[:, :, :-1], points.diff(dim=2)
    radius = brush[..., None].expand(-1, strokes, _CURVE_POINTS - 1)
    used = first_few(random, (batch,), strokes)[..., None]
    radius = radius.masked_fill(~used, -FAR)
    none = torch.zeros_like(radius).flatten(1, 2)
    field = distance(
        begin.flatten(1, 2), along.flatten(1, 2), radius.flatten(1, 2), none, size, _STEP
    )
    return refine(field, size, _STEP)


def persons(batch: int, size: int, random: torch.Generator) -> Tensor:
    """Outlines of one to three people, standing, leaning or cut by the crop, with a painter's margin."""
    people = 3
    body = torch.tensor([[*first, *last] for first, last, _, _ in _BODY], device=random.device)
    radii = torch.tensor([part[2:] for part in _BODY], device=random.device)
    shape = (batch, people, len(_BODY))
    height = log_uniform(random, (batch, 1, 1), 0.45 * size, 1.3 * size)
    height = height * uniform(random, (batch, people, 1), 0.85, 1.15)
    swing = normal(random, shape, 1) * torch.tensor(_LOOSE, device=random.device)
    first, along = body[:, :2].expand(*shape, 2), (body[:, 2:] - body[:, :2]).expand(*shape, 2)
    along = _turn(along, swing)
    lean = normal(random, (batch, people, 1), 0.12).expand(shape)
    width = uniform(random, (batch, people, 1, 1), 0.9, 1.5)
    stout = torch.cat([width, torch.ones_like(width)], -1)
    place = uniform(random, (batch, people, 1, 2), 0, size)
    beside = torch.arange(people, device=random.device)[:, None] * 0.3 * height
    level = place[:, :1].expand(-1, people, -1, -1).clone()
    level[..., 0] += beside
    together = uniform(random, (batch, 1, 1, 1), 0, 1) < 0.7
    place = torch.where(together, level, place)
    begin = place + _turn(first * stout, lean) * height[..., None]
    along = _turn(along * stout, lean) * height[..., None]
    margin = uniform(random, (batch, 1, 1), 0.005, 0.03) * size
    radius = radii[:, 0] * height * width[..., 0] + margin
    grow = (radii[:, 1] - radii[:, 0]) * height * width[..., 0]
    there = first_few(random, (batch,), people)[..., None]
    radius = radius.masked_fill(~there, -FAR)
    field = distance(
        begin.flatten(1, 2),
        along.flatten(1, 2),
        radius.flatten(1, 2),
        grow.flatten(1, 2),
        size,
        _STEP,
    )
    return refine(field, size, _STEP)


def _turn(vectors: Tensor, angle: Tensor) -> Tensor:
    """Vectors (..., 2) turned by angles (...) in radians."""
    x, y = vectors.unbind(-1)
    cos, sin = angle.cos(), angle.sin()
    return torch.stack((x * cos - y * sin, x * sin + y * cos), -1)


def stamps(batch: int, size: int, random: torch.Generator) -> Tensor:
    """A camera's date stamp: its digits with the margin of a brush, or the box around them."""
    pages = digit_pages(random.device)
    draws = torch.rand(4, batch, 1, 1, generator=random, device=random.device)
    number = (draws[0] * len(pages)).long()
    # A stamp begins at the left of its page: it begins in the crop or a little before it.
    top = (draws[1] * size).long() - pages.shape[1] // 2
    left = (draws[2] * (size + 48)).long() - 64
    at = torch.arange(size, device=random.device)
    rows, columns = at[:, None] - top, at - left
    inside = (rows >= 0) & (rows < pages.shape[1]) & (columns >= 0) & (columns < pages.shape[2])
    rows, columns = rows.clamp(0, pages.shape[1] - 1), columns.clamp(0, pages.shape[2] - 1)
    digits = (pages[number, rows, columns] & inside)[:, None].float()
    thick = F.max_pool2d(digits, 5, 1, 2)
    boxed = _box(digits)
    return torch.where((draws[3] < 0.35)[..., None], boxed, thick)


def _box(holes: Tensor) -> Tensor:
    """The upright box around each of (B, 1, H, W)."""
    rows, columns = holes.amax(3, keepdim=True), holes.amax(2, keepdim=True)
    between = [
        torch.minimum(x.cummax(axis)[0], x.flip(axis).cummax(axis)[0].flip(axis))
        for x, axis in ((rows, 2), (columns, 3))
    ]
    return between[0] * between[1]
