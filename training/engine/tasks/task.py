"""The interface between the training loop and a kind of generator: batches, losses, scores, sheets.

The trainer knows only the `Task` protocol; which tasks there are is in `training.engine.tasks.table`. Losses
against a discriminator or a feature network are not here.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from remend.training.data.photo_store import PhotoStore
from remend.training.engine.batch import Batch
from remend.training.evaluation.metrics import psnr_of_errors
from remend.training.recipe.schema import Recipe

UNIT_SPAN = 2.0
"""Largest difference of values in [-1, 1]."""
LEAST_ERROR = 1e-10
"""Mean squared errors below it count as it: 106 dB are as good as no error."""


class Output(NamedTuple):
    """Both stages' pictures; the same one twice where a generator has a single stage."""

    coarse: Tensor
    refined: Tensor
    plain: Tensor | None = None
    """The refined picture without texture, where a network learns both side by side."""


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


def run_generator(network: nn.Module, batch: Batch) -> Output:
    """Apply a generator to a batch; what it makes comes back without the noise it was to keep."""
    made = network(*batch.inputs)
    coarse, refined, *more = (made, made) if isinstance(made, Tensor) else made
    if batch.kept_noise is not None:
        clean = coarse - batch.kept_noise
        coarse, refined = clean, clean if refined is coarse else refined - batch.kept_noise
    return Output(coarse, refined, *more)
