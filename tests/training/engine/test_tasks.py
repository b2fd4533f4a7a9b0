"""What the trainer is given: noise that upscalers are told to keep, errors inside holes alone."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from remend.training.data.photo_store import PhotoStore
from remend.training.engine.tasks.fill import COARSE_FACTOR, FillTask
from remend.training.engine.tasks.table import TASKS
from remend.training.engine.tasks.task import Output, run_generator
from remend.training.engine.tasks.upscale import UpscaleTask
from remend.training.recipe.contradictions import LOSSES_OF_ONE_TASK
from remend.training.recipe.parse import read_recipe
from tests.helpers.paths import RECIPES

RECIPE = RECIPES / "upscale-x4-photo.toml"


class Keeping(torch.nn.Module):
    """An enlarger that denoises nothing, whatever it is told."""

    def forward(self, small: Tensor, strength: Tensor) -> Tensor:
        return F.interpolate(small, scale_factor=4.0, mode="bicubic")


def test_noise_that_is_to_be_kept_is_no_error(photo_files: Sequence[Path]) -> None:
    settings = ["degradation.noise=[12, 12]", "degradation.photo_share=1.0", "data.batch=64"]
    task = UpscaleTask(read_recipe(RECIPE, settings))
    photos = PhotoStore.load(photo_files, min_side=128)
    batch = task.draw(photos, torch.Generator().manual_seed(0), 128)
    small, strength = batch.inputs
    assert small.shape == (64, 3, 32, 32) and strength.shape == (64,)
    assert ((strength == 0) | (strength == 1)).float().mean() > 0.3
    levels = (batch.target + 1) * 127.5
    assert torch.allclose(levels, levels.round(), atol=1e-3)  # a photo's bytes, no noise added
    output = run_generator(Keeping(), batch)
    assert output.refined is output.coarse
    error = (output.coarse - batch.target).square().mean((1, 2, 3)).sqrt()
    assert error[strength == 0].mean() < 0.8 * error[strength == 1].mean()


def test_what_a_fill_is_judged_by_lies_inside_its_hole(photo_files: Sequence[Path]) -> None:
    recipe = read_recipe(RECIPE.with_name("fill-l1.toml"), ["data.batch=4"])
    task = FillTask(recipe)
    batch = task.draw(
        PhotoStore.load(photo_files, min_side=128), torch.Generator().manual_seed(0), 128
    )
    mask, small = batch.inputs[1], F.avg_pool2d(batch.target, COARSE_FACTOR)
    outside = Output(small + 0.1, batch.target + 0.1 + 5 * (1 - mask))
    inside = Output(small + 0.1, batch.target + 0.1)
    for name in ("l1_hole", "log_mse"):
        there, everywhere = (task.terms(output, batch)[name]() for output in (inside, outside))
        assert torch.isclose(there, everywhere)
    # Both stages are off by 0.1: two logarithms of a hundredth.
    assert torch.isclose(task.terms(inside, batch)["log_mse"](), torch.tensor(-4.0), atol=0.05)


@pytest.mark.parametrize("name", ["fill-l1", "upscale-x4"])
def test_losses_that_are_refused_are_those_that_a_task_lacks(
    name: str, photo_files: Sequence[Path]
) -> None:
    recipe = read_recipe(RECIPE.with_name(f"{name}.toml"), ["data.batch=1"])
    task = TASKS[recipe.task](recipe)
    photos = PhotoStore.load(photo_files, min_side=128)
    batch = task.draw(photos, torch.Generator().manual_seed(0), 128)
    lacking = {loss for loss, of in LOSSES_OF_ONE_TASK.items() if of != recipe.task}
    losses = set(task.terms(Output(batch.target, batch.target), batch))
    assert losses == {"l1", "l2", "l1_hole", "log_mse", "tv", "grid"} - lacking
