"""Recipes: what is refused, and with which words."""

import dataclasses
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from remend.models.checkpoints.registry import ARCHITECTURES, COMMUNITY, build_network
from remend.models.errors import RequestError
from remend.models.layers.gated import GATES
from remend.models.layers.minibatch import MINIBATCH
from remend.models.layers.norm import NORMS
from remend.models.layers.resample import UPSAMPLERS
from remend.training.losses.gan import GAN_LOSSES
from remend.training.losses.penalties import PENALTIES
from remend.training.recipe.contradictions import LOSSES_OF_ONE_TASK, advice
from remend.training.recipe.parse import parse_recipe, read_recipe, validate
from remend.training.recipe.schema import Recipe
from tests.helpers.paths import RECIPES

GAN = {"adversarial": 1.0}
LEAST = {"task": "fill", "architecture": "inpaint", "images": 10}


@pytest.mark.parametrize("file", sorted(RECIPES.glob("*.toml")), ids=lambda file: file.stem)
def test_every_recipe_is_valid(file: Path) -> None:
    assert read_recipe(file).images > 0


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({**LEAST, "imges": 3}, "Unknown key imges; the nearest one is images."),
        (
            {**LEAST, "optimiser": {"generator": {"rl": 1}}},
            "Unknown key optimiser.generator.rl; the nearest one is optimiser.generator.lr.",
        ),
        (
            {**LEAST, "generator": {"gaet": "none"}},
            "Unknown key generator.gaet; the nearest one is generator.gate.",
        ),
        ({**LEAST, "architecture": "unet"}, "There is no architecture 'unet'"),
        ({**LEAST, "architecture": "upscale"}, "is for upscale"),
        ({**LEAST, "images": -1}, "images = -1"),
        ({**LEAST, "adversary": {"loss": "vanilla"}}, "adversary.loss = 'vanilla'"),
        ({"task": "fill", "architecture": "inpaint"}, "images"),
        ({**LEAST, "adversary": {"label_smoothing": 0.9}}, "hinge has none"),
        ({**LEAST, "losses": {"grid": 1.0}}, "losses.grid = 1.0 is for the task upscale"),
        ({**LEAST, "growth": {"sizes": [64, 128], "images": [1, 2]}}, "growth.images has 2"),
        ({**LEAST, "data": {"crop": 100}}, "multiples of 8"),
        ({**LEAST, "growth": {"sizes": [100, 128]}}, "Crops of 100 px do not work"),
        (
            {**LEAST, "losses": GAN, "adversary": {"instance_noise": 0.1}},
            "adversary.instance_noise_images = 0, so there is none; set the images too.",
        ),
        ({**LEAST, "degradation": {"noise": [1, 2]}}, "[degradation] is for the task upscale"),
        (
            {**LEAST, "losses": GAN, "discriminator": {"scales": 6}, "data": {"crop": 128}},
            "discriminator.scales = 6 with layers = 4 needs crops of 256 px",
        ),
    ],
)
def test_wrong_recipes_are_refused_by_name(table: dict[str, object], sentence: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_recipe(table)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


NO_NUMBERS = [math.nan, math.inf, -1]
RANGES: dict[str, list[Any]] = {
    "images": [0],
    "data.crop": [0],
    "data.batch": [0],
    "data.half_share": [-0.1, 1.1],
    "holes.coverage": [[0.5, 0.1], [0.3, 0.3], [0.1, 1.2]],
    "holes.shares": [{"moths": 1}, {"boxes": 0}, {"boxes": -1}, {}],
    "losses.l1": NO_NUMBERS,
    "adversary.label_smoothing": [0, 5, [1.2, 0.7], [0.7, 5]],
    "adversary.instance_noise": NO_NUMBERS,
    "adversary.penalty_weight": NO_NUMBERS,
    "adversary.penalty_every": [0],
    "adversary.augment": [7],
    "optimiser.generator.lr": [0, *NO_NUMBERS],
    "optimiser.generator.betas": [[1, 1], [0.5, 1], [-0.1, 0.9]],
    "optimiser.discriminator.lr": [0, *NO_NUMBERS],
    "optimiser.generator.steps": [0],
    "optimiser.clip_norm": [0, *NO_NUMBERS],
    "schedule.decay_from": [2],
    "growth.sizes": [[128, 64], [64, 64], [0]],
    "ema.half_life_images": NO_NUMBERS,
    "adapter.rank": [-1],
    "run.save_minutes": [0, math.inf],
    "generator.width": [0, 10**9],
    "generator.coarse_width": [0],
    "generator.half_blocks": [-1, 10**9],
    "generator.detail": [7, -0.1],
    "discriminator.scales": [0, 99],
    "discriminator.layers": [0],
    "discriminator.width": [0],
    "discriminator.inputs": [5],
}
UPSCALER: dict[str, list[Any]] = {
    "generator.scale": [0, 99],
    "generator.blocks": [-1],
    "generator.refine_width": [-1],
    "degradation.blur_px": [[2, 1], [-1, 1]],
    "degradation.jpeg_quality": [[98, 75], [0, 75]],
    "degradation.noise": [[5, 1]],
}
DAMAGE: dict[str, list[Any]] = {
    "generator.widths": [[], [0], [8] * 9],
    "damage.shares": [{"moths": 1}, {"folds": 2}],
}


@pytest.mark.parametrize(
    ("task", "key", "value"),
    [
        (task, key, value)
        for task, ranges in (("fill", RANGES), ("upscale", UPSCALER), ("damage", DAMAGE))
        for key, values in ranges.items()
        for value in values
    ],
)
def test_a_value_out_of_its_range_is_refused_by_its_key(task: str, key: str, value: Any) -> None:
    architecture = {"fill": "inpaint"}.get(task, task)
    table: dict[str, Any] = {"task": task, "architecture": architecture, "images": 10}
    *parents, last = key.split(".")
    inner = table
    for parent in parents:
        inner = inner.setdefault(parent, {})
    inner[last] = value
    with pytest.raises(RequestError) as caught:
        parse_recipe(table)
    said = str(caught.value)
    # A range of two is complained of by the number in it that is wrong.
    assert re.match(rf"{re.escape(key)}(\.\w+)? = ", said) and said[-1] == ".", said
    assert "\n" not in said and "Value error" not in said and "constrained" not in said


@pytest.mark.parametrize("name", sorted({*ARCHITECTURES} - {COMMUNITY}))
def test_a_network_can_be_built_with_the_least_of_every_range(name: str) -> None:
    kind: Any = ARCHITECTURES[name].config
    default = kind()
    for field in dataclasses.fields(kind):
        for number in (0, 1):
            try:
                validate(kind, {field.name: number})
            except RequestError:
                continue
            if type(getattr(default, field.name)) is int:
                build_network(name, {field.name: number})


def test_settings_of_a_discriminator_that_is_not_there_are_said() -> None:
    table = {**LEAST, "losses": {"l1_hole": 1.0}, "adversary": {"penalty": "r1"}}
    assert "[adversary] and [discriminator] change nothing" in advice(parse_recipe(table))[0]
    assert advice(parse_recipe({**table, "losses": GAN})) == []


def test_settings_reach_every_depth() -> None:
    recipe = read_recipe(
        RECIPES / "tiny.toml",
        ["images=8", "optimiser.generator.name=adam", "holes.coverage=[0.1, 0.2]"],
    )
    assert recipe.images == 8
    assert recipe.optimiser.generator.name == "adam"
    assert recipe.holes.coverage == (0.1, 0.2)


def test_a_setting_of_one_share_leaves_the_others_as_they_are() -> None:
    plain = dict(read_recipe(RECIPES / "damage.toml").damage.shares)
    changed = read_recipe(RECIPES / "damage.toml", ["damage.shares.stains=0", "images=8"])
    assert plain["stains"] > 0 and len(plain) > 2
    assert changed.damage.shares == {**plain, "stains": 0}


@pytest.mark.parametrize("setting", ["images", "images.a=3", "data.corp=3"])
def test_bad_settings_are_refused(setting: str) -> None:
    with pytest.raises(RequestError):
        read_recipe(RECIPES / "tiny.toml", [setting])


def test_a_missing_or_broken_recipe_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot be read"):
        read_recipe(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("images = = 3")
    with pytest.raises(RequestError, match="no valid TOML"):
        read_recipe(broken)


def test_crops_grow_with_the_images_seen() -> None:
    growth = parse_recipe({**LEAST, "growth": {"sizes": [64, 128, 256], "images": [10, 20]}}).growth
    assert [growth.stage(seen, 32).size for seen in (0, 9, 10, 29, 30, 999)] == [
        64, 64, 128, 128, 256, 256
    ]  # fmt: skip
    assert parse_recipe(LEAST).growth.stage(5, 32) == (32, 1.0)


def test_unbounded_losses_are_warned_about() -> None:
    def sentences(**discriminator: object) -> list[str]:
        table = {**LEAST, "adversary": {"loss": "hinge_no_relu"}, "discriminator": discriminator}
        table["losses"] = {"adversarial": 1.0}
        return advice(parse_recipe(table))

    assert sentences() == []
    assert "hinge_no_relu" in sentences(spectral=False)[0]


def values_of(recipe: Recipe) -> dict[str, Any]:
    """Dotted key -> value, of the networks too."""
    flat: dict[str, Any] = {}

    def walk(table: Mapping[str, Any], path: str) -> None:
        for key, value in table.items():
            if isinstance(value, Mapping):
                walk(value, f"{path}{key}.")
            else:
                flat[path + key] = value

    walk(dataclasses.asdict(recipe), "")
    return flat


@pytest.mark.parametrize(
    "setting",
    [
        *(f"adversary.loss={name}" for name in GAN_LOSSES),
        *(f"adversary.penalty={name}" for name in PENALTIES),
        *("adversary.penalty_weight=3", "adversary.penalty_every=16"),
        "adversary.instance_noise_images=1000",
        *(f"{side}.norm={name}" for side in ("generator", "discriminator") for name in NORMS),
        *(f"{side}.spectral=true" for side in ("generator", "discriminator")),
        *(f"generator.upsample={name}" for name in UPSAMPLERS),
        *(f"generator.gate={name}" for name in GATES),
        *(f"generator.output_kernel={size}" for size in (1, 3, 9)),
        *("generator.refine=false", "discriminator.scales=3"),
        *(f"discriminator.minibatch={name}" for name in MINIBATCH),
        *(
            f"optimiser.{side}.{setting}"
            for side in ("generator", "discriminator")
            for setting in ("lr=1e-5", "steps=2", "name=adam", "name=muon")
        ),
        *(f"losses.{name}=0.5" for name in ("l1", "l2", "l1_hole", "log_mse", "perceptual", "style",
                                            "tv", "grid", "feature_matching", "adversarial")),
        *(f"losses.features={name}" for name in ("efficientnet_lite0", "vgg16", "a/file.pth")),
        *("growth.images=100", "ema.half_life_images=10", "data.crop=32", "data.batch=2"),
        *("data.accumulate=2", "run.compile=true"),
    ],
)  # fmt: skip
def test_a_setting_changes_its_key_and_no_other(setting: str) -> None:
    key, _, text = setting.partition("=")
    of_an_upscaler = LOSSES_OF_ONE_TASK.get(key.removeprefix("losses.")) == "upscale"
    file = RECIPES / ("upscale-x4.toml" if of_an_upscaler else "tiny.toml")
    before, after = (values_of(read_recipe(file, settings)) for settings in ([], [setting]))
    value = after.pop(key)
    assert str(value).lower() == text or float(value) == float(text)
    before.pop(key, None)
    assert after == before
