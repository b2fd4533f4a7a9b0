"""Damaged prints made of clean photos, and the truth about where they are damaged.

A crop becomes a print (soft or sharp, grey, sepia or colour, some with the edge of the paper), damage of
several kinds is laid over it, then all of it together is scanned: blurred, grained, compressed. So damage
cannot be told by its sharpness or its grain alone. What counts as damage is what changes the photo visibly;
what changes it a little is neither. Paper edges and frames are no damage. What each kind looks like is in
`training.data.damage_kinds`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple

import torch
from pydantic import AfterValidator
from torch import Tensor
from torch.nn import functional as F

from remend.models.generators.damage import GROUPS, Group
from remend.models.ranges import Share, kinds_of
from remend.training.data.blur_noise import old_photo_look
from remend.training.data.damage_kinds import DAMAGE
from remend.training.data.damage_layers import Layer, colours
from remend.training.data.draws import uniform
from remend.training.data.jpeg import random_jpeg

VISIBLE = 14.0
"""Of 255: a change of luma or colour from here on is damage."""
HARDLY_SEEN = 5.0
"""Of 255: a change below it is none. In between a network may say what it likes."""
COVERED = 0.1
"""From this opacity on a layer covers the photo, whether that is seen or not."""


@dataclass(frozen=True)
class DamageConfig:
    """How photos become damaged prints."""

    shares: Annotated[Mapping[str, Share], AfterValidator(kinds_of(DAMAGE))] = field(
        default_factory=lambda: {name: kind.share for name, kind in DAMAGE.items()}
    )
    """Kind in `DAMAGE` -> share of the damaged crops that have it."""
    lone_share: Share = 0.6
    """Share of the damaged crops with one kind alone: else one is only believed where others are seen."""
    clean_share: Share = 0.5
    """Share of crops without damage: photos are full of wires, whiskers and highlights."""
    soft_share: Share = 0.4
    """Share of batches enlarged from fewer pixels: scans have more pixels than prints have detail."""
    old_share: Share = 0.5
    """Share of crops that are grey or sepia."""
    frame_share: Share = 0.15
    """Share of crops with a straight edge of the paper or an album's page in them."""


class DamagedPrints(NamedTuple):
    """What a damage network learns from."""

    scans: Tensor
    """(B, 3, S, S) uint8."""
    truth: Tensor
    """(B, 3, S, S) float32 {0, 1}, where damage of each of `GROUPS` is."""
    certain: Tensor
    """(B, 3, S, S) float32 {0, 1}, where the truth counts."""


def soften(crops: Tensor, share: float, side: int, random: torch.Generator) -> Tensor:
    """A batch of crops (B, 3, S, S) uint8 at ``side`` px: by chance its middle, enlarged to that."""
    chance, zoom = map(float, uniform(random, (2,), 0, 1).cpu().unbind())
    if chance >= share:
        return crops
    inner = round(side / (1.3 + 1.2 * zoom))
    start = (side - inner) // 2
    window = crops[:, :, start : start + inner, start : start + inner].float()
    wide = F.interpolate(window, side, mode="bicubic", align_corners=False)
    return wide.round().clamp(0, 255).to(torch.uint8)


def damage_prints(crops: Tensor, config: DamageConfig, random: torch.Generator) -> DamagedPrints:
    """Make damaged prints of clean crops.

    Args:
        crops: (B, 3, S, S) uint8.
        config: What is done, and how often.
        random: Source of all randomness; may live on another device.
    """
    batch, _, size, _ = crops.shape
    crops = soften(crops, config.soft_share, size, random)
    photo = old_photo_look(crops, config.old_share, random).float()
    photo = lay_frames(photo, config.frame_share, random)
    truth = photo.new_zeros(batch, len(GROUPS), size, size)
    seen = torch.zeros_like(truth)
    damaged = uniform(random, (batch,), 0, 1) >= config.clean_share
    has = draw_kinds(config, batch, random) & damaged
    order = torch.randperm(len(config.shares), generator=random, device=random.device)
    names = list(config.shares)
    for name in (names[int(number)] for number in order.cpu().unbind()):
        kind = DAMAGE[name]
        chosen = has[names.index(name)].nonzero()[:, 0].to(photo.device)
        if not len(chosen):
            continue
        before = photo[chosen]
        layer = kind.draw(len(chosen), size, random)
        photo[chosen] = after = lay(before, layer)
        marked, noticed = what_shows(before, after, layer, kind.group)
        group = GROUPS.index(kind.group)
        truth[chosen, group] = truth[chosen, group].maximum(marked)
        seen[chosen, group] = seen[chosen, group].maximum(noticed)
    certain = (truth == seen).float()
    # Where damage of one group lies on damage of another, either is right.
    certain *= (truth == truth.amax(1, keepdim=True)).float()
    return DamagedPrints(scan(photo, random), truth, certain)


def draw_kinds(config: DamageConfig, batch: int, random: torch.Generator) -> Tensor:
    """Which of the kinds in ``config.shares`` damaged crops have, (kinds, B) bool."""
    shares = torch.tensor([*config.shares.values()], device=random.device)[:, None]
    several = uniform(random, (len(shares), batch), 0, 1) < shares
    if not shares.any():
        return several
    one = torch.multinomial(shares[:, 0], batch, replacement=True, generator=random)
    alone = torch.arange(len(shares), device=random.device)[:, None] == one
    lone = uniform(random, (batch,), 0, 1) < config.lone_share
    return torch.where(lone, alone, several)


