"""Batches that are drawn together: the same samples as in one draw, each once."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from remend.training.data.photo_store import PhotoStore
from remend.training.engine.prefetch import MOST_BATCHES, MOST_PIXELS, Prefetcher
from remend.training.recipe.parse import read_recipe
from remend.training.recipe.schema import Recipe
from tests.helpers.paths import RECIPES

GPU, CPU = torch.device("cuda"), torch.device("cpu")


@pytest.fixture(scope="module")
def photos(photo_files: Sequence[Path]) -> PhotoStore:
    return PhotoStore.load(photo_files, min_side=64)


@pytest.fixture
def recipe() -> Recipe:
    return read_recipe(RECIPES / "tiny.toml", ["data.batch=3", "data.crop=32"])


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(7)


def test_on_a_cpu_batches_are_drawn_one_by_one(photos: PhotoStore, recipe: Recipe) -> None:
    prefetcher, random = Prefetcher(recipe, CPU), seeded()
    first = prefetcher.draw(photos, random, 32)
    alone = prefetcher.task.draw(photos, seeded(), 32)
    assert torch.equal(first.target, alone.target) and torch.equal(first.inputs[1], alone.inputs[1])


def test_for_a_gpu_each_sample_of_a_large_draw_comes_once(
    photos: PhotoStore, recipe: Recipe
) -> None:
    prefetcher, random = Prefetcher(recipe, GPU), seeded()
    assert prefetcher.batches == MOST_BATCHES
    batches = [prefetcher.draw(photos, random, 32) for _ in range(MOST_BATCHES)]
    drawn = prefetcher.task.draw(photos, seeded(), 32)
    assert all(len(batch.target) == len(batch.inputs[0]) == 3 for batch in batches)
    for batch in batches:  # picture, hole and the discriminator's condition belong together
        picture, hole = batch.inputs
        assert torch.equal(picture, batch.target * (1 - hole))
        assert torch.equal(batch.condition[0], hole)
    handed_out = torch.cat([batch.target for batch in batches])
    assert torch.equal(
        handed_out.flatten(1).sum(1).sort().values, drawn.target.flatten(1).sum(1).sort().values
    )
    assert not torch.equal(prefetcher.draw(photos, random, 32).target, batches[0].target)


def test_what_waits_is_dropped_when_crops_grow_or_the_run_goes_back(
    photos: PhotoStore, recipe: Recipe
) -> None:
    prefetcher, random = Prefetcher(recipe, GPU), seeded()
    first = prefetcher.draw(photos, random, 32).target
    prefetcher.forget()
    assert torch.equal(prefetcher.draw(photos, seeded(), 32).target, first)
    assert prefetcher.draw(photos, random, 32).target.shape[-1] == 32
    assert prefetcher.draw(photos, random, 64).target.shape[-1] == 64


def test_large_crops_are_not_drawn_by_the_gigabyte(recipe: Recipe) -> None:
    huge = dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, batch=32, crop=512))
    prefetcher = Prefetcher(huge, GPU)
    assert prefetcher.batches * 32 * 512**2 <= MOST_PIXELS and prefetcher.batches == 2
