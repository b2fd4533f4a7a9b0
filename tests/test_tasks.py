"""What the trainer is given: the targets of upscalers that are told how much noise to keep."""

from collections.abc import Sequence
from pathlib import Path

import torch

from training.config import read_recipe
from training.data import PhotoStore
from training.tasks import UpscaleTask

RECIPE = Path(__file__).parents[1] / "training" / "recipes" / "upscale-x4-photo.toml"


def test_noise_that_is_to_be_kept_is_in_the_target(photo_files: Sequence[Path]) -> None:
    settings = ["degradation.noise=[12, 12]", "degradation.photo_share=1.0", "data.batch=64"]
    task = UpscaleTask(read_recipe(RECIPE, settings))
    photos = PhotoStore.load(photo_files, min_side=128)
    batch = task.draw(photos, torch.Generator().manual_seed(0), 128)
    small, strength = batch.inputs
    assert small.shape == (64, 3, 32, 32) and strength.shape == (64,)
    assert ((strength == 0) | (strength == 1)).float().mean() > 0.3
    # Real photos as targets have little of what varies from pixel to pixel; kept noise is enlarged
    # noise and shows in the means of 4 x 4 px, which the input has as its pixels.
    means = torch.nn.functional.avg_pool2d(batch.target, 4)
    apart = (means - small).square().mean((1, 2, 3)).sqrt()
    assert apart[strength == 0].mean() < 0.8 * apart[strength == 1].mean()
