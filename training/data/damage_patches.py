"""Damage that is wide: stains, flakes, tears, tape, fingerprints; one function a kind.

Sizes are in px of the crop and do not grow with it. What is thin is in `training.data.damage_lines`.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from remend.training.data.damage_layers import Layer, colours, each, line_distances
from remend.training.data.draws import clouds, first_few, log_uniform, uniform


def _blots(batch: int, size: int, random: torch.Generator) -> Tensor:
    """Px inside the nearest rim of one to three blots a sample, negative outside: (B, 1, S, S)."""
    most = 3
    middle = uniform(random, (2, batch, most, 1, 1), -0.1 * size, 1.1 * size)
    radius = log_uniform(random, (batch, most, 1, 1), 10, 0.4 * size)
    count = first_few(random, (batch,), most)[..., None, None]
    at = torch.arange(size, device=random.device)
    far = torch.hypot(at.view(1, 1, 1, -1) - middle[0], at.view(1, 1, -1, 1) - middle[1])
    inside = (radius - far).where(count, -2.0 * size).amax(1, keepdim=True)
    return inside + clouds(random, batch, size, size // 40, 4) * each(random, batch, 1, 14)


def stains(batch: int, size: int, random: torch.Generator) -> Layer:
    """Water stains and foxing, over much of the print or a few blots of it.

    Half-transparent, with an edge that can be seen and is often darker.
    """
    cells, octaves = int(uniform(random, (1,), 2, 7)), int(uniform(random, (1,), 1, 6))
    field = clouds(random, batch, size, cells, octaves) - each(random, batch, 0.3, 1.5)
    field = field / log_uniform(random, (batch, 1, 1, 1), 0.015, 0.3)
    blots = _blots(batch, size, random) / log_uniform(random, (batch, 1, 1, 1), 0.6, 6)
    field = torch.where(each(random, batch, 0, 1) < 0.6, blots, field)
    mask = torch.sigmoid(field) * (0.85 + 0.15 * clouds(random, batch, size, 6, 3))
    edge = (-(field / 1.5).square()).exp() * each(random, batch, -0.2, 0.6).clamp_min(0)
    dark = each(random, batch, 0, 1) < 0.6
    brown = torch.stack(
        [each(random, batch, low, high) for low, high in ((60, 150), (45, 125), (20, 100))], 1
    )[..., 0, :, :]
    pale = each(random, batch, 185, 250).expand(-1, 3, -1, -1)
    opacity = (mask + edge) * each(random, batch, 0.2, 0.8)
    return Layer(opacity.clamp(0, 1), torch.where(dark, brown, pale))


def flakes(batch: int, size: int, random: torch.Generator) -> Layer:
    """Flakes of emulsion that are gone: the paper below, with a ragged hard edge that throws a shadow."""
    cells = int(log_uniform(random, (1,), 2, 9))
    field = clouds(random, batch, size, cells, 5) - each(random, batch, 0.9, 2.1)
    mask = (field * log_uniform(random, (batch, 1, 1, 1), 4, 20)).clamp(0, 1)
    edge = F.avg_pool2d(mask, 3, 1, 1) - mask
    side = torch.roll(mask, (1, 1), (2, 3)) - torch.roll(mask, (-1, -1), (2, 3))
    light = side * each(random, batch, -60, 60) - edge.abs() * each(random, batch, 0, 120)
    paper = colours(batch, random, 0.75) + clouds(random, batch, size, size // 4, 3) * each(
        random, batch, 1, 9
    )
    return Layer(mask * each(random, batch, 0.75, 1), paper, light)


def tears(batch: int, size: int, random: torch.Generator) -> Layer:
    """Torn edges and corners: beyond a ragged line lies the ground; the tear itself shows white fibres."""
    first, second = (line_distances(batch, size, random, 0.4)[0] for _ in range(2))
    corner = each(random, batch, 0, 1) < 0.5
    apart = torch.where(corner, torch.minimum(first, second), first)
    # From a clean tear in long waves to one that is frayed at every pixel.
    cells, octaves = int(uniform(random, (1,), 2, 8)), int(uniform(random, (1,), 1, 6))
    rough = log_uniform(random, (batch, 1, 1, 1), 0.8, 14)
    apart = apart - each(random, batch, 0.05, 0.3) * size
    apart = apart + clouds(random, batch, size, cells, octaves) * rough
    rim = log_uniform(random, (batch, 1, 1, 1), 0.8, 9)
    frayed = each(random, batch, -0.4, 0.6).clamp_min(0)
    ragged = rim * (1 + frayed * clouds(random, batch, size, size // 6, 3))
    beyond, torn = (apart + 0.5).clamp(0, 1), (apart + ragged + 0.5).clamp(0, 1)
    ground = torch.where(
        each(random, batch, 0, 1) < 0.7, colours(batch, random, 0.5), each(random, batch, 20, 240)
    )
    fibres = each(random, batch, 200, 255) + clouds(random, batch, size, size // 3, 2) * frayed * 16
    colour = ground * beyond + fibres * (1 - beyond)
    depth = each(random, batch, -40, 40).clamp_min(0)  # a print that lies flat throws no shadow
    shadow = -depth * (-(apart - 2).abs() / 4).exp() * beyond
    return Layer(torn, colour, shadow)


def tape(batch: int, size: int, random: torch.Generator) -> Layer:
    """A strip of old adhesive tape: yellow, half-transparent, straight, its edges marked."""
    apart, along = line_distances(batch, size, random, 0.4)
    half = log_uniform(random, (batch, 1, 1, 1), 6, 28)
    end = along - each(random, batch, -0.2, 0.9) * size
    edge = torch.maximum(apart.abs() - half, end + clouds(random, batch, size, 20) * 1.5)
    mask = (0.5 - edge).clamp(0, 1)
    line = (-(edge / 1.2).square()).exp() * each(random, batch, -60, 60)
    dirt = clouds(random, batch, size, 8, 4) * each(random, batch, 0, 0.08)
    opacity = (mask * (each(random, batch, 0.18, 0.6) + dirt)).clamp(0, 1)
    yellow = torch.stack(
        [each(random, batch, low, high) for low, high in ((150, 240), (120, 215), (50, 150))], 1
    )[..., 0, :, :]
    return Layer(opacity, yellow, line * (mask > 0))


def fingerprints(batch: int, size: int, random: torch.Generator) -> Layer:
    """Ridges of a finger in grease, bright or dark, as wide apart as a scan shows them."""
    middle = uniform(random, (2, batch, 1, 1, 1), 0, size)
    at = torch.arange(size, device=random.device)
    angle = each(random, batch, 0, math.pi)
    x, y = at.view(1, 1, 1, -1) - middle[0], at.view(1, 1, -1, 1) - middle[1]
    u, v = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
    far = torch.hypot(u / 0.7, v)
    radius = each(random, batch, 20, 70)
    period = each(random, batch, 3.5, 9)
    warp = clouds(random, batch, size, 4) * 1.2
    ridges = 0.5 + 0.5 * torch.sin(
        2 * math.pi * torch.hypot(u - 0.2 * radius, 0.8 * v) / period + warp
    )
    inside = ((1 - far / radius) * 4).clamp(0, 1) * (clouds(random, batch, size, 6, 2) + 1.2).clamp(
        0, 1
    )
    opacity = inside * (0.35 + 0.65 * ridges) * each(random, batch, 0.12, 0.5)
    return Layer(opacity, colours(batch, random, 0.6))
