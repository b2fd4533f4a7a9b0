"""Training to make pictures from noise, of classes or of none."""

import dataclasses
import math

import torch
from torch import Tensor
from torch.nn import functional as F

from remend.models.checkpoints.registry import find_architecture
from remend.models.errors import RequestError
from remend.training.data.photo_store import PhotoStore, batch_to_unit
from remend.training.engine.batch import Batch
from remend.training.engine.tasks.task import Output, Terms
from remend.training.recipe.schema import Recipe


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
