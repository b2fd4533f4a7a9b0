"""Kinds of damage that prints, negatives and their scans have, drawn in batches, one function a kind.

A kind gives a `Layer`: what covers the photo, how much of it shows, and how the light on the paper changes.
How layers are laid over a photo, and what of them counts as damage, is in `training.data.damaged_print`.
Sizes are in px of the crop and do not grow with it. Everything follows from the state of the
`torch.Generator`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from remend.training.data.draws import clouds, first_few, log_uniform, normal, uniform
from remend.training.data.masks import scratches as scratch_masks
from remend.training.data.masks import text
from remend.training.data.shapes import curves, trace


class Layer(NamedTuple):
    """One kind of damage on every sample of a batch."""

    opacity: Tensor
    """(B, 1, S, S), 0 = the photo, 1 = what covers it."""
    colour: Tensor
    """(B, 3, 1, 1) or (B, 3, S, S), what covers it, 0 to 255."""
    light: Tensor | float = 0.0
    """(B, 1, S, S), added to both, in units of 1/255: relief and shading."""


Draw = Callable[[int, int, torch.Generator], Layer]


def colours(batch: int, random: torch.Generator, bright_share: float = 0.6) -> Tensor:
    """Paper, dust and emulsion that is gone: nearly white or nearly black, a little warm; (B, 3, 1, 1)."""
    bright = uniform(random, (batch, 1, 1, 1), 0, 1) < bright_share
    level = torch.where(
        bright,
        uniform(random, (batch, 1, 1, 1), 170, 255),
        uniform(random, (batch, 1, 1, 1), 0, 75),
    )
    warm = uniform(random, (batch, 1, 1, 1), 0, 1) ** 2 * 0.2
    return level * (1 - warm * warm.new_tensor((0.0, 0.35, 1.0)).view(1, 3, 1, 1))


def _each(random: torch.Generator, batch: int, low: float, high: float) -> Tensor:
    return uniform(random, (batch, 1, 1, 1), low, high)


def _across(batch: int, size: int, random: torch.Generator, reach: float) -> tuple[Tensor, Tensor]:
    """Distances in px across and along a random straight line, each (B, 1, S, S).

    ``reach`` is how far from the middle the line may pass, as a share of the side.
    """
    angle = _each(random, batch, 0, 2 * math.pi)
    offset = _each(random, batch, -reach, reach) * size
    at = torch.arange(size, device=random.device) - (size - 1) / 2
    x, y = at.view(1, 1, 1, -1), at.view(1, 1, -1, 1)
    return x * angle.cos() + y * angle.sin() - offset, y * angle.cos() - x * angle.sin()


def scratches(batch: int, size: int, random: torch.Generator) -> Layer:
    """Long thin scratches and hairs, half of them with dust; worn through in places."""
    worn = clouds(random, batch, size, max(3, size // 24)) * 0.4
    strength = _each(random, batch, 0.35, 1.6) + worn
    return Layer(
        scratch_masks(batch, size, random) * strength.clamp(0, 1), colours(batch, random, 0.85)
    )


def hairlines(batch: int, size: int, random: torch.Generator) -> Layer:
    """Bundles of faint parallel lines, many through the whole picture: how film and glass are scratched."""
    lines = 12
    upright = uniform(random, (batch, 1), 0, 1) < 0.5
    turned = uniform(random, (batch, 1), 0, math.pi)
    angle = torch.where(upright, math.pi / 2, turned) + normal(random, (batch, lines), 0.02)
    spread = log_uniform(random, (batch, 1, 1), 0.03, 1) * size
    middle = size / 2 + normal(random, (batch, lines, 2), 0.4) * spread
    middle += normal(random, (batch, 1, 2), 0.2) * size
    length = log_uniform(random, (batch, lines), 0.2, 3) * size
    points = curves(middle, angle, length, normal(random, (batch, lines, 2), 1.0), 3 * size)
    width = uniform(random, (batch, lines), 0.6, 2.4).round().clamp_min(1)
    width = width.where(first_few(random, (batch,), lines), 0)
    mask = trace(points.flatten(1, 2), width[..., None].expand(-1, -1, 3 * size).flatten(1), size)
    strength = _each(random, batch, 0.15, 0.8) + clouds(random, batch, size, 6) * 0.12
    return Layer(mask * strength.clamp(0, 1), colours(batch, random, 0.9))


def _walks(
    start: Tensor, angle: Tensor, jitter: Tensor, points: int, random: torch.Generator
) -> Tensor:
    """Paths that lose their way in steps of a pixel: (B, N, points, 2) from start (B, N, 2)."""
    kinks = normal(random, (*angle.shape, points), 1.0)
    # A crack keeps its direction for some pixels, then breaks at an angle.
    kinks = kinks.where(uniform(random, tuple(kinks.shape), 0, 1) < 0.12, 0) * jitter[..., None]
    drift = kinks.cumsum(-1)
    heading = angle[..., None] + drift - 0.6 * drift.mean(-1, keepdim=True)
    steps = torch.stack((heading.cos(), heading.sin()), -1)
    return start[:, :, None] + steps.cumsum(2)


def cracks(batch: int, size: int, random: torch.Generator) -> Layer:
    """Cracks of the emulsion that branch, with a bright core and a dark rim on one side."""
    mains, branches, points = 2, 6, 2 * size
    angle = uniform(random, (batch, mains), 0, 2 * math.pi)
    ahead = torch.stack((angle.cos(), angle.sin()), -1)
    start = uniform(random, (batch, mains, 2), 0.1 * size, 0.9 * size) - ahead * (0.7 * size)
    jitter = log_uniform(random, (batch, 1), 0.08, 0.6)
    paths = _walks(start, angle, jitter.expand(-1, mains), points, random)
    leave = torch.randint(points, (batch, branches), generator=random, device=random.device)
    of = torch.randint(mains, (batch, branches), generator=random, device=random.device)
    rows = torch.arange(batch, device=random.device)[:, None]
    turn = uniform(random, (batch, branches), 0.4, 1.4)
    turn = torch.where(uniform(random, (batch, branches), 0, 1) < 0.5, -turn, turn)
    twigs = _walks(
        paths[rows, of, leave], angle[rows, of] + turn, jitter.expand(-1, branches), size, random
    )
    long = log_uniform(random, (batch, branches), 0.05, 1)[..., None] * size
    grown = torch.arange(size, device=random.device) < long
    count = first_few(random, (batch,), mains)
    widths = uniform(random, (batch, mains, 1), 0.7, 3.2).where(count[..., None], 0)
    widths = widths + normal(random, (batch, mains, points), 0.35) * (widths > 0)
    many = first_few(random, (batch,), branches) & (of < count.sum(1, keepdim=True))
    thin = (uniform(random, (batch, branches, 1), 0.6, 2.2) * grown).where(many[..., None], 0)
    mask = trace(
        torch.cat((paths.flatten(1, 2), twigs.flatten(1, 2)), 1),
        torch.cat((widths.round().flatten(1), thin.round().flatten(1)), 1),
        size,
    )
    soft = F.avg_pool2d(mask, 5, 1, 2)
    side = torch.roll(soft, (1, 1), (2, 3)) - torch.roll(soft, (-1, -1), (2, 3))
    relief = side * _each(random, batch, -70, 70) - soft * _each(random, batch, 0, 50)
    strength = _each(random, batch, 0.5, 1.3) + clouds(random, batch, size, size // 12) * 0.25
    return Layer(mask * strength.clamp(0, 1), colours(batch, random, 0.92), relief)


def folds(batch: int, size: int, random: torch.Generator) -> Layer:
    """Nearly straight folds and creases: shading to both sides, the emulsion broken along the edge."""
    apart, along = _across(batch, size, random, 0.45)
    bow = _each(random, batch, -1, 1) * along.square() / size * 0.15
    apart = apart + bow + clouds(random, batch, size, 5, 3) * _each(random, batch, 0, 2.5)
    reach = log_uniform(random, (2, batch, 1, 1, 1), 2, 14)
    light = torch.where(
        apart > 0,
        _each(random, batch, -45, 45) * (-apart.abs() / reach[0]).exp(),
        _each(random, batch, -45, 45) * (-apart.abs() / reach[1]).exp(),
    )
    broken = clouds(random, batch, size, size // 10, 2) + _each(random, batch, -0.7, 2.5)
    half = log_uniform(random, (batch, 1, 1, 1), 0.5, 3.5)
    ragged = half + clouds(random, batch, size, size // 5) * 0.35 * half
    core = (ragged + 0.5 - apart.abs()).clamp(0, 1) * (broken > 0)
    return Layer(core * _each(random, batch, 0.4, 1), colours(batch, random, 0.92), light)


def fibres(batch: int, size: int, random: torch.Generator) -> Layer:
    """Hairs and threads that lay on the scanner's glass or in the enlarger: thin and much bent."""
    most = 5
    length = log_uniform(random, (batch, most), 8, 0.9 * size)
    points = curves(
        uniform(random, (batch, most, 2), 0, size),
        uniform(random, (batch, most), 0, 2 * math.pi),
        length,
        normal(random, (batch, most, 2), 1.0) * length[..., None],
        3 * size,
    )
    width = uniform(random, (batch, most), 0.7, 2.4).round().clamp_min(1)
    width = width.where(first_few(random, (batch,), most), 0)
    mask = trace(points.flatten(1, 2), width[..., None].expand(-1, -1, 3 * size).flatten(1), size)
    return Layer(mask * _each(random, batch, 0.4, 1), colours(batch, random, 0.55))


