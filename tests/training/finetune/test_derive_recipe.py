"""What a fine-tune takes over from its parent: losses, discriminator, texture, and nothing by halves."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from remend.models.checkpoints.checkpoint import open_network, read_card, save_network
from remend.models.checkpoints.registry import build_network
from remend.models.errors import RequestError
from remend.models.generators.inpaint import Inpaint
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.pretrained import find_discriminator
from remend.training.engine.run_folder import RunFolder
from remend.training.engine.trainer import Trainer
from remend.training.finetune.derive_recipe import count_held_out, derive_recipe
from remend.training.recipe.parse import read_recipe
from remend.training.recipe.schema import Recipe
from tests.helpers.paths import RECIPES, ROOT
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


def test_a_discriminator_of_another_form_brings_its_own(gan_run: Path, tuning: Tuning) -> None:
    parent = tuning.path / "parent.safetensors"
    parent.write_bytes((gan_run / "ema.safetensors").read_bytes())
    config = {**read_card(gan_run / "discriminator.safetensors").config, "high_pass": True}
    seeing = build_network("multiscale", config)
    card = dataclasses.replace(read_card(gan_run / "discriminator.safetensors"), config=config)
    save_network(tuning.path / "parent.discriminator.safetensors", seeing, card)
    recipe = tuning.plan(parent, 8)
    assert recipe.discriminator["high_pass"]
    tuning.start(recipe)
    assert tuning.heard("discriminator is that of parent.discriminator.safetensors")


def test_the_shipped_fill_is_tuned_against_a_discriminator_that_sees_texture() -> None:
    parent = ROOT / "weights" / "fill.safetensors"
    beside = find_discriminator(parent)
    assert beside is not None
    recipe = derive_recipe(parent, read_card(parent), "mine", images=8)
    assert recipe.discriminator == dict(read_card(beside).config)
    assert recipe.discriminator["high_pass"]


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


@pytest.fixture(scope="module")
def textured(large_photos: PhotoStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fill with texture, and its discriminator beside it."""
    settings = ["generator.texture=true", "images=8", 'frozen=["coarse", "refine"]']
    recipe = read_recipe(RECIPES / "tiny.toml", settings)
    path = tmp_path_factory.mktemp("textured") / "run"
    Trainer(recipe, large_photos, RunFolder(path, recipe, resume=False), FP32).run()
    return path / "ema.safetensors"


def test_a_fill_is_taught_colours_and_texture_and_examined_at_both_details(
    tuning: Tuning, textured: Path
) -> None:
    recipe = tuning.plan(textured, 8, texture=True)
    assert recipe.frozen == () and recipe.generator["apart"] and recipe.losses.log_mse > 0
    parents = read_recipe(RECIPES / "tiny.toml").losses
    assert dataclasses.replace(recipe.losses, log_mse=0.0) == parents
    tune = tuning.start(recipe)
    discriminator = tuning.trainer.adversary.network
    assert discriminator is not None
    before = {key: value.clone() for key, value in discriminator.state_dict().items()}
    tune.run()
    after, own = tuning.trainer.generator.state_dict(), tensors(textured)
    changed = {name.split(".")[0] for name, value in after.items() if not value.equal(own[name])}
    assert changed == {"coarse", "refine", "texture"}
    assert any(
        not torch.equal(value, before[key]) for key, value in discriminator.state_dict().items()
    )
    assert tune.before.plain_psnr is not None and tune.before.distance is not None
    assert tune.before.plain_psnr != tune.before.psnr
    assert tuning.heard("8 images", "perceptual distance")


