"""Facts about random holes: binary, reproducible, inside their coverage, of known widths."""

from collections.abc import Mapping

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from remend.training.data.masks import HOLES, HoleSampler
from remend.training.recipe.parse import read_recipe
from remend.training.recipe.schema import HolesConfig
from tests.helpers.paths import RECIPES


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def widest(holes: Tensor) -> Tensor:
    """Diameter in px of the largest square that fits into each hole."""
    side = torch.zeros(len(holes))
    left = holes
    while left.any():
        side += left.amax(dim=(1, 2, 3))
        left = 1 - torch.nn.functional.max_pool2d(1 - left, 2, 1)
    return side


@pytest.mark.parametrize("kind", HOLES)
@pytest.mark.parametrize("size", [8, 50, 128])
def test_every_kind_is_binary_and_follows_from_the_generator(kind: str, size: int):
    holes = HOLES[kind](6, size, dice(1))
    assert holes.shape == (6, 1, size, size) and holes.dtype == torch.float32
    assert ((holes == 0) | (holes == 1)).all()
    assert torch.equal(holes, HOLES[kind](6, size, dice(1)))
    assert not torch.equal(HOLES[kind](6, size, dice(2)), HOLES[kind](6, size, dice(3)))


@pytest.mark.parametrize("kind", HOLES)
def test_every_kind_reaches_every_part_of_a_crop(kind: str):
    ever = HOLES[kind](400, 64, dice()).mean(dim=(0, 1))
    blocks = ever.view(8, 8, 8, 8).mean(dim=(1, 3))
    assert blocks.min() > 0.25 * blocks.mean()


def test_scratches_are_thin_and_strokes_are_wide():
    sampler = {kind: HoleSampler({kind: 1}, (0.003, 0.6)) for kind in ("scratches", "strokes")}
    thin = widest(sampler["scratches"].sample(100, 128, dice()))
    wide = widest(sampler["strokes"].sample(100, 128, dice()))
    assert thin.median() <= 6  # crossings are wider than one scratch
    assert 8 <= wide.median() <= 26


def test_what_people_paint_over_things_is_thick_and_in_one_piece():
    for kind, pieces in (("compact", 1), ("painted", 2)):
        holes = HoleSampler({kind: 1}, (0.05, 0.5)).sample(100, 128, dice())
        assert widest(holes).median() >= 25
        counts = [
            cv2.connectedComponents(hole[0].numpy().astype(np.uint8))[0] - 1 for hole in holes
        ]
        assert np.mean([count <= pieces for count in counts]) > 0.9


def test_a_person_is_higher_than_wide_before_the_sampler_turns_it():
    figures = HOLES["persons"](300, 128, dice())
    # Wholly inside, apart from others: outlines whose rim is free.
    rim = figures.clone()
    rim[..., 1:-1, 1:-1] = 0
    whole = figures[(rim.sum((1, 2, 3)) == 0) & (figures.sum((1, 2, 3)) < 2500)]
    assert len(whole) >= 5
    heights = whole.amax((1, 3)).sum(1)
    widths = whole.amax((1, 2)).sum(1)
    assert float((heights / widths).median()) > 1.3


def test_stamps_are_low_and_long_and_their_boxes_full():
    stamps = HOLES["stamps"](300, 128, dice())
    seen = stamps[stamps.sum((1, 2, 3)) > 0]
    assert len(seen) > 240
    heights, widths = seen.amax((1, 3)).sum(1), seen.amax((1, 2)).sum(1)
    assert heights.max() <= 45
    assert widths.median() > 2 * heights.median()
    full = seen.sum((1, 2, 3)) == heights * widths
    assert 0.2 < full.float().mean() < 0.6


def test_the_recipe_of_texture_has_more_holes_of_15_to_35_per_cent():
    def large(shares: Mapping[str, float]) -> float:
        share = HoleSampler(shares, (0.005, 0.5)).sample(600, 128, dice()).mean((1, 2, 3))
        return float(((share > 0.15) & (share < 0.35)).float().mean())

    texture = read_recipe(RECIPES / "fill-gan.toml").holes.shares
    assert large(texture) > large(HolesConfig().shares) + 0.05
    assert {"compact", "painted", "persons", "stamps"} <= set(texture)


@pytest.mark.parametrize("coverage", [(0.005, 0.5), (0.05, 0.15), (0.3, 0.4), (0.0, 0.02)])
@pytest.mark.parametrize("size", [16, 96])
def test_a_sampler_keeps_its_coverage_and_never_hands_out_an_empty_hole(
    coverage: tuple[float, float], size: int
):
    sampler = HoleSampler(dict.fromkeys(HOLES, 1.0), coverage)
    holes = sampler.sample(64, size, dice())
    share = holes.mean(dim=(1, 2, 3))
    assert ((holes == 0) | (holes == 1)).all()
    assert (share > 0).all()
    slack = 1.5 / size  # a fallback box is a whole number of pixels wide and high
    assert (share >= coverage[0] - slack).all() and (share <= coverage[1] + slack).all()


def test_a_single_pixel_is_no_trouble():
    assert HoleSampler({"boxes": 1}, (0.005, 0.5)).sample(3, 1, dice()).sum() == 3


def test_shares_are_what_they_say():
    drawn = dict.fromkeys(HOLES, 0)
    table = {name: HOLES[name] for name in HOLES}

    def count(name: str):
        def draw(batch: int, size: int, random: torch.Generator) -> Tensor:
            drawn[name] += batch
            return table[name](batch, size, random)

        return draw

    sampler = HoleSampler({"boxes": 3, "blobs": 1, "text": 0}, (0.0, 1.0))
    sampler._kinds = [count("boxes"), count("blobs"), count("text")]
    sampler.sample(800, 16, dice())
    assert drawn["text"] == drawn["strokes"] == 0
    assert 2.3 < drawn["boxes"] / drawn["blobs"] < 3.9


def test_the_sampler_follows_from_the_generator_state():
    sampler = HoleSampler(dict.fromkeys(HOLES, 1.0), (0.05, 0.3))
    random = dice(9)
    sampler.sample(5, 40, random)
    state = random.get_state()
    first = sampler.sample(5, 40, random)
    random.set_state(state)
    assert torch.equal(first, sampler.sample(5, 40, random))


@pytest.mark.parametrize(
    ("shares", "coverage", "word"),
    [
        ({"stroke": 1.0}, (0.0, 1.0), "unknown kinds"),
        ({}, (0.0, 1.0), "positive"),
        ({"text": 0.0}, (0.0, 1.0), "positive"),
        ({"text": 1.0, "boxes": -1.0}, (0.0, 1.0), "positive"),
        ({"text": 1.0}, (0.5, 0.5), "coverage"),
        ({"text": 1.0}, (0.0, 1.1), "coverage"),
    ],
)
def test_a_wrong_recipe_is_refused(shares: dict[str, float], coverage: tuple, word: str):
    with pytest.raises(ValueError, match=word):
        HoleSampler(shares, coverage)