def what_shows(before: Tensor, after: Tensor, layer: Layer, group: Group) -> tuple[Tensor, Tensor]:
    """Where damage is seen, and where it may be: (n, S, S) each, 0 or 1.

    Where a layer happens to have the photo's colour nothing is seen, but what lies around says that it is
    there: a network may mark it. And what is fainter than the texture around it may be missed.
    """
    change = (after - before).abs().amax(1)
    covered = layer.opacity[:, 0].to(change.device) > COVERED
    if group != "lines":  # wide things have smooth outlines, whatever the photo below them
        change = F.avg_pool2d(change, 5, 1, 2)
        drowned = torch.zeros_like(covered)
    else:
        drowned = change < texture_of(before)
    marked = (change >= VISIBLE) & ~drowned
    return marked.float(), (marked | covered | (change > HARDLY_SEEN)).float()


def texture_of(photo: Tensor) -> Tensor:
    """Standard deviation of the grey values around each pixel: (n, S, S) for (n, 3, S, S)."""
    grey = photo.mean(1, keepdim=True)
    cells = F.avg_pool2d(torch.cat((grey, grey.square()), 1), 8, ceil_mode=True)
    mean, square = cells[:, :1], cells[:, 1:]
    deviation = (square - mean.square()).clamp_min(0).sqrt()
    return F.interpolate(deviation, photo.shape[-2:], mode="bilinear", align_corners=False)[:, 0]


def lay(photo: Tensor, layer: Layer) -> Tensor:
    """A layer of damage over photos (n, 3, S, S), 0 to 255."""
    opacity, colour, light = (torch.as_tensor(part).to(photo.device) for part in layer)
    mixed = photo + (colour - photo) * opacity + light
    return mixed.clamp_(0, 255)


def lay_frames(photo: Tensor, share: float, random: torch.Generator) -> Tensor:
    """Put the straight edge or corner of a print, and what lies beyond, into a share of the crops."""
    batch, _, size, _ = photo.shape
    draws = uniform(random, (batch, 9, 1, 1, 1), 0, 1).to(photo.device).unbind(1)
    chosen, tilt, reach, other, rounded, flip, margin, line, textured = draws
    at = torch.arange(size, device=photo.device)
    x, y = at.view(1, 1, 1, -1), at.view(1, 1, -1, 1)
    slope = (tilt - 0.5) * 0.04
    side = (0.03 + 0.3 * reach) * size - x + slope * y
    top = (0.03 + 0.3 * other) * size - y - slope * x
    both = torch.maximum(side, top)
    curve = 4 + 30 * rounded
    corner = torch.hypot((side + curve).clamp_min(0), (top + curve).clamp_min(0)) - curve
    edge = torch.where(rounded < 0.4, side, torch.where(rounded < 0.7, both, corner))
    edge = torch.where(flip < 0.25, edge, torch.where(flip < 0.5, edge.flip(3), edge))
    edge = torch.where((flip >= 0.5) & (flip < 0.75), edge.flip(2), edge)
    edge = torch.where(flip >= 0.75, edge.flip((2, 3)), edge)
    paper, ground = (colours(batch, random, 0.6).to(photo.device) for _ in range(2))
    noise = torch.randn(batch, 1, size, size, generator=random, device=random.device)
    paper = paper + noise.to(photo.device) * 4 * textured
    width = torch.where(margin < 0.5, 0.0, 40 * (margin - 0.5))
    beyond = torch.where(edge > width, ground, paper)
    framed = torch.where(edge > 0, beyond, photo)
    drawn = (line < 0.3) & ((edge + 3 + 5 * tilt).abs() < 0.8)
    framed = torch.where(drawn, ground, framed)
    return torch.where(chosen < share, framed.clamp(0, 255), photo)


def scan(photo: Tensor, random: torch.Generator) -> Tensor:
    """What a scanner and a file make of prints (B, 3, S, S), 0 to 255: blur, grain, compression; uint8."""
    batch = len(photo)
    draws = uniform(random, (batch, 4, 1, 1, 1), 0, 1).to(photo.device).unbind(1)
    blur, grain, coarse, coloured = draws
    for _ in range(2):
        mean = F.avg_pool2d(F.pad(photo, (1, 1, 1, 1), "replicate"), 3, 1)
        photo = torch.lerp(photo, mean, (1.4 * blur - 0.4).clamp(0, 1))
    noise = torch.randn(tuple(photo.shape), generator=random, device=random.device)
    noise = noise.to(photo.device)
    noise = torch.where(coloured < 0.3, noise, noise[:, :1])
    smooth = 2.4 * F.avg_pool2d(F.pad(noise, (1, 1, 1, 1), "reflect"), 3, 1)
    noise = torch.lerp(noise, smooth, coarse)
    photo = photo + noise * 12 * grain.square()
    scans = photo.round_().clamp_(0, 255).to(torch.uint8)
    return random_jpeg(scans, 0.6, (45, 97), random)
