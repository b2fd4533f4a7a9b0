"""What training means for each kind of generator: its batches, its outputs, its losses, its score.

The trainer knows only the `Task` protocol; a new kind of generator is one more class in ``TASKS``. Losses
against a discriminator or a feature network are not here.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from remend.models.checkpoints.registry import find_architecture
from remend.models.errors import RequestError
from remend.training.data.blur_noise import old_photo_look, uniform
from remend.training.data.degradation import degrade
from remend.training.data.masks import HoleSampler
from remend.training.data.photo_store import PhotoStore, batch_to_unit
from remend.training.engine.batch import Batch
from remend.training.evaluation.metrics import psnr_of_errors
from remend.training.losses import pixel as picture_losses
from remend.training.recipe.schema import Recipe

UNIT_SPAN = 2.0
"""Largest difference of values in [-1, 1]."""
LEAST_ERROR = 1e-10
"""Mean squared errors below it count as it: 106 dB are as good as no error."""
COARSE_FACTOR = 4
"""The fill generator's coarse picture is smaller by this factor."""


class Output(NamedTuple):
    """Both stages' pictures; the same one twice where a generator has a single stage."""

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

    def score(self, output: Output, batch: Batch) -> dict[str, float]:
        """Quality on held-out photos."""
        ...

    def sheet(self, output: Output, batch: Batch) -> Tensor:
        """Pictures to look at, one row a sample: (B, n, 3, H, W) in [-1, 1]."""
        ...


def mean_psnr(output: Tensor, target: Tensor, weight: Tensor | None = None) -> float:
    """PSNR of pictures in [-1, 1], mean over samples; ``weight`` (B, 1, H, W) restricts the area."""
    error = (output.clamp(-1, 1) - target).square()
    if weight is None:
        mse = error.mean((1, 2, 3))
    else:
        mse = (error * weight).sum((1, 2, 3)) / (3 * weight.sum((1, 2, 3)).clamp_min(1))
    return float(psnr_of_errors(mse.clamp_min(LEAST_ERROR), UNIT_SPAN).mean())


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
        return Batch((target * (1 - mask), mask), target, (mask,))

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
            "log_mse": lambda: (
                picture_losses.log_mse(output.refined, batch.target, mask)
                + picture_losses.log_mse(output.coarse, small, share, 16 / COARSE_FACTOR**2)
            ),
            "tv": lambda: picture_losses.total_variation(output.refined, mask),
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


class UpscaleTask:
    """Photos made small; both stages are compared with the original.

    A network that is given how much to denoise is compared with the original plus the noise it is to keep,
    enlarged by bicubic. That noise is taken off the network's picture rather than added to the
    original: a discriminator that sees noise in real pictures teaches the network to invent it.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.data, self.degradation = recipe.data, recipe.degradation
        config = find_architecture(recipe.architecture).config(**recipe.generator)
        self.scale, self.denoise = config.scale, config.denoise

    def draw(self, photos: PhotoStore, random: torch.Generator, crop_px: int) -> Batch:
        data, degradation = self.data, self.degradation
        crops = photos.crops(data.batch, crop_px, random, half_share=data.half_share, turn=True)
        if degradation.photo_share > 0:
            crops = old_photo_look(crops, degradation.old_share, random)
        small, noise = degrade(crops, self.scale, degradation, random)
        target = batch_to_unit(crops)
        everything = torch.ones_like(target[:, :1])
        if not self.denoise:
            return Batch((small,), target, (everything,))
        # Half of the draws are one of the ends, which is where people put the slider.
        strength = uniform(random, (data.batch,), -0.5, 1.5).clamp(0, 1).to(target.device)
        kept = F.interpolate(noise, scale_factor=float(self.scale), mode="bicubic")
        kept = (1 - strength.view(-1, 1, 1, 1)) * kept
        return Batch((small, strength), target, (everything,), kept)

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


class GenerateTask:
    """Pictures from noise, like the photos; they can only be compared with the photos as a set.

    While a network grows, photos are crops of the final size, averaged down to the size of the moment.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.data = recipe.data
        self.latent = find_architecture(recipe.architecture).config(**recipe.generator).latent

    def draw(self, photos: PhotoStore, random: torch.Generator, crop_px: int) -> Batch:
        data = self.data
        chosen = torch.randint(len(photos), (data.batch,), generator=random, device=random.device)
        crops = photos.crops(
            data.batch, data.crop, random, indices=chosen, half_share=data.half_share
        )
        target = F.avg_pool2d(batch_to_unit(crops), data.crop // crop_px)
        latents = draw_latents(data.batch, self.latent, random).to(target.device)
        labels = photos.labels[chosen.to(photos.device)].to(target.device)
        condition = (labels,) if data.classes else ()
        return Batch((latents, *condition), target, condition)

    def terms(self, output: Output, batch: Batch) -> Terms:
        return {}

    def score(self, output: Output, batch: Batch) -> dict[str, float]:
        """``spread``: how varied the pictures are, photos = 1; towards 0 a generator has collapsed."""
        fakes = output.refined
        photos = F.avg_pool2d(batch.target, batch.target.shape[-1] // fakes.shape[-1])
        made, given = (pictures.std(0, correction=0).mean() for pictures in (fakes, photos))
        return {"spread": float(made / given.clamp_min(1e-6))}

    def sheet(self, output: Output, batch: Batch) -> Tensor:
        """The generated pictures, sorted by class, as a grid of about as many rows as columns."""
        pictures = output.refined
        for labels in batch.condition:
            pictures = pictures[labels.argsort(stable=True)]
        columns = math.isqrt(len(pictures))
        rows = len(pictures) // columns
        return torch.unflatten(pictures[: rows * columns], 0, (rows, columns))


TASKS: dict[str, type[Task]] = {
    "fill": FillTask,
    "upscale": UpscaleTask,
    "generate": GenerateTask,
}


def draw_latents(batch: int, length: int, random: torch.Generator) -> Tensor:
    """Latents (batch, length) from N(0, I), on the generator's device."""
    return torch.randn(batch, length, generator=random, device=random.device)


def with_classes(recipe: Recipe, photos: PhotoStore) -> Recipe:
    """The recipe with as many classes in both networks as the photos have, if it asks for classes.

    Raises:
        RequestError: It does, and the photos have one class only.
    """
    count = len(photos.class_names)
    if not recipe.data.classes:
        return recipe
    if count < 2:
        raise RequestError(
            f"data.classes needs a folder for each class; all photos are in {photos.class_names}. "
            "Give at least two folders, or set data.classes = false."
        )
    return dataclasses.replace(
        recipe,
        generator={**recipe.generator, "classes": count},
        discriminator={**recipe.discriminator, "classes": count},
    )


def run_generator(network: nn.Module, batch: Batch) -> Output:
    """Apply a generator to a batch; what it makes comes back without the noise it was to keep."""
    made = network(*batch.inputs)
    coarse, refined = (made, made) if isinstance(made, Tensor) else made
    if batch.kept_noise is not None:
        clean = coarse - batch.kept_noise
        coarse, refined = clean, clean if refined is coarse else refined - batch.kept_noise
    return Output(coarse, refined)
