"""Recipes: what is refused, and with which words."""

from pathlib import Path

import pytest

from models.errors import RequestError
from training.config import advice, parse_recipe, read_recipe

RECIPES = Path(__file__).parents[1] / "training" / "recipes"
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
        ({**LEAST, "growth": {"sizes": [64, 128], "images": [1, 2]}}, "growth.images has 2"),
        ({**LEAST, "data": {"crop": 100}}, "multiples of 8"),
    ],
)
def test_wrong_recipes_are_refused_by_name(table: dict[str, object], sentence: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_recipe(table)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_settings_reach_every_depth() -> None:
    recipe = read_recipe(
        RECIPES / "tiny.toml",
        ["images=8", "optimiser.generator.name=adam", "holes.coverage=[0.1, 0.2]"],
    )
    assert recipe.images == 8
    assert recipe.optimiser.generator.name == "adam"
    assert recipe.holes.coverage == (0.1, 0.2)


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
        return advice(parse_recipe(table))

    assert sentences() == []
    assert "hinge_no_relu" in sentences(spectral=False)[0]
