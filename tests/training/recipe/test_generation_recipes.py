"""Recipes for pictures from noise: what cannot be generated is refused by name."""

import pytest

from remend.models.errors import RequestError
from remend.training.recipe.contradictions import advice
from remend.training.recipe.parse import parse_recipe, read_recipe
from tests.helpers.paths import RECIPES

RECIPE = RECIPES / "dcgan.toml"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (["losses.l1=1"], "losses.l1 compares"),
        (["losses.perceptual=1"], "losses.perceptual compares"),
        (["losses.adversarial=0"], "nothing to learn from"),
        (["generator.gate=none"], "Unknown key generator.gate"),
        (["discriminator.scales=2"], "Unknown key discriminator.scales"),
        (["generator.size=64"], "generator.size = 64 differs from data.crop = 32"),
        (["discriminator.size=64"], "discriminator.size = 64 differs"),
        (["data.crop=48"], "data.crop = 48: such networks have 16, 32"),
        (["generator.norm=group"], "generator.norm = 'group'"),
        (["discriminator.width=wide"], "discriminator.width = 'wide'"),
        (["generator.classes=3"], "set data.classes = true"),
        (["data.classes=true", "generator.norm=layer"], "with data.classes it is batch"),
        (["growth.sizes=[16,32]"], "use the architecture growing"),
        (["architecture=growing", "growth.sizes=[8,32]"], "must double"),
        (["architecture=growing", "growth.sizes=[8,16]"], "up to data.crop = 32"),
        (["architecture=growing", "growth.sizes=[2,4,8,16,32]"], "from 4 px"),
        (["architecture=inpaint"], "is for fill"),
    ],
)  # fmt: skip
def test_what_cannot_be_generated_is_refused_by_name(settings: list[str], sentence: str) -> None:
    with pytest.raises(RequestError) as caught:
        read_recipe(RECIPE, settings)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


def test_classes_are_for_generation_only() -> None:
    table = {"task": "fill", "architecture": "inpaint", "images": 8, "data": {"classes": True}}
    with pytest.raises(RequestError, match="fill has no classes"):
        parse_recipe(table)


def test_a_penalty_with_batch_norm_is_warned_about() -> None:
    assert advice(read_recipe(RECIPE)) == []
    assert "mixes the samples" in advice(read_recipe(RECIPE, ["adversary.penalty=r1"]))[0]
    calm = ["adversary.loss=wgan", "adversary.penalty=gp1", "discriminator.norm=layer"]
    assert advice(read_recipe(RECIPE, calm)) == []
    assert "no bound" in advice(read_recipe(RECIPE, ["adversary.loss=wgan"]))[0]
