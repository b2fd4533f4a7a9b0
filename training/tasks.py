"""What training means for each kind of generator: its batches, its outputs, its losses, its score.

The trainer knows only the `Task` protocol; a new kind of generator is one more class in ``TASKS``.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training import picture_losses
from training.config import Recipe
from training.data import PhotoStore, batch_to_unit
from training.degrade import Degradation, degrade
from training.holes import HoleSampler

COARSE_FACTOR = 4
"""The fill generator's coarse picture is smaller by this factor."""


class Batch(NamedTuple):
    """One training batch: what the generator sees and what it should make, all in [-1, 1]."""

    inputs: tuple[Tensor, ...]
    target: Tensor


class Output(NamedTuple):
    """Both stages' pictures, as every coarse-to-refine generator returns them."""

    coarse: Tensor
    refined: Tensor


Terms = Mapping[str, Callable[[], Tensor]]
"""Losses by the name of their weight, computed only where that weight is on."""


class Task(Protocol):
    """The interface between the trainer and a kind of generator."""

    def __init__(self, recipe: Recipe) -> None: ...

    def draw(self, photos: PhotoStore, random: torch.Generator, crop_px: int) -> Batch:
        """Make a batch; everything random comes from ``random``."""
        ...

    def terms(self, output: Output, batch: Batch) -> Terms:
        """The picture losses of an output."""
        ...

    def mask(self, batch: Batch) -> Tensor:
        """What was made up, for a discriminator to know: (B, 1, H, W), 1 = generated."""
        ...

    def score(self, output: Output, batch: Batch) -> dict[str, float]:
        """Quality on held-out photos, in dB."""
        ...

    def sheet(self, output: Output, batch: Batch) -> Tensor:
        """Pictures to look at, one row a sample: (B, n, 3, H, W) in [-1, 1]."""
        ...


def psnr_db(output: Tensor, target: Tensor, weight: Tensor | None = None) -> float:
    """PSNR of pictures in [-1, 1], mean over samples; ``weight`` (B, 1, H, W) restricts the area."""
    error = (output.clamp(-1, 1) - target).square()
    if weight is None:
        mse = error.mean((1, 2, 3))
    else:
        mse = (error * weight).sum((1, 2, 3)) / (3 * weight.sum((1, 2, 3)).clamp_min(1))
    return float((10 * torch.log10(4 / mse.clamp_min(1e-10))).mean())


class FillTask:
    """Photos with random holes; losses count inside the hole, where the stages correct a fill."""

    def __init__(self, recipe: Recipe) -> None:
        self.data = recipe.data
        self.holes = HoleSampler(recipe.holes.shares, recipe.holes.coverage)

    def draw(self, photos: PhotoStore, random: torch.Generator, crop_px: int) -> Batch:
        data = self.data
        crops = photos.crops(data.batch, crop_px, random, half_share=data.half_share)
        target = batch_to_unit(crops)
        mask = self.holes.sample(data.batch, crop_px, random).to(target.device)
        return Batch((target * (1 - mask), mask), target)

    def terms(self, output: Output, batch: Batch) -> Terms:
        _, mask = batch.inputs
        small, share = F.avg_pool2d(batch.target, COARSE_FACTOR), F.avg_pool2d(mask, COARSE_FACTOR)
        return {
            "l1": lambda: (
                picture_losses.l1(output.refined, batch.target)
                + picture_losses.l1(output.coarse, small)
            ),
            "l1_hole": lambda: (
                picture_losses.l1_hole(output.refined, batch.target, mask)
                + picture_losses.l1_hole(output.coarse, small, share, 16 / COARSE_FACTOR**2)
            ),
            "tv": lambda: picture_losses.total_variation(output.refined, mask),
        }

    def mask(self, batch: Batch) -> Tensor:
        return batch.inputs[1]

    def score(self, output: Output, batch: Batch) -> dict[str, float]:
        _, mask = batch.inputs
        return {
            "psnr": psnr_db(output.refined, batch.target),
            "hole_psnr": psnr_db(output.refined, batch.target, mask),
        }

    def sheet(self, output: Output, batch: Batch) -> Tensor:
        coarse = F.interpolate(output.coarse, scale_factor=float(COARSE_FACTOR))
        return torch.stack([batch.inputs[0], coarse, output.refined, batch.target], 1)


class UpscaleTask:
    """Photos made small; both stages are held to the original."""

    def __init__(self, recipe: Recipe) -> None:
        self.data = recipe.data
        self.scale = int(recipe.generator.get("scale", 4))
        degradation = recipe.degradation
        self.degradation = Degradation(self.scale, degradation.jpeg_share, degradation.jpeg_quality)

    def draw(self, photos: PhotoStore, random: torch.Generator, crop_px: int) -> Batch:
        data = self.data
        crops = photos.crops(data.batch, crop_px, random, half_share=data.half_share, turn=True)
        return Batch((degrade(crops, self.degradation, random),), batch_to_unit(crops))

    def terms(self, output: Output, batch: Batch) -> Terms:
        return {
            "l1": lambda: (
                picture_losses.l1(output.coarse, batch.target)
                if output.refined is output.coarse
                else picture_losses.l1(output.coarse, batch.target)
                + picture_losses.l1(output.refined, batch.target)
            ),
            "tv": lambda: picture_losses.total_variation(output.refined),
        }

    def mask(self, batch: Batch) -> Tensor:
        return torch.ones_like(batch.target[:, :1])

    def score(self, output: Output, batch: Batch) -> dict[str, float]:
        return {"psnr": psnr_db(output.refined, batch.target)}

    def sheet(self, output: Output, batch: Batch) -> Tensor:
        enlarged = F.interpolate(batch.inputs[0], scale_factor=float(self.scale))
        return torch.stack([enlarged, output.coarse, output.refined, batch.target], 1)


TASKS: dict[str, type[Task]] = {"fill": FillTask, "upscale": UpscaleTask}


def run_generator(network: nn.Module, batch: Batch) -> Output:
    """Apply a coarse-to-refine generator to a batch."""
    return Output(*network(*batch.inputs))
