"""The validation of a generator: the same crops of held-out photos, with the same holes, every time.

It gives what fine-tuning is steered by: a score to compare two states of a network with, and how far its
colours are off. A photo counts once, however many crops of it are taken, and its crops are pooled: a
crop of blank paper would otherwise outweigh all others. How restorers score on whole photos is measured in
`training.evaluation`.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

import torch
from torch import Tensor, nn

from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.models.generators.inpaint import Inpaint
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.batch import Batch, WindowShift
from remend.training.engine.feature_losses import NoFeatureLosses, make_feature_losses
from remend.training.engine.tasks.table import TASKS
from remend.training.engine.tasks.task import LEAST_ERROR, UNIT_SPAN, Task, run_generator
from remend.training.evaluation.metrics import psnr_of_errors
from remend.training.recipe.schema import Recipe

VALIDATION_SEED = 30_000
CROPS = 40
"""Crops in all, where there are fewer photos than that."""
FILLED_PX = 320
"""Largest side of what a validation fills: people fill whole photos, with larger holes than crops have."""
LEVELS = 127.5
"""Steps of eight-bit colour in one unit of [-1, 1]."""
COLOUR_LEVELS = 2.0
MOST_LOSS_DB = 0.02
LEAST_DISTANCE = 1e-6
COLOURS = ("red", "green", "blue")


class Score(NamedTuple):
    """How a generator did.

    Attributes:
        psnr: In dB, the mean over photos.
        bias: Mean error of red, green and blue in steps of 8 bit; a colour cast.
        distance: Perceptual distance to the originals, lower is better; None = not asked for.
        plain_psnr: In dB, without texture; None = the network has none.
    """

    psnr: float
    bias: tuple[float, float, float]
    distance: float | None = None
    plain_psnr: float | None = None

    @property
    def value(self) -> float:
        """What is compared, in dB, higher is better.

        PSNR, the mean of that with texture and without it if there is any. Where training aims at a small
        distance: nearness, and PSNR without texture beside it.
        """
        if self.distance is None:
            return self.psnr if self.plain_psnr is None else (self.psnr + self.plain_psnr) / 2
        nearness = -20 * math.log10(max(self.distance, LEAST_DISTANCE))
        return nearness if self.plain_psnr is None else self.plain_psnr + nearness

    @property
    def is_finite(self) -> bool:
        """Whether the generator gave numbers at all."""
        return bool(torch.tensor([self.psnr, *self.bias, self.value]).isfinite().all())

    def metrics(self, of: str = "") -> dict[str, float]:
        """The numbers for a card; ``of`` is added to their names."""
        found = {f"held-out PSNR{of}": round(self.psnr, 3)}
        if self.distance is not None:
            found[f"held-out distance{of}"] = round(self.distance, 5)
        if self.plain_psnr is not None:
            found[f"held-out PSNR at detail 0{of}"] = round(self.plain_psnr, 3)
        return found

    def as_list(self) -> list[float | None]:
        """Plain values, for a state on disk; `from_list` reads them."""
        return [self.psnr, *self.bias, self.distance, self.plain_psnr]

    @classmethod
    def from_list(cls, values: list[float | None]) -> "Score":
        """The score that `as_list` wrote."""
        psnr, red, green, blue, distance, *more = values
        assert psnr is not None and red is not None and green is not None and blue is not None
        return cls(psnr, (red, green, blue), distance, *more)


def colour_drift(score: Score, parent: Score) -> str:
    """A sentence on the colour that is off by two more steps of 8 bit than with the parent, "" if none is."""
    drifts = {
        colour: (now, before)
        for colour, now, before in zip(COLOURS, score.bias, parent.bias, strict=True)
        if abs(now) > abs(before) + COLOUR_LEVELS
    }
    if not drifts:
        return ""
    colour, (now, before) = max(drifts.items(), key=lambda item: abs(item[1][0]))
    return f"{colour} is off by {now:+.1f} of 255 on average, with the parent by {before:+.1f}"


def lost_colours(score: Score, parent: Score) -> str:
    """A sentence on what texture cost of the likely colours, "" if nothing beyond `MOST_LOSS_DB`."""
    now, before = score.plain_psnr, parent.plain_psnr
    if now is None or before is None or now >= before - MOST_LOSS_DB:
        return ""
    return f"without texture {now - before:+.2f} dB"


def aims_at_looks(recipe: Recipe) -> bool:
    """Whether a recipe aims at pictures that look right rather than at small errors."""
    losses = recipe.losses
    return bool(losses.adversarial or losses.perceptual or losses.style)


def validation_px(recipe: Recipe, photos: PhotoStore) -> int:
    """Side of the crops of a validation: as in training, or larger for a fill, where the photos have it.

    A crop that is small beside the holes of the use says little of them: weights that gained on crops of
    128 px lost on whole photos.
    """
    crop = recipe.data.crop
    if recipe.task != "fill":
        return crop
    return max(crop, min(FILLED_PX, photos.shortest_side) // Inpaint.multiple * Inpaint.multiple)


def picture_psnr(made: Tensor, batch: Batch) -> Tensor:
    """PSNR of a photo's crops, pooled, in dB."""
    error = (made.clamp(-1, 1) - batch.target).square().mean()
    return psnr_of_errors(error.clamp_min(LEAST_ERROR), UNIT_SPAN)


