"""Damage drawn with OpenCV, to measure a network that has learned from another generator's.

Nothing is shared with `remend.training.data.damage_kinds`: other shapes (polygons broken by displaced
midpoints, splines, ellipses, trees), antialiased, one photo at a time.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]
Points = NDArray[np.float64]

VISIBLE = 14
"""Of 255: from this change on a pixel is damaged."""


class Drawn(NamedTuple):
    """A photo with damage of one kind, (H, W, 3) uint8, and where it is, (H, W) bool."""

    photo: NDArray[np.uint8]
    damaged: NDArray[np.bool_]


def _tone(dice: np.random.Generator, bright: float = 0.7) -> Field:
    level = dice.uniform(185, 250) if dice.random() < bright else dice.uniform(5, 60)
    return np.array(
        (level, level * dice.uniform(0.93, 1), level * dice.uniform(0.8, 1)), np.float32
    )


def _point(dice: np.random.Generator, height: int, width: int) -> Points:
    return dice.uniform((-0.1 * width, -0.1 * height), (1.1 * width, 1.1 * height))


def _broken(begin: Points, end: Points, rough: float, dice: np.random.Generator) -> Points:
    """A line whose midpoints are displaced again and again, half as far each time."""
    points = np.stack((begin, end))
    reach = rough * float(np.linalg.norm(end - begin))
    while len(points) < 200:
        middles = (points[:-1] + points[1:]) / 2 + dice.normal(0, reach, (len(points) - 1, 2))
        joined = np.empty((2 * len(points) - 1, 2))
        joined[::2], joined[1::2] = points, middles
        points, reach = joined, reach / 2
    return points


def _line(mask: Field, points: Points, width: int, strength: float = 1.0) -> None:
    canvas = np.zeros(mask.shape, np.uint8)
    cv2.polylines(
        canvas, [np.round(points * 8).astype(np.int32)], False, 255, width, cv2.LINE_AA, 3
    )
    np.maximum(mask, canvas.astype(np.float32) / 255 * strength, out=mask)


def _cover(photo: Field, mask: Field, tone: Field) -> Field:
    return photo + (tone - photo) * mask[..., None]


def straight_scratches(photo: Field, dice: np.random.Generator) -> Field:
    """Ruled lines of one to three pixels, one way or any."""
    height, width = photo.shape[:2]
    mask = np.zeros((height, width), np.float32)
    way = dice.uniform(0, math.pi)
    for _ in range(int(dice.integers(2, 8))):
        angle = way + dice.normal(0, 0.1) if dice.random() < 0.5 else dice.uniform(0, math.pi)
        begin = _point(dice, height, width)
        reach = dice.uniform(0.2, 1.2) * max(height, width)
        end = begin + reach * np.array((math.cos(angle), math.sin(angle)))
        _line(mask, np.stack((begin, end)), int(dice.integers(1, 4)), dice.uniform(0.4, 1))
    return _cover(photo, mask, _tone(dice, 0.8))


def crack_trees(photo: Field, dice: np.random.Generator) -> Field:
    """A crack from edge to edge with twigs, and a shadow beside it."""
    height, width = photo.shape[:2]
    mask = np.zeros((height, width), np.float32)
    main = _broken(_point(dice, height, width), _point(dice, height, width), 0.06, dice)
    _line(mask, main, int(dice.integers(2, 5)))
    for _ in range(int(dice.integers(2, 7))):
        root = main[int(dice.integers(len(main)))]
        end = root + dice.normal(0, 0.2, 2) * (width, height)
        _line(mask, _broken(root, end, 0.08, dice), int(dice.integers(1, 3)), dice.uniform(0.5, 1))
    shadow = np.roll(mask, (1, 2), (0, 1)) * (1 - mask) * dice.uniform(0, 45)
    return _cover(photo, mask, _tone(dice, 0.9)) - shadow[..., None]


def creases(photo: Field, dice: np.random.Generator) -> Field:
    """A fold: light on one side, shade on the other, dots of bare paper along it."""
    height, width = photo.shape[:2]
    begin, end = _point(dice, height, width), _point(dice, height, width)
    along = (end - begin) / max(1.0, float(np.linalg.norm(end - begin)))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    apart = ((x - begin[0]) * along[1] - (y - begin[1]) * along[0]).astype(np.float32)
    reach = dice.uniform(3, 10)
    light = np.sign(apart) * np.exp(-np.abs(apart) / reach) * dice.uniform(15, 40)
    mask = np.zeros((height, width), np.float32)
    for _ in range(int(dice.integers(20, 80))):
        at = begin + along * dice.uniform(0, 1.3 * max(height, width)) + dice.normal(0, 0.8, 2)
        _line(mask, np.stack((at, at + along * dice.uniform(1, 20))), int(dice.integers(1, 4)))
    return _cover(photo + light[..., None], mask, _tone(dice, 1.0))


def dust(photo: Field, dice: np.random.Generator) -> Field:
    """Small ellipses, each of its own tone."""
    height, width = photo.shape[:2]
    for _ in range(int(dice.integers(10, 120))):
        mask = np.zeros((height, width), np.float32)
        middle = tuple(int(side) for side in dice.uniform((0, 0), (width * 8, height * 8)))
        axes = tuple(int(side) for side in dice.uniform(5, 26, 2))
        cv2.ellipse(mask, middle, axes, dice.uniform(0, 180), 0, 360, 1.0, -1, cv2.LINE_AA, 3)
        photo = _cover(photo, np.clip(mask, 0, 1) * dice.uniform(0.6, 1), _tone(dice, 0.75))
    return photo


def hairs(photo: Field, dice: np.random.Generator) -> Field:
    """Arcs and loops as thin as hairs."""
    height, width = photo.shape[:2]
    mask = np.zeros((height, width), np.float32)
    for _ in range(int(dice.integers(1, 6))):
        turn = np.cumsum(dice.normal(dice.normal(0, 0.04), 0.05, 150))
        heading = dice.uniform(0, 2 * math.pi) + turn
        steps = np.stack((np.cos(heading), np.sin(heading)), -1) * dice.uniform(0.4, 1.4)
        _line(mask, _point(dice, height, width) + steps.cumsum(0), int(dice.integers(1, 3)))
    return _cover(photo, mask * dice.uniform(0.6, 1), _tone(dice, 0.5))


def _polygon(middle: Points, radius: float, rough: float, dice: np.random.Generator) -> Points:
    angles = np.sort(dice.uniform(0, 2 * math.pi, 9))
    corners = radius * dice.uniform(0.6, 1.3, 9)[:, None]
    points = middle + corners * np.stack((np.cos(angles), np.sin(angles)), -1)
    ring = np.vstack((points, points[:1]))
    sides = [_broken(a, b, rough, dice) for a, b in itertools.pairwise(ring)]
    return np.vstack(sides)


def _area(shape: tuple[int, int], points: Points) -> Field:
    mask = np.zeros(shape, np.float32)
    cv2.fillPoly(mask, [np.round(points * 8).astype(np.int32)], 1.0, cv2.LINE_AA, 3)
    return np.clip(mask, 0, 1)


def water_stains(photo: Field, dice: np.random.Generator) -> Field:
    """Blurred polygons with a darker rim."""
    height, width = photo.shape[:2]
    for _ in range(int(dice.integers(1, 4))):
        points = _polygon(_point(dice, height, width), dice.uniform(20, 90), 0.15, dice)
        inner = cv2.GaussianBlur(_area((height, width), points), (0, 0), dice.uniform(1.5, 8))
        rim = 4 * inner * (1 - inner)
        mask = inner * dice.uniform(0.2, 0.5) + rim * dice.uniform(0, 0.4)
        brown = np.array(
            (dice.uniform(80, 150), dice.uniform(60, 120), dice.uniform(30, 80)), np.float32
        )
        tone = brown if dice.random() < 0.6 else _tone(dice, 1.0)
        photo = _cover(photo, np.clip(mask, 0, 1), tone)
    return photo


def missing_flakes(photo: Field, dice: np.random.Generator) -> Field:
    """Ragged polygons of bare paper with grain of their own."""
    height, width = photo.shape[:2]
    paper = _tone(dice, 0.85) + dice.normal(0, 4, (height, width, 1)).astype(np.float32)
    for _ in range(int(dice.integers(1, 7))):
        points = _polygon(_point(dice, height, width), dice.uniform(4, 45), 0.12, dice)
        mask = _area((height, width), points)
        rim = np.clip(np.roll(mask, (2, 2), (0, 1)) - mask, 0, 1) * dice.uniform(0, 60)
        photo = photo + (paper - photo) * mask[..., None] - rim[..., None]
    return photo


def torn_corners(photo: Field, dice: np.random.Generator) -> Field:
    """A corner torn off, with a white seam of fibres."""
    height, width = photo.shape[:2]
    right, low = dice.random() < 0.5, dice.random() < 0.5
    corner = np.array((width * right, height * low), np.float64)
    inward = np.array((-1.0 if right else 1.0, -1.0 if low else 1.0))
    a = corner + inward * (dice.uniform(0.15, 0.5) * width, 0)
    b = corner + inward * (0, dice.uniform(0.15, 0.5) * height)
    tear = _broken(a, b, 0.05, dice)
    mask = _area((height, width), np.vstack((tear, corner[None])))
    seam = np.zeros((height, width), np.float32)
    _line(seam, tear, int(dice.integers(2, 7)))
    photo = _cover(photo, mask, _tone(dice, 0.5))
    return _cover(photo, seam, np.full(3, dice.uniform(215, 250), np.float32))


DRAWINGS: dict[str, Callable[[Field, np.random.Generator], Field]] = {
    "straight scratches": straight_scratches,
    "crack trees": crack_trees,
    "creases": creases,
    "dust": dust,
    "hairs": hairs,
    "water stains": water_stains,
    "missing flakes": missing_flakes,
    "torn corners": torn_corners,
}


def draw_damage(photo: NDArray[np.uint8], kind: str, seed: int) -> Drawn:
    """A photo (H, W, 3) with damage of that kind, scanned; every other one grey, all soft and grainy."""
    dice = np.random.default_rng(seed)
    clean = photo.astype(np.float32)
    if seed % 2:
        grey = clean @ np.array((0.299, 0.587, 0.114), np.float32)
        clean = grey[..., None] * np.array((1, 0.97, dice.uniform(0.75, 1)), np.float32)
    drawn = np.clip(DRAWINGS[kind](clean.copy(), dice), 0, 255)
    damaged = np.abs(drawn - clean).max(2) >= VISIBLE
    scan = cv2.GaussianBlur(drawn, (0, 0), dice.uniform(0.3, 0.9))
    scan = scan + dice.normal(0, dice.uniform(0.5, 4), (*scan.shape[:2], 1))
    _, coded = cv2.imencode(
        ".jpg", np.clip(scan, 0, 255).astype(np.uint8)[..., ::-1],
        [cv2.IMWRITE_JPEG_QUALITY, int(dice.integers(75, 96))],
    )  # fmt: skip
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    assert decoded is not None
    return Drawn(np.asarray(decoded[..., ::-1], np.uint8), damaged)