def test_what_is_said_of_the_texture_does_not_reach_the_colours(textured: Path) -> None:
    network, card = open_network(textured)
    config = {**card.config, "apart": True, "detail": 1.0}
    learner = build_network("inpaint", config)
    learner.load_state_dict(network.state_dict())
    assert isinstance(learner, Inpaint)
    image, mask = torch.rand(2, 3, 32, 32), torch.zeros(2, 1, 32, 32)
    mask[..., 8:24, 8:24] = 1

    def reached(output: str) -> set[str]:
        learner.train().zero_grad()
        getattr(learner(image, mask), output).square().sum().backward()
        moved = [
            name for name, p in learner.named_parameters() if p.grad is not None and p.grad.any()
        ]
        return {name.split(".")[0] for name in moved}

    assert reached("refined") == {"texture"}
    assert reached("plain") == {"coarse", "refine"}
    with torch.no_grad():
        filled, plain = learner(image, mask), learner.eval().at_detail(0)(image, mask).refined
        textured_fill = network(image, mask).refined
    assert filled.plain is not None
    assert torch.allclose(filled.plain, plain, atol=1e-5)
    assert torch.allclose(filled.refined, textured_fill, atol=1e-5)
    assert learner(image, mask).plain is None  # who uses the weights gets one fill


@pytest.mark.parametrize("adapter", [False, True])
def test_colours_are_taught_and_the_texture_stays(
    tuning: Tuning, textured: Path, adapter: bool
) -> None:
    recipe = tuning.plan(textured, 8, adapter=adapter)
    assert recipe.frozen == ("texture",) and recipe.generator["detail"] == 0
    assert recipe.losses.log_mse == 1 and not recipe.losses.adversarial
    tune = tuning.start(recipe)
    tune.run()
    if not adapter:
        after, own = tuning.trainer.generator.state_dict(), tensors(textured)
        changed = {name.split(".")[0] for name in own if not own[name].equal(after[name])}
        assert changed == {"coarse", "refine"}
        before = tune.before  # examined with texture and without it
        assert before.plain_psnr is not None and before.plain_psnr != before.psnr
        assert before.value == pytest.approx((before.psnr + before.plain_psnr) / 2)


def test_texture_that_cannot_be_taught_is_refused(
    textured: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def derive(parent: Path, *, adapter: bool = False) -> None:
        card = read_card(parent)
        derive_recipe(parent, card, "mine", images=8, adapter=adapter, texture=True)

    with pytest.raises(RequestError, match="cannot be taught: x4-fidelity has none of its own"):
        derive(tiny_weights / "x4-fidelity.safetensors")
    with pytest.raises(RequestError, match="cannot be learned by an adapter"):
        derive(textured, adapter=True)
    monkeypatch.setattr("remend.training.finetune.derive_recipe.has_feature_network", lambda: False)
    with pytest.raises(RequestError, match=r"needs the feature network of the extra 'training'"):
        derive(textured)


def test_weights_of_before_get_the_losses_of_today(textured: Path) -> None:
    """Losses are divided by the hole since: the same numbers would mean other weights."""
    card = read_card(textured)
    table = dict(card.run["recipe"])
    table["adversary"] = {"penalty": "r1", "penalty_weight": 0.1}
    card = dataclasses.replace(card, run={"recipe": table})
    recipe, today = (
        derive_recipe(textured, card, "mine", images=8, texture=True),
        read_recipe(RECIPES / "fill-gan.toml"),
    )
    assert dataclasses.replace(recipe.losses, log_mse=0.0) == today.losses
    assert recipe.adversary.penalty_weight == today.adversary.penalty_weight
    assert recipe.adversary.head_start_images == 0


def test_a_crop_is_the_parents_and_a_batch_as_many_pixels_as_fit(textured: Path) -> None:
    card = read_card(textured)
    for crop, expected in ((64, (64, 4)), (128, (128, 4)), (256, (256, 1)), (512, (256, 1))):
        table = {**card.run["recipe"], "data": {"crop": crop, "batch": 32}}
        told = dataclasses.replace(card, run={"recipe": table})
        data = derive_recipe(textured, told, "mine", images=8).data
        assert (data.crop, data.batch) == expected


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
