"""What a fine-tune takes over from its parent: losses, discriminator, texture, and nothing by halves."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from remend.models.checkpoints.checkpoint import read_card
from remend.models.errors import RequestError
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.pretrained import find_discriminator
from remend.training.engine.run_folder import RunFolder
from remend.training.engine.trainer import Trainer
from remend.training.finetune.derive_recipe import count_held_out, derive_recipe
from remend.training.recipe.parse import read_recipe
from remend.training.recipe.schema import Recipe
from tests.helpers.paths import RECIPES
from tests.helpers.tuning import FP32, Tuning, tensors


@pytest.fixture(scope="module")
def gan_run(large_photos: PhotoStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short run with a discriminator."""
    recipe = read_recipe(RECIPES / "tiny.toml", ["images=8"])
    path = tmp_path_factory.mktemp("gan") / "run"
    Trainer(recipe, large_photos, RunFolder(path, recipe, resume=False), FP32).run()
    return path


def test_a_gan_goes_on_against_its_own_discriminator(gan_run: Path, tuning: Tuning) -> None:
    parent = gan_run / "ema.safetensors"
    recipe = tuning.plan(parent, 8)
    assert recipe.losses == read_recipe(RECIPES / "tiny.toml").losses
    tune = tuning.start(recipe)
    discriminator = tuning.trainer.adversary.network
    theirs = tensors(gan_run / "discriminator.safetensors")
    assert discriminator is not None
    assert all(
        torch.equal(value, theirs[name]) for name, value in discriminator.state_dict().items()
    )
    assert tuning.heard("discriminator is that of discriminator.safetensors")
    tune.run()
    assert tune.best.distance is not None
    outcome = tune.finish(tuning.path / "mine.safetensors")
    assert "perceptual distance" in outcome.sentence


def test_a_missing_discriminator_is_said(gan_run: Path, tuning: Tuning) -> None:
    alone = tuning.path / "alone.safetensors"
    alone.write_bytes((gan_run / "ema.safetensors").read_bytes())
    assert find_discriminator(alone) is None
    tuning.start(tuning.plan(alone, 16))
    assert tuning.heard("No discriminator lies beside alone.safetensors")


def test_a_foreign_discriminator_is_refused(gan_run: Path, tuning: Tuning) -> None:
    alone = tuning.path / "alone.safetensors"
    alone.write_bytes((gan_run / "ema.safetensors").read_bytes())
    beside = tuning.path / "alone.discriminator.safetensors"
    beside.write_bytes((gan_run / "discriminator.safetensors").read_bytes())
    recipe = tuning.plan(alone, 16)
    recipe = dataclasses.replace(recipe, discriminator={**recipe.discriminator, "width": 24})
    with pytest.raises(RequestError, match="discriminator's tensors"):
        tuning.start(recipe)


def test_a_parent_that_does_not_match_is_refused(tuning: Tuning, parent: Path) -> None:
    recipe = tuning.plan(parent, 16)
    recipe = dataclasses.replace(recipe, generator={**recipe.generator, "blocks": 2})
    with pytest.raises(RequestError, match=r"Only \d+% of the network's tensors"):
        tuning.start(recipe)


def test_an_l1_parent_is_tuned_with_l1(tiny_weights: Path) -> None:
    for name, loss in (("fill", "l1_hole"), ("x4-fidelity", "l1")):
        path = tiny_weights / f"{name}.safetensors"
        losses = dataclasses.asdict(derive_recipe(path, read_card(path), "mine", images=8).losses)
        assert {key for key, value in losses.items() if value and key != "features"} == {loss}


def test_a_fill_with_texture_is_taught_colours_and_keeps_the_texture(tuning: Tuning) -> None:
    settings = ['frozen=["coarse", "refine"]', "generator.texture=true", "images=8"]
    recipe = read_recipe(RECIPES / "tiny.toml", settings)
    folder = tuning.path / "gan.run"
    Trainer(recipe, tuning.photos, RunFolder(folder, recipe, resume=False), FP32).run()
    parent = folder / "ema.safetensors"
    tune = tuning.start(tuning.plan(parent, 16))
    assert tuning.trainer.adversary.network is None
    tune.run()
    before, after = tensors(parent), tuning.trainer.generator.state_dict()
    changed = {name.split(".")[0] for name, value in after.items() if not value.equal(before[name])}
    assert any(name.startswith("texture.") for name in before)
    assert changed == {"coarse", "refine"}


def test_a_parents_last_run_decides_neither_pace_nor_batch(tiny_weights: Path) -> None:
    path = tiny_weights / "x4-fidelity.safetensors"
    optimiser: dict[str, Any] = {"generator": {"lr": 1e-4}}
    table = {"data": {"batch": 128, "crop": 64}, "losses": {"l1": 1.0}, "optimiser": optimiser}

    def plan(**changes: Any) -> Recipe:
        told = dataclasses.replace(read_card(path), run={"recipe": {**table, **changes}})
        return derive_recipe(path, told, "mine", images=8)

    assert plan().data.batch == 4
    assert plan().optimiser.generator.lr == pytest.approx(8e-4)
    with_discriminator = plan(losses={"l1": 1.0, "adversarial": 0.1})
    assert with_discriminator.optimiser.generator.lr == pytest.approx(8e-5)
    adam = plan(optimiser={"generator": {"name": "adam", "lr": 1e-4}})
    assert adam.optimiser.generator.lr == pytest.approx(8e-5)


@pytest.mark.parametrize(("photos", "held_out"), [(4, 1), (6, 1), (24, 4), (40, 8), (5000, 16)])
def test_a_fifth_is_held_out(photos: int, held_out: int) -> None:
    assert count_held_out(photos) == held_out


def test_a_feature_network_that_only_the_parents_machine_had_is_replaced(
    tiny_weights: Path,
) -> None:
    path = tiny_weights / "x4-fidelity.safetensors"
    card = read_card(path)
    named = {"l1": 1.0, "perceptual": 0.1}
    for given, taken in (("vgg16", "vgg16"), ("squeezenet1_1.pth", "efficientnet_lite0")):
        run = {"recipe": {"losses": {**named, "features": given}}}
        told = dataclasses.replace(card, run=run)
        assert derive_recipe(path, told, "mine", images=8).losses.features == taken
