"""Training to fill: photos with random holes."""

import torch
from torch import Tensor
from torch.nn import functional as F

from remend.training.data.holes.mask_files import load_mask_files
from remend.training.data.masks import HoleSampler
from remend.training.data.photo_store import PhotoStore, batch_to_unit
from remend.training.engine.batch import Batch
from remend.training.engine.tasks.task import Output, Terms, mean_psnr
from remend.training.losses import pixel as picture_losses
from remend.training.recipe.schema import Recipe

COARSE_FACTOR = 4
"""The fill generator's coarse picture is smaller by this factor."""


class FillTask:
    """Photos with random holes, or with those of one's own masks.

    Losses count inside the hole, where the stages correct a fill.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.data = recipe.data
        holes = recipe.holes
        self.holes = (
            load_mask_files(holes.masks)
            if holes.masks
            else HoleSampler(holes.shares, holes.coverage)
        )

    def draw(self, photos: PhotoStore, random: torch.Generator, crop_px: int) -> Batch:
        data = self.data
        crops = photos.crops(data.batch, crop_px, random, half_share=data.half_share)
        target = batch_to_unit(crops)
        mask = self.holes.sample(data.batch, crop_px, random).to(target.device)
        return Batch((target * (1 - mask), mask), target, (mask,))

    def terms(self, output: Output, batch: Batch) -> Terms:
        _, mask = batch.inputs

        def tv() -> Tensor:
            return picture_losses.total_variation(output.refined, mask)

        small, share = F.avg_pool2d(batch.target, COARSE_FACTOR), F.avg_pool2d(mask, COARSE_FACTOR)
        if output.plain is not None:
            return {**self._terms_apart(output, output.plain, batch), "tv": tv}
        return {
            "l1": lambda: (
                picture_losses.l1(output.refined, batch.target)
                + picture_losses.l1(output.coarse, small)
            ),
            "l1_hole": lambda: (
                picture_losses.l1_hole(output.refined, batch.target, mask)
                + picture_losses.l1_hole(output.coarse, small, share, 16 / COARSE_FACTOR**2)
            ),
            "log_mse": lambda: (
                picture_losses.log_mse(output.refined, batch.target, mask)
                + picture_losses.log_mse(output.coarse, small, share, 16 / COARSE_FACTOR**2)
            ),
            "tv": tv,
        }

    def _terms_apart(self, output: Output, plain: Tensor, batch: Batch) -> Terms:
        """Colours learn by `log_mse`, at detail 0 and in the coarse stage, texture by L1 and all else."""
        mask, target = batch.inputs[1], batch.target
        small, share = F.avg_pool2d(target, COARSE_FACTOR), F.avg_pool2d(mask, COARSE_FACTOR)
        return {
            "l1": lambda: picture_losses.l1(output.refined, target),
            "l1_hole": lambda: picture_losses.l1_hole(output.refined, target, mask),
            "log_mse": lambda: (
                picture_losses.log_mse(plain, target, mask)
                + picture_losses.log_mse(output.coarse, small, share, 16 / COARSE_FACTOR**2)
            ),
        }

    def score(self, output: Output, batch: Batch) -> dict[str, float]:
        _, mask = batch.inputs
        return {
            "psnr": mean_psnr(output.refined, batch.target),
            "hole_psnr": mean_psnr(output.refined, batch.target, mask),
        }

    def sheet(self, output: Output, batch: Batch) -> Tensor:
        coarse = F.interpolate(output.coarse, scale_factor=float(COARSE_FACTOR))
        return torch.stack([batch.inputs[0], coarse, output.refined, batch.target], 1)
