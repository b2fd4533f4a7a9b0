"""Pictures from noise: the engine's task ``generate`` on 16 px crops of a few photos, for seconds.

Runs start from the shipped recipe ``dcgan`` and differ by settings. There is no original to compare a
result with, so samples are compared with the photos as a set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from remend.training.data.photo_store import PhotoStore
from remend.training.engine.tasks.generate import GenerateTask
from remend.training.lab.problems.photos import (
    CHECK_SEED,
    MILLISECONDS,
    PARAMETERS,
    RECIPES,
    SEEDS,
    SPLIT_SEED,
    PhotoLab,
)
from remend.training.lab.report.findings import Measure, Pictures, Trial
from remend.training.recipe.parse import read_recipe

COMMON = (
    "images=2048", "data.crop=16", "data.batch=32", "generator.width=16",
    "generator.latent=32", "discriminator.width=16", "optimiser.generator.lr=1e-3",
    "optimiser.discriminator.lr=1e-3", "schedule.warmup_images=32", "schedule.decay_from=1",
    "ema.half_life_images=200", "run.report_images=2048",
)  # fmt: skip
SETS, DIRECTIONS, SHOWN = 8, 128, 4

DISTANCE = Measure("distance from the photos (sliced Wasserstein)", "low")
SPREAD = Measure("spread over samples, photos = 1")
RIGHT_CLASS = Measure("share of samples nearest to their own class in mean colour", "high")


class Generation(NamedTuple):
    """What a trained generator's average makes."""

    values: dict[Measure, float]
    samples: Tensor
    """(3, H, W): a few samples as a grid."""
    photos: Tensor
    """As many crops of the photos."""


def sliced_wasserstein(made: Tensor, given: Tensor) -> float:
    """Mean distance of two equal-sized sets (N, ...) along 128 random directions (Rabin et al. 2011)."""
    random = torch.Generator().manual_seed(0)
    made, given = made.flatten(1), given.flatten(1)
    directions = F.normalize(torch.randn(made.shape[1], DIRECTIONS, generator=random), dim=0)
    gaps = (made @ directions).sort(0).values - (given @ directions).sort(0).values
    return float(gaps.abs().mean())


def share_in_own_class(made: Tensor, labels: Tensor, given: Tensor) -> float:
    """Share of pictures (N, 3, H, W) whose mean colour is nearest to that of the photos of their class.

    Args:
        made: The pictures.
        labels: (N,), the class that each is meant to be, and that of the photo beside it.
        given: (N, 3, H, W), crops of photos.
    """
    names = torch.tensor(sorted({int(label) for label in labels.unbind()}))
    centres = torch.stack([given[labels == name].mean((0, 2, 3)) for name in names])
    nearest = names[torch.cdist(made.mean((2, 3)), centres).argmin(1)]
    return float((nearest == labels).double().mean())


def with_a_class_each(photos: PhotoStore) -> PhotoStore:
    """The photos by folder, or where they lie in one folder every photo as a class of its own."""
    if len(photos.class_names) > 1:
        return photos
    place = photos.flat, photos.heights, photos.widths, photos.offsets
    labels = torch.arange(len(photos), device=photos.device)
    return PhotoStore(*place, photos.names, labels=labels, class_names=photos.names)


def show_grid(pictures: Tensor) -> Tensor:
    """The first pictures of (N, 3, h, w) as one, (3, H, W)."""
    grid = torch.unflatten(pictures[: SHOWN**2], 0, (SHOWN, SHOWN))
    return grid.permute(2, 0, 3, 1, 4).flatten(1, 2).flatten(2, 3)


def train_generator(lab: PhotoLab, *settings: str) -> Generation:
    """Train with these settings and measure what the average makes."""
    recipe = read_recipe(RECIPES / "dcgan.toml", [*COMMON, *settings])
    learned, held_out = with_a_class_each(lab.photos).split(1, SPLIT_SEED)
    trainer, milliseconds = lab.run_engine(recipe, learned, held_out)
    # Samples of a generator without classes are meant for one too: it can be right by chance only.
    task = GenerateTask(replace(recipe, data=replace(recipe.data, classes=True)))
    random = torch.Generator().manual_seed(CHECK_SEED)
    batches = [task.draw(trainer.photos, random, recipe.data.crop) for _ in range(SETS)]
    network, known = trainer.ema.network.eval(), 2 if recipe.data.classes else 1
    with torch.no_grad():
        made = torch.cat([network(*batch.inputs[:known]) for batch in batches]).cpu()
    given = torch.cat([batch.target for batch in batches]).cpu()
    labels = torch.cat([batch.condition[0] for batch in batches]).cpu()
    values = {
        DISTANCE: sliced_wasserstein(made, given),
        SPREAD: float(made.std(0).mean() / given.std(0).mean()),
        RIGHT_CLASS: share_in_own_class(made, labels, given),
        PARAMETERS: sum(p.numel() for p in trainer.generator.parameters()) / 1000,
        MILLISECONDS: milliseconds,
    }
    return Generation(values, show_grid(made), show_grid(given))


def try_generators(
    lab: PhotoLab,
    problem: str,
    arms: Mapping[str, Sequence[str]],
    measures: Sequence[Measure],
) -> Trial:
    """Train arms (name -> settings) with every seed; draws samples of the first one."""
    runs = {
        name: [train_generator(lab, *settings, f"seed={seed}") for seed in SEEDS]
        for name, settings in arms.items()
    }
    first = {name: found[0].samples for name, found in runs.items()}
    (_, some), *_ = runs.items()
    return Trial(
        problem,
        measures,
        {
            name: [[run.values[measure] for run in found] for measure in measures]
            for name, found in runs.items()
        },
        (Pictures("samples (mean weights)", {**first, "photos": some[0].photos}),),
    )
