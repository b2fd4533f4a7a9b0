"""The validation: always the same crops, and scores that mean what they say."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from remend.models.checkpoints.registry import build_network
from remend.models.device import Placement
from remend.models.generators.upscale import Upscaled
from remend.training.data.photo_store import PhotoStore
from remend.training.finetune.outcome import Outcome, compare, is_better
from remend.training.finetune.validation import (
    CROPS,
    FILLED_PX,
    Score,
    Validation,
    colour_drift,
    lost_colours,
    validation_px,
)
from remend.training.recipe.parse import parse_recipe
from remend.training.recipe.schema import Recipe

FP32 = Placement(torch.device("cpu"), torch.float32, "tests are exact")
NETWORK = {"scale": 2, "width": 8, "blocks": 1}


class Shifted(nn.Module):
    """A generator whose red is too bright by some steps of 8 bit."""

    def __init__(self, network: nn.Module, levels: float) -> None:
        super().__init__()
        self.network, self.levels = network, levels

    def forward(self, image: Tensor) -> Upscaled:
        made = (
            self.network(image).refined + torch.tensor([self.levels / 127.5, 0, 0])[:, None, None]
        )
        return Upscaled(made, made)


@pytest.fixture(scope="module")
def photos(photo_files: Sequence[Path]) -> PhotoStore:
    return PhotoStore.load(photo_files, min_side=64)


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    table = {"task": "upscale", "architecture": "upscale", "images": 64, "generator": NETWORK}
    return parse_recipe({**table, "data": {"crop": 32}, "losses": {"l1": 1.0}})


def test_the_crops_are_always_the_same_and_cover_all_photos(
    photos: PhotoStore, recipe: Recipe
) -> None:
    one, two = (Validation(recipe, photos, FP32, 32) for _ in range(2))
    assert len(one.batches) == len(photos) and one.crops == CROPS // len(photos) * len(photos)
    for mine, theirs in zip(one.batches, two.batches, strict=True):
        assert torch.equal(mine.target, theirs.target)
        assert torch.equal(mine.inputs[0], theirs.inputs[0])
    network = build_network("upscale", NETWORK)
    (score, sheet), (again, _) = one.take(network), one.take(network)
    assert score == again and score.distance is None and score.value == score.psnr
    assert sheet.shape == (len(photos), 4, 3, 32, 32)
    assert Score.from_list(score.as_list()) == score


def test_a_fill_is_validated_on_larger_crops_than_it_learns_from(
    photos: PhotoStore, recipe: Recipe
) -> None:
    fill = parse_recipe(
        {
            "task": "fill", "architecture": "inpaint", "images": 64, "losses": {"l1_hole": 1.0},
            "data": {"crop": 32},
        }
    )  # fmt: skip
    side = min(FILLED_PX, photos.shortest_side) // 8 * 8
    assert side > 32 and validation_px(fill, photos) == side and validation_px(recipe, photos) == 32
    small, large = (Validation(fill, photos, FP32, px) for px in (32, side))
    assert {batch.target.shape[-1] for batch in large.batches} == {side}
    assert small.training_crops == small.crops > large.crops == 2 * len(photos)
    assert large.training_crops == round(large.crops * (side / 32) ** 2)


def test_a_photo_counts_once_and_its_crops_are_pooled(photos: PhotoStore, recipe: Recipe) -> None:
    validation = Validation(recipe, photos, FP32, 32)
    network = build_network("upscale", NETWORK)
    scores: list[Tensor] = []
    with torch.no_grad():
        for batch in validation.batches:
            error = network(*batch.inputs).refined.clamp(-1, 1) - batch.target
            scores.append(10 * torch.log10(4 / error.square().mean()))
    mean = float(torch.stack(scores).mean())
    assert validation.take(network)[0].psnr == pytest.approx(mean, abs=1e-4)


def test_a_colour_cast_shows_as_the_bias_of_its_colour(photos: PhotoStore, recipe: Recipe) -> None:
    validation = Validation(recipe, photos, FP32, 32)
    network = build_network("upscale", NETWORK)
    plain, _ = validation.take(network)
    red, _ = validation.take(Shifted(network, 5))
    assert red.bias[0] - plain.bias[0] == pytest.approx(5, abs=0.5)
    assert red.bias[1:] == pytest.approx(plain.bias[1:], abs=1e-4)
    assert not validation.take(Shifted(network, float("nan")))[0].is_finite


def test_looks_are_measured_where_training_is_after_them(
    photos: PhotoStore, recipe: Recipe
) -> None:
    losses = dataclasses.replace(recipe.losses, adversarial=0.1)
    validation = Validation(dataclasses.replace(recipe, losses=losses), photos, FP32, 32)
    network = build_network("upscale", NETWORK)
    (score, _), (again, _) = validation.take(network), validation.take(network)
    assert score == again and score.distance is not None and score.distance > 0
    worse, _ = validation.take(Shifted(network, 40))
    assert worse.value < score.value


GREY = (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("parent", "now", "colour"),
    [
        (GREY, (1.9, -1.9, 0.0), ""),
        (GREY, (0.5, -2.5, 0.0), "green is off by -2.5"),
        (GREY, (2.5, 0.0, 3.5), "blue is off by +3.5"),
        ((3.0, 0.0, 0.0), (-4.0, 0.0, 0.0), ""),  # no farther off than the parent, by two steps
        ((3.0, 0.0, 0.0), (5.5, 0.0, 0.0), "red is off by +5.5"),
    ],
)
def test_colours_that_drift_from_the_originals(
    parent: tuple[float, float, float], now: tuple[float, float, float], colour: str
) -> None:
    found = colour_drift(Score(30, now), Score(30, parent))
    assert found.startswith(colour) and bool(found) == bool(colour)


def test_a_state_that_costs_the_colours_is_told_and_a_gain_is_said_at_both_details() -> None:
    parent = Score(30.0, GREY, 0.5, 31.0)
    assert lost_colours(Score(29.0, GREY, 0.4, 30.98), parent) == ""
    assert lost_colours(Score(31.0, GREY, 0.4, 30.97), parent) == "without texture -0.03 dB"
    assert lost_colours(Score(20.0, GREY, 0.4), Score(30.0, GREY, 0.5)) == ""
    better = Score(29.5, GREY, 0.45, 31.1)
    assert compare(better, parent) == "+0.10 dB, perceptual distance -10.0%"
    assert (
        "+0.10 dB on 2 held-out photos (40 crops): 31.00 before, 31.10 after"
        in Outcome(parent, better, 2, 40).sentence
    )
    assert Score.from_list(better.as_list()) == better
    # A tenth nearer is 0.92 dB; colours that gain count beside it.
    assert better.value - parent.value == pytest.approx(0.1 + 0.915, abs=1e-3)
    assert is_better(Score(30.0, GREY, 0.5, 31.2), Score(30.0, GREY, 0.495, 31.0))
    assert not is_better(Score(33.0, GREY, 0.5), Score(30.0, GREY, 0.495))
    assert math.isnan(Score(30.0, GREY, math.nan, 31.0).value)
    assert Score.from_list([30.0, 0, 0, 0, None]) == Score(30.0, GREY)  # of a state of before
