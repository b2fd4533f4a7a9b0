"""Training to enlarge: photos made small."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from remend.models.checkpoints.registry import find_architecture
from remend.training.data.blur_noise import old_photo_look
from remend.training.data.degradation import degrade
from remend.training.data.draws import uniform
from remend.training.data.pairs.matching import LowPhotos
from remend.training.data.photo_store import PhotoStore, batch_to_unit
from remend.training.engine.batch import Batch
from remend.training.engine.tasks.task import Output, Terms, mean_psnr
from remend.training.losses import pixel as picture_losses
from remend.training.recipe.schema import Recipe


class UpscaleTask:
    """Photos made small; both stages are compared with the original.

    A network that is given how much to denoise is compared with the original plus the noise it is to keep,
    enlarged by bicubic; that of real pairs is not known, so none is kept. The noise is taken off the
    network's picture rather than added to the original: a discriminator that sees noise in real pictures
    teaches the network to invent it.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.data, self.degradation = recipe.data, recipe.degradation
        config = find_architecture(recipe.architecture).config(**recipe.generator)
        self.scale, self.denoise = config.scale, config.denoise

    def draw(self, photos: PhotoStore, random: torch.Generator, crop_px: int) -> Batch:
        data, degradation = self.data, self.degradation
        if data.pairs:
            return self._draw_pairs(photos, random, crop_px)
        crops = photos.crops(data.batch, crop_px, random, half_share=data.half_share, turn=True)
        if degradation.photo_share > 0:
            crops = old_photo_look(crops, degradation.old_share, random)
        small, noise = degrade(crops, self.scale, degradation, random)
        target = batch_to_unit(crops)
        everything = torch.ones_like(target[:, :1])
        if not self.denoise:
            return Batch((small,), target, (everything,))
        strength = self._draw_strength(random).to(target.device)
        kept = F.interpolate(noise, scale_factor=float(self.scale), mode="bicubic")
        kept = (1 - strength.view(-1, 1, 1, 1)) * kept
        return Batch((small, strength), target, (everything,), kept)

    def _draw_pairs(self, photos: PhotoStore, random: torch.Generator, crop_px: int) -> Batch:
        target, small = map(batch_to_unit, photos.pair_crops(self.data.batch, crop_px, random))
        strength = (self._draw_strength(random).to(target.device),) * self.denoise
        return Batch((small, *strength), target, (torch.ones_like(target[:, :1]),))

    def _draw_strength(self, random: torch.Generator) -> Tensor:
        """How much to denoise, (B,); half of the draws are one of the ends, where people put the slider."""
        return uniform(random, (self.data.batch,), -0.5, 1.5).clamp(0, 1)

    def terms(self, output: Output, batch: Batch) -> Terms:
        stages = [output.coarse]
        if output.refined is not output.coarse:
            stages.append(output.refined)

        def over_stages(loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
            return torch.stack([loss(stage, batch.target) for stage in stages]).sum()

        return {
            "l1": lambda: over_stages(picture_losses.l1),
            "l2": lambda: over_stages(picture_losses.l2),
            "log_mse": lambda: over_stages(picture_losses.log_mse),
            "tv": lambda: picture_losses.total_variation(output.refined),
            "grid": lambda: picture_losses.grid(output.refined, batch.target, self.scale),
        }

    def score(self, output: Output, batch: Batch) -> dict[str, float]:
        return {"psnr": mean_psnr(output.refined, batch.target)}

    def sheet(self, output: Output, batch: Batch) -> Tensor:
        enlarged = F.interpolate(batch.inputs[0], scale_factor=float(self.scale))
        return torch.stack([enlarged, output.coarse, output.refined, batch.target], 1)


def find_lows(recipe: Recipe) -> LowPhotos | None:
    """The low-resolution pictures of a recipe with pairs; errors as `LowPhotos`."""
    if not recipe.data.pairs:
        return None
    scale: int = find_architecture(recipe.architecture).config(**recipe.generator).scale
    return LowPhotos(Path(recipe.data.pairs), scale)
