"""Damage that is thin or small: scratches, cracks, folds, dust, ink; one function a kind.

Sizes are in px of the crop and do not grow with it. What is wide is in `training.data.damage_patches`.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from remend.training.data.damage_layers import (
    Layer,
    colours,
    each,
    line_distances,
    mixed_colours,
)
from remend.training.data.draws import clouds, first_few, log_uniform, normal, uniform
from remend.training.data.masks import scratches as scratch_masks
from remend.training.data.masks import text
from remend.training.data.shapes import curves, trace


def scratches(batch: int, size: int, random: torch.Generator) -> Layer:
    """Long thin scratches and hairs, half of them with dust; worn through in places."""
    worn = clouds(random, batch, size, max(3, size // 24)) * 0.4
    strength = each(random, batch, 0.35, 1.6) + worn
    return Layer(
        scratch_masks(batch, size, random) * strength.clamp(0, 1), colours(batch, random, 0.85)
    )


def hairlines(batch: int, size: int, random: torch.Generator) -> Layer:
    """Straight lines, alone or in bundles, many through the whole picture: how film and glass are scratched.

    From a hair's breadth to that of a nail, half-transparent more often than not.
    """
    lines = 12
    upright = uniform(random, (batch, 1), 0, 1) < 0.5
    turned = uniform(random, (batch, 1), 0, math.pi)
    angle = torch.where(upright, math.pi / 2, turned) + normal(random, (batch, lines), 0.02)
    spread = log_uniform(random, (batch, 1, 1), 0.03, 1) * size
    middle = size / 2 + normal(random, (batch, lines, 2), 0.4) * spread
    middle += normal(random, (batch, 1, 2), 0.2) * size
    length = log_uniform(random, (batch, lines), 0.2, 3) * size
    points = curves(middle, angle, length, normal(random, (batch, lines, 2), 1.0), 3 * size)
    width = log_uniform(random, (batch, 1), 0.7, 4) * log_uniform(random, (batch, lines), 0.7, 1.5)
    width = width.round().clamp_min(1).where(first_few(random, (batch,), lines), 0)
    mask = trace(points.flatten(1, 2), width[..., None].expand(-1, -1, 3 * size).flatten(1), size)
    strength = each(random, batch, 0.15, 0.9) + clouds(random, batch, size, 6) * 0.12
    return Layer(mask * strength.clamp(0, 1), colours(batch, random, 0.75))


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
    relief = side * each(random, batch, -70, 70) - soft * each(random, batch, 0, 50)
    strength = each(random, batch, 0.5, 1.3) + clouds(random, batch, size, size // 12) * 0.25
    return Layer(mask * strength.clamp(0, 1), colours(batch, random, 0.92), relief)


def folds(batch: int, size: int, random: torch.Generator) -> Layer:
    """Nearly straight folds and creases: shading to both sides, the emulsion broken along the edge."""
    apart, along = line_distances(batch, size, random, 0.45)
    bow = each(random, batch, -1, 1) * along.square() / size * 0.15
    apart = apart + bow + clouds(random, batch, size, 5, 3) * each(random, batch, 0, 2.5)
    reach = log_uniform(random, (2, batch, 1, 1, 1), 2, 14)
    light = torch.where(
        apart > 0,
        each(random, batch, -45, 45) * (-apart.abs() / reach[0]).exp(),
        each(random, batch, -45, 45) * (-apart.abs() / reach[1]).exp(),
    )
    broken = clouds(random, batch, size, size // 10, 2) + each(random, batch, -0.7, 2.5)
    half = log_uniform(random, (batch, 1, 1, 1), 0.5, 3.5)
    ragged = half + clouds(random, batch, size, size // 5) * 0.35 * half
    core = (ragged + 0.5 - apart.abs()).clamp(0, 1) * (broken > 0)
    return Layer(core * each(random, batch, 0.4, 1), colours(batch, random, 0.92), light)


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
    return Layer(mask * each(random, batch, 0.4, 1), mixed_colours(batch, size, random, 0.55))


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
    return Layer(mask * each(random, batch, 0.45, 1), mixed_colours(batch, size, random, 0.7))


def spots(batch: int, size: int, random: torch.Generator) -> Layer:
    """Ragged spots and mould of 3 to 15 px, alone or in swarms, with hard or soft rims."""
    cell = int(log_uniform(random, (1,), 3, 14))
    field = clouds(random, batch, size, max(2, size // cell), 2)
    swarm = clouds(random, batch, size, 3) * each(random, batch, 0, 1.2)
    level = each(random, batch, 1.7, 2.9)
    soft = log_uniform(random, (batch, 1, 1, 1), 0.05, 0.5)
    mask = ((field + swarm - level) / soft).clamp(0, 1)
    return Layer(mask * each(random, batch, 0.3, 1), colours(batch, random, 0.55))


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
    radius = each(random, batch, 20, 60)
    ring = ((far - radius).abs() < 1.6).float() + (far < radius) * text(batch, size, random)
    worn = clouds(random, batch, size, size // 6) > -1.2
    mask = torch.where(each(random, batch, 0, 1) < 0.2, ring * worn, mask)
    inks = mask.new_tensor(
        [[25, 35, 110], [20, 20, 25], [150, 30, 40], [245, 245, 240], [60, 40, 120]]
    )
    chosen = torch.randint(len(inks), (batch,), generator=random, device=random.device)
    return Layer(mask.clamp(0, 1) * each(random, batch, 0.5, 1), inks[chosen].view(-1, 3, 1, 1))