def specks(batch: int, size: int, random: torch.Generator) -> Layer:
    """Dust: many small grains, from one pixel to six, some longer than wide."""
    most = max(8, size * size // 700)
    points = curves(
        uniform(random, (batch, most, 2), 0, size),
        uniform(random, (batch, most), 0, 2 * math.pi),
        log_uniform(random, (batch, most), 0.5, 9),
        normal(random, (batch, most, 2), 1.2),
        10,
    )
    width = log_uniform(random, (batch, 1), 1, 3) * log_uniform(random, (batch, most), 0.5, 2)
    few = uniform(random, (batch, 1), 0, 1) ** 3 * most
    width = width.round().clamp(1, 6).where(torch.arange(most, device=random.device) <= few, 0)
    mask = trace(points.flatten(1, 2), width[..., None].expand(-1, -1, 10).flatten(1), size)
    return Layer(mask * _each(random, batch, 0.45, 1), colours(batch, random, 0.7))


def spots(batch: int, size: int, random: torch.Generator) -> Layer:
    """Ragged spots and mould of 3 to 15 px, alone or in swarms, with hard or soft rims."""
    cell = int(log_uniform(random, (1,), 3, 14))
    field = clouds(random, batch, size, max(2, size // cell), 2)
    swarm = clouds(random, batch, size, 3) * _each(random, batch, 0, 1.2)
    level = _each(random, batch, 1.7, 2.9)
    soft = log_uniform(random, (batch, 1, 1, 1), 0.05, 0.5)
    mask = ((field + swarm - level) / soft).clamp(0, 1)
    return Layer(mask * _each(random, batch, 0.3, 1), colours(batch, random, 0.55))


def stains(batch: int, size: int, random: torch.Generator) -> Layer:
    """Water stains and foxing: wide, half-transparent, with soft rims and often a darker edge."""
    field = clouds(random, batch, size, 2, 4) - _each(random, batch, 0.3, 1.4)
    soft = log_uniform(random, (batch, 1, 1, 1), 0.06, 0.6)
    mask = torch.sigmoid(field / soft) * (0.8 + 0.2 * clouds(random, batch, size, 6, 3))
    edge = (-(field / (1.5 * soft)).square()).exp() * _each(random, batch, 0, 0.5)
    dark = _each(random, batch, 0, 1) < 0.65
    brown = torch.stack(
        [_each(random, batch, low, high) for low, high in ((60, 150), (45, 125), (20, 100))], 1
    )[..., 0, :, :]
    pale = _each(random, batch, 190, 250).expand(-1, 3, -1, -1)
    opacity = (mask + edge) * _each(random, batch, 0.12, 0.75)
    return Layer(opacity.clamp(0, 1), torch.where(dark, brown, pale))


def flakes(batch: int, size: int, random: torch.Generator) -> Layer:
    """Flakes of emulsion that are gone: the paper below, with a ragged hard edge that throws a shadow."""
    cells = int(log_uniform(random, (1,), 2, 9))
    field = clouds(random, batch, size, cells, 5) - _each(random, batch, 0.9, 2.1)
    mask = (field * log_uniform(random, (batch, 1, 1, 1), 4, 20)).clamp(0, 1)
    edge = F.avg_pool2d(mask, 3, 1, 1) - mask
    side = torch.roll(mask, (1, 1), (2, 3)) - torch.roll(mask, (-1, -1), (2, 3))
    light = side * _each(random, batch, -60, 60) - edge.abs() * _each(random, batch, 0, 120)
    paper = colours(batch, random, 0.75) + clouds(random, batch, size, size // 4, 3) * _each(
        random, batch, 1, 9
    )
    return Layer(mask * _each(random, batch, 0.75, 1), paper, light)


def tears(batch: int, size: int, random: torch.Generator) -> Layer:
    """Torn edges and corners: beyond a ragged line lies the ground; the tear itself shows white fibres."""
    first, second = (_across(batch, size, random, 0.5)[0] for _ in range(2))
    corner = _each(random, batch, 0, 1) < 0.5
    apart = torch.where(corner, torch.minimum(first, second), first)
    rough = _each(random, batch, 1.5, 9)
    apart = apart - _each(random, batch, 0.05, 0.3) * size
    apart = apart + clouds(random, batch, size, 5, 5) * rough
    rim = log_uniform(random, (batch, 1, 1, 1), 0.8, 9)
    ragged = rim * (1 + 0.5 * clouds(random, batch, size, size // 6, 3))
    beyond, torn = (apart + 0.5).clamp(0, 1), (apart + ragged + 0.5).clamp(0, 1)
    ground = colours(batch, random, 0.5)
    fibres = _each(random, batch, 200, 255) + clouds(random, batch, size, size // 3, 2) * 8
    colour = ground * beyond + fibres * (1 - beyond)
    shadow = -40 * _each(random, batch, 0, 1) * (-(apart - 2).abs() / 4).exp() * beyond
    return Layer(torn, colour, shadow)


def tape(batch: int, size: int, random: torch.Generator) -> Layer:
    """A strip of old adhesive tape: yellow, half-transparent, straight, its edges marked."""
    apart, along = _across(batch, size, random, 0.4)
    half = log_uniform(random, (batch, 1, 1, 1), 6, 28)
    end = along - _each(random, batch, -0.2, 0.9) * size
    edge = torch.maximum(apart.abs() - half, end + clouds(random, batch, size, 20) * 1.5)
    mask = (0.5 - edge).clamp(0, 1)
    line = (-(edge / 1.2).square()).exp() * _each(random, batch, -60, 60)
    dirt = clouds(random, batch, size, 8, 4) * _each(random, batch, 0, 0.08)
    opacity = (mask * (_each(random, batch, 0.18, 0.6) + dirt)).clamp(0, 1)
    yellow = torch.stack(
        [_each(random, batch, low, high) for low, high in ((150, 240), (120, 215), (50, 150))], 1
    )[..., 0, :, :]
    return Layer(opacity, yellow, line * (mask > 0))


def ink(batch: int, size: int, random: torch.Generator) -> Layer:
    """Strokes of a pen or crayon, and now and then words in a ring: stamps."""
    strokes = 4
    length = log_uniform(random, (batch, strokes), 0.15, 1) * size
    points = curves(
        uniform(random, (batch, strokes, 2), 0, size),
        uniform(random, (batch, strokes), 0, 2 * math.pi),
        length,
        normal(random, (batch, strokes, 2), 0.6) * length[..., None],
        3 * size,
    )
    width = (
        uniform(random, (batch, 1), 1, 6) * uniform(random, (batch, strokes), 0.7, 1.3)
    ).round()
    width = width.where(first_few(random, (batch,), strokes), 0)
    mask = trace(points.flatten(1, 2), width[..., None].expand(-1, -1, 3 * size).flatten(1), size)
    middle = uniform(random, (2, batch, 1, 1, 1), 0, size)
    at = torch.arange(size, device=random.device)
    far = torch.hypot(at.view(1, 1, 1, -1) - middle[0], at.view(1, 1, -1, 1) - middle[1])
    radius = _each(random, batch, 20, 60)
    ring = ((far - radius).abs() < 1.6).float() + (far < radius) * text(batch, size, random)
    worn = clouds(random, batch, size, size // 6) > -1.2
    mask = torch.where(_each(random, batch, 0, 1) < 0.2, ring * worn, mask)
    inks = mask.new_tensor(
        [[25, 35, 110], [20, 20, 25], [150, 30, 40], [245, 245, 240], [60, 40, 120]]
    )
    chosen = torch.randint(len(inks), (batch,), generator=random, device=random.device)
    return Layer(mask.clamp(0, 1) * _each(random, batch, 0.5, 1), inks[chosen].view(-1, 3, 1, 1))


def fingerprints(batch: int, size: int, random: torch.Generator) -> Layer:
    """Ridges of a finger in grease, bright or dark, as wide apart as a scan shows them."""
    middle = uniform(random, (2, batch, 1, 1, 1), 0, size)
    at = torch.arange(size, device=random.device)
    angle = _each(random, batch, 0, math.pi)
    x, y = at.view(1, 1, 1, -1) - middle[0], at.view(1, 1, -1, 1) - middle[1]
    u, v = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
    far = torch.hypot(u / 0.7, v)
    radius = _each(random, batch, 20, 70)
    period = _each(random, batch, 3.5, 9)
    warp = clouds(random, batch, size, 4) * 1.2
    ridges = 0.5 + 0.5 * torch.sin(
        2 * math.pi * torch.hypot(u - 0.2 * radius, 0.8 * v) / period + warp
    )
    inside = ((1 - far / radius) * 4).clamp(0, 1) * (clouds(random, batch, size, 6, 2) + 1.2).clamp(
        0, 1
    )
    opacity = inside * (0.35 + 0.65 * ridges) * _each(random, batch, 0.12, 0.5)
    return Layer(opacity, colours(batch, random, 0.6))


Group = Literal["lines", "patches"]


@dataclass(frozen=True)
class Kind:
    """How a kind is drawn, which output of the network finds it, and in how many damaged crops it is."""

    draw: Draw
    group: Group
    share: float


DAMAGE: dict[str, Kind] = {
    "scratches": Kind(scratches, "lines", 0.3),
    "hairlines": Kind(hairlines, "lines", 0.15),
    "cracks": Kind(cracks, "lines", 0.3),
    "folds": Kind(folds, "lines", 0.25),
    "fibres": Kind(fibres, "lines", 0.2),
    "specks": Kind(specks, "lines", 0.35),
    "spots": Kind(spots, "lines", 0.2),
    "ink": Kind(ink, "lines", 0.06),
    "stains": Kind(stains, "patches", 0.2),
    "flakes": Kind(flakes, "patches", 0.25),
    "tears": Kind(tears, "patches", 0.2),
    "tape": Kind(tape, "patches", 0.06),
    "fingerprints": Kind(fingerprints, "patches", 0.06),
}
GROUPS: tuple[Group, ...] = ("lines", "patches")
"""Outputs of a damage network, in their order: what is thin or small, and what is wide."""
