"""Random holes to train filling with, drawn in batches on the device of the generator.

Each kind of hole is one function in `HOLES`; `HoleSampler` mixes them by share and keeps what it
hands out inside a range of coverage. Widths are in pixels and do not grow with the crop, so that a
128 px crop is what one would cut out of a larger damaged photo. Everything follows from the state
of the `torch.Generator`. What a network does with a hole is not known here, and shapes are drawn in
`training.data.shapes`.
"""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from remend.training.data.draws import first_few, log_uniform, normal, uniform
from remend.training.data.holes.painted import compact, painted, persons, stamps
from remend.training.data.shapes import (
    FAR,
    PAGE,
    PAGES,
    WIDEST_PEN,
    curves,
    distance,
    grid,
    refine,
    text_pages,
    trace,
)


def strokes(batch: int, size: int, random: torch.Generator) -> Tensor:
    """Free-form brush strokes: bent polylines 6 to 28 px wide, some of uneven width.

    The kind of "Free-Form Image Inpainting with Gated Convolution" (Yu et al. 2019, algorithm 1),
    drawn by distance to segments.
    """
    step, segments = 4, 6
    number = min(max(4, size * size // 3500), 24)
    shape = (batch, number, segments)
    drawn = first_few(random, (batch,), number)[..., None] & first_few(
        random, (batch, number), segments
    )
    angle = uniform(random, (batch, number, 1), 0, 2 * math.pi) + normal(random, shape, 0.6).cumsum(
        2
    )
    length = uniform(random, shape, min(12, size / 8), min(60, size / 2))
    steps = torch.stack((angle.cos(), angle.sin()), -1) * length[..., None]
    start = uniform(random, (batch, number, 1, 2), -0.1 * size, 1.1 * size)
    corners = torch.cat((start, start + steps.cumsum(2)), dim=2)
    radius = log_uniform(random, (batch, 1, 1), 3.5, max(4, min(14, size / 8)))
    radius = radius * uniform(random, (batch, number, 1), 0.75, 1.25)
    uneven = uniform(random, (batch, 1, 1), 0, 1) < 0.4
    radius = radius * torch.where(
        uneven, uniform(random, (batch, number, segments + 1), 0.6, 1.4), 1.0
    )
    radius = radius.clamp_min(3)
    begin = radius[:, :, :-1].masked_fill(~drawn, -FAR).flatten(1, 2)
    grow = (radius[:, :, 1:] - radius[:, :, :-1]).flatten(1, 2)
    return refine(
        distance(corners[:, :, :-1].flatten(1, 2), steps.flatten(1, 2), begin, grow, size, step),
        size,
        step,
    )


def scratches(batch: int, size: int, random: torch.Generator) -> Tensor:
    """Long thin scratches and hairs 1 to 6 px wide, some worn through; in half of them dust too."""
    number = max(4, size // 20)
    shape = (batch, number)
    of_sample = (batch, 1)
    # A film is scratched along its way through the camera: one direction, hardly a bend.
    film = uniform(random, of_sample, 0, 1) < 0.25
    angle = torch.where(
        film,
        uniform(random, of_sample, 0, 2 * math.pi) + normal(random, shape, 0.05),
        uniform(random, shape, 0, 2 * math.pi),
    )
    bend = torch.where(film, 0.01, log_uniform(random, shape, 0.02, 0.4))
    length = log_uniform(random, shape, 0.15 * size, 1.3 * size)
    middle = uniform(random, (*shape, 2), -0.1 * size, 1.1 * size)
    sway = normal(random, (*shape, 2), 1) * (bend * length)[..., None]
    points = curves(middle, angle, length, sway, points=2 * size)
    width = log_uniform(random, of_sample, 1, 3) * log_uniform(random, shape, 0.6, 2)
    width = width.clamp(1, WIDEST_PEN)
    t = torch.linspace(0, 2 * math.pi, 2 * size, device=random.device)
    waves = log_uniform(random, shape, 0.3, 6)[..., None] * t
    waves = (waves + uniform(random, shape, 0, 2 * math.pi)[..., None]).sin()
    worn = uniform(random, shape, 0, 1) ** 3 * 1.2
    width = (width[..., None] * (1 + worn[..., None] * waves)).round()
    width = width.where(first_few(random, (batch,), number)[..., None], 0)

    specks = max(4, size * size // 1500)
    many = (batch, specks)
    dusty = uniform(random, of_sample, 0, 1) < 0.5
    dust_width = log_uniform(random, many, 1, WIDEST_PEN).round()
    dust_width = dust_width.where(dusty & first_few(random, (batch,), specks), 0)
    dust = curves(
        uniform(random, (*many, 2), 0, size),
        uniform(random, many, 0, 2 * math.pi),
        log_uniform(random, many, 0.5, 8),
        normal(random, (*many, 2), 1.5),
        points=10,
    )
    return trace(
        torch.cat((points.flatten(1, 2), dust.flatten(1, 2)), dim=1),
        torch.cat((width.flatten(1, 2), dust_width[..., None].expand(-1, -1, 10).flatten(1, 2)), 1),
        size,
    )


def text(batch: int, size: int, random: torch.Generator) -> Tensor:
    """Words and lines of text, level or slanted: random windows of pages drawn beforehand."""
    atlas = text_pages(random.device)
    if size > PAGE:
        atlas = atlas.repeat(1, math.ceil(size / PAGE), math.ceil(size / PAGE))
    draws = torch.rand(3, batch, 1, 1, generator=random, device=random.device)
    page = (draws[0] * PAGES).long()
    at = torch.arange(size, device=random.device)
    row = (draws[1] * (atlas.shape[1] - size + 1)).long() + at[:, None]
    column = (draws[2] * (atlas.shape[2] - size + 1)).long() + at
    return atlas[page, row, column][:, None].float()


def boxes(batch: int, size: int, random: torch.Generator) -> Tensor:
    """One to four rectangles, a third of them turned by any angle."""
    shape = (batch, 4)
    drawn = first_few(random, (batch,), 4)
    half = log_uniform(random, (*shape, 2), size / 20, size / 3.5)
    middle = uniform(random, (*shape, 2), 0, size)
    angle = uniform(random, shape, 0, math.pi)
    angle = angle.where(uniform(random, shape, 0, 1) < 1 / 3, 0)[..., None, None]
    at = torch.arange(size, dtype=torch.float32, device=random.device)
    x = (at - middle[..., :1])[:, :, None, :]
    y = (at - middle[..., 1:])[:, :, :, None]
    along = (x * angle.cos() + y * angle.sin()).abs_() <= half[..., 0, None, None]
    across = (y * angle.cos() - x * angle.sin()).abs_() <= half[..., 1, None, None]
    return (along & across & drawn[..., None, None]).any(1, keepdim=True).float()


def blobs(batch: int, size: int, random: torch.Generator) -> Tensor:
    """Shapes like objects and stains: half closed wavy curves, half thresholded soft noise."""
    step = 4
    at = grid(size, step, random.device)
    shape = (batch, 3)
    middle = uniform(random, (*shape, 2), 0, size)
    radius = log_uniform(random, shape, size / 12, size / 3)
    radius = radius.where(first_few(random, (batch,), 3), -FAR)
    x = (at - middle[..., :1])[:, :, None, :]
    y = (at - middle[..., 1:])[:, :, :, None]
    stretch = log_uniform(random, shape, 0.6, 1 / 0.6)[..., None, None]
    apart = ((x * stretch) ** 2 + (y / stretch) ** 2).sqrt_()
    angle = torch.atan2(y, x)
    outline = torch.ones_like(angle)
    for wave in range(1, 7):
        phase = uniform(random, shape, 0, 2 * math.pi)[..., None, None]
        height = normal(random, shape, 0.3 / wave)[..., None, None]
        outline += height * torch.cos(wave * angle + phase)
    objects = (apart - radius[..., None, None] * outline.clamp_min_(0.2)).amin(1)

    cells = max(4, size // 20)
    noise = torch.randn(batch, 1, cells, cells, generator=random, device=random.device)
    soft = F.interpolate(noise, len(at), mode="bicubic", align_corners=False)[:, 0]
    share = uniform(random, (batch, 1), 0.02, 0.45)
    ranked = soft.flatten(1).sort(dim=1).values
    level = ranked.gather(1, (share * ranked.shape[1]).long())
    stains = soft - level[..., None]

    is_object = uniform(random, (batch, 1, 1), 0, 1) < 0.5
    return refine(torch.where(is_object, objects, stains), size, step)


HOLES: dict[str, Callable[[int, int, torch.Generator], Tensor]] = {
    "strokes": strokes,
    "scratches": scratches,
    "text": text,
    "boxes": boxes,
    "blobs": blobs,
    "compact": compact,
    "painted": painted,
    "persons": persons,
    "stamps": stamps,
}
"""Kinds of holes: (batch, size, random) -> (batch, 1, size, size) float32, 1 = hole, 0 = known."""


class HoleSampler:
    """Holes of several kinds by share, none empty, none larger than asked for.

    Args:
        shares: Name in `HOLES` -> weight; the weights need not add up to 1.
        coverage: Least and largest share of a crop that is hole; 0 <= least < largest <= 1.

    Raises:
        ValueError: An unknown kind, no positive share, or a coverage that cannot be.
    """

    REDRAWS = 6

    def __init__(self, shares: Mapping[str, float], coverage: tuple[float, float]) -> None:
        unknown = sorted(set(shares) - set(HOLES))
        if unknown:
            raise ValueError(f"unknown kinds of holes {unknown}; known are {sorted(HOLES)}")
        if not shares or min(shares.values()) < 0 or sum(shares.values()) <= 0:
            raise ValueError(f"shares of holes must be positive, not {dict(shares)}")
        if not 0 <= coverage[0] < coverage[1] <= 1:
            raise ValueError(f"coverage must be 0 <= least < largest <= 1, not {coverage}")
        self._kinds = [HOLES[name] for name in shares]
        self._weights = torch.tensor(list(shares.values()), dtype=torch.float64)
        self._coverage = coverage

    def sample(self, batch: int, size: int, random: torch.Generator) -> Tensor:
        """Draw (batch, 1, size, size) float32 holes on the generator's device, 1 = hole."""
        kinds = torch.multinomial(
            self._weights.to(random.device), batch, replacement=True, generator=random
        )
        holes = self._draw(kinds, size, random)
        wrong = self._wrong(holes)
        for _ in range(self.REDRAWS):
            if not wrong.any():
                break
            holes[wrong] = self._draw(kinds[wrong], size, random)
            wrong = self._wrong(holes)
        if wrong.any():
            holes[wrong] = self._boxes_in_range(int(wrong.sum()), size, random)
        flip_x, flip_y, transpose = (
            torch.rand(3, batch, 1, 1, 1, generator=random, device=random.device) < 0.5
        )
        holes = torch.where(flip_x, holes.flip(3), holes)
        holes = torch.where(flip_y, holes.flip(2), holes)
        return torch.where(transpose, holes.transpose(2, 3), holes)

    def _draw(self, kinds: Tensor, size: int, random: torch.Generator) -> Tensor:
        holes = torch.empty(len(kinds), 1, size, size, device=random.device)
        for number, draw in enumerate(self._kinds):
            chosen = kinds == number
            count = int(chosen.sum())
            if count:
                holes[chosen] = draw(count, size, random)
        return holes

    def _wrong(self, holes: Tensor) -> Tensor:
        share = holes.mean(dim=(1, 2, 3))
        least, largest = self._coverage
        return (share == 0) | (share < least) | (share > largest)

    def _boxes_in_range(self, batch: int, size: int, random: torch.Generator) -> Tensor:
        """One upright rectangle each, of an area in the middle of the range (at least a pixel)."""
        least, largest = self._coverage
        area = (
            size
            * size
            * uniform(random, (batch,), 0.7 * least + 0.3 * largest, 0.5 * (least + largest))
        )
        height = (area.sqrt() * log_uniform(random, (batch,), 0.8, 1.25)).clamp(1, size).round()
        width = (area / height).clamp(1, size).round()
        top = (uniform(random, (batch,), 0, 1) * (size - height + 1)).floor()
        left = (uniform(random, (batch,), 0, 1) * (size - width + 1)).floor()
        at = torch.arange(size, device=random.device)
        rows = (at >= top[:, None]) & (at < (top + height)[:, None])
        columns = (at >= left[:, None]) & (at < (left + width)[:, None])
        return (rows[:, None, :, None] & columns[:, None, None, :]).float()
