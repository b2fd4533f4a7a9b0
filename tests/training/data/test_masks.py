"""Facts about random holes: binary, reproducible, inside their coverage, of known widths."""

import pytest
import torch
from torch import Tensor

from remend.training.data.masks import HOLES, HoleSampler


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
