"""Sizes that grow: where a run is after so many images."""

from remend.training.recipe.parse import parse_recipe

LEAST = {"task": "generate", "architecture": "dcgan", "images": 8, "data": {"crop": 32}}


def test_half_of_every_stage_but_the_first_fades_in() -> None:
    growth = parse_recipe({
        **LEAST, "architecture": "growing", "losses": {"adversarial": 1},
        "growth": {"sizes": [8, 16, 32], "images": [10, 20]},
    }).growth  # fmt: skip
    assert [growth.stage(seen, 32) for seen in (0, 9, 10, 15, 20, 29, 30, 35, 40, 99)] == [
        (8, 1), (8, 1), (16, 0), (16, 0.5), (16, 1), (16, 1), (32, 0), (32, 0.5), (32, 1), (32, 1)
    ]  # fmt: skip