class Validation:
    """Batches drawn once from held-out photos, a batch a photo.

    Args:
        recipe: Decides holes and degradation; perceptual distance is measured where it `aims_at_looks`
            and a feature network is there.
        photos: The held-out photos.
        placement: Where and in which precision generators run.
        side: Of the crops, in px, such as `validation_px`.
    """

    def __init__(self, recipe: Recipe, photos: PhotoStore, placement: Placement, side: int) -> None:
        self._area = (side / recipe.data.crop) ** 2
        each = max(2, int(CROPS / self._area) // len(photos))
        recipe = dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, batch=each))
        self.task: Task = TASKS[recipe.task](recipe)
        self.placement = placement
        self._adapts = recipe.adapter.rank > 0  # texture is no sum of weights then
        random = torch.Generator().manual_seed(VALIDATION_SEED)
        parts = [photos.part(torch.tensor([number])) for number in range(len(photos))]
        self.batches = [self.task.draw(part, random, side) for part in parts]
        self._feature_losses = NoFeatureLosses()
        if aims_at_looks(recipe):
            losses = dataclasses.replace(recipe.losses, perceptual=1.0)
            with suppress(RequestError):  # no feature network on this machine: PSNR it is
                self._feature_losses = make_feature_losses(
                    dataclasses.replace(recipe, losses=losses), placement
                )

    @property
    def crops(self) -> int:
        """How many crops there are."""
        return sum(len(batch.target) for batch in self.batches)

    @property
    def training_crops(self) -> int:
        """How many crops of training have as many pixels."""
        return round(self.crops * self._area)

    @torch.no_grad()
    def take(
        self, network: nn.Module, tick: Callable[[], None] = lambda: None
    ) -> tuple[Score, Tensor]:
        """Score a network; returns the score and a sheet (photos, n, 3, H, W), a crop of each photo.

        ``tick`` is called before every photo and may raise to end it.
        """
        scores: list[Mapping[str, Tensor]] = []
        rows: list[Tensor] = []
        plain: nn.Module | None = None
        if isinstance(network, Inpaint) and network.texture is not None and not self._adapts:
            network, plain = network.at_detail(1), network.at_detail(0)
        for batch in self.batches:
            tick()
            with self.placement.autocast():
                output = run_generator(network, batch)
            found = self._score(output.refined.float(), batch)
            if plain is not None:
                with self.placement.autocast():
                    made = run_generator(plain, batch).refined.float()
                found["plain_psnr"] = picture_psnr(made, batch)
            scores.append(found)
            rows.append(self.task.sheet(output, batch)[:1])
        means = {key: torch.stack([score[key] for score in scores]).mean(0) for key in scores[0]}
        red, green, blue = map(float, means["bias"].cpu().unbind())
        distance = means["distance"].item() if "distance" in means else None
        plain_psnr = means["plain_psnr"].item() if "plain_psnr" in means else None
        psnr = means["psnr"].item()
        return Score(psnr, (red, green, blue), distance, plain_psnr), torch.cat(rows)

    def _score(self, made: Tensor, batch: Batch) -> dict[str, Tensor]:
        error = made.clamp(-1, 1) - batch.target
        found = {
            "psnr": picture_psnr(made, batch),
            "bias": LEVELS * error.mean((0, 2, 3)),
        }
        terms = self._feature_losses.terms(batch, made.clamp(-1, 1), WindowShift(0, 0))
        if "perceptual" in terms:
            found["distance"] = terms["perceptual"]()
        return found
