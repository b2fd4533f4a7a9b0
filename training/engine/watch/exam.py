"""The exam of a run: its average on the same crops of held-out photos, at every report.

`training.finetune.validation` examines more crops and is what a fine-tune is steered by.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from remend.training.data.photo_store import PhotoStore
from remend.training.engine.batch import Batch, WindowShift
from remend.training.engine.feature_losses import FeatureLosses, NoFeatureLosses
from remend.training.engine.tasks.task import Output, Task
from remend.training.recipe.schema import Recipe

HELD_OUT_SEED = 20_000


class Exam:
    """Held-out crops, as many as a step has.

    Args:
        recipe: Of the run.
        task: Draws the crops and knows the scores.
        photos: The held-out ones.
        feature_losses: Those of the run; where there are any, the perceptual distance is measured too.
    """

    def __init__(
        self,
        recipe: Recipe,
        task: Task,
        photos: PhotoStore,
        feature_losses: FeatureLosses | NoFeatureLosses,
    ) -> None:
        self._task, self._photos, self._data = task, photos, recipe.data
        self._feature_losses = feature_losses

    @torch.no_grad()
    def take(
        self,
        generate: Callable[[Batch], Output],
        tell_apart: Callable[[Batch, Tensor], dict[str, float]],
    ) -> tuple[dict[str, float], Tensor]:
        """Scores by name, and a sheet to look at (B, n, 3, H, W)."""
        random = torch.Generator().manual_seed(HELD_OUT_SEED)
        batch = self._task.draw(self._photos, random, self._data.crop)
        outputs = [generate(piece) for piece in batch.split(self._data.batch)]
        coarse = torch.cat([one.coarse for one in outputs])
        output = Output(coarse, torch.cat([one.refined for one in outputs]))
        scores = self._task.score(output, batch)
        terms = self._feature_losses.terms(batch, output.refined, WindowShift(0, 0))
        if "perceptual" in terms:
            scores["distance"] = float(terms["perceptual"]())
        scores |= tell_apart(batch, output.refined)
        return scores, self._task.sheet(output, batch)


def value_of(scores: dict[str, float]) -> float | None:
    """What is compared of two states, higher is better; None where pictures have no original.

    Where training looks at perceptual distance, nearness is: a discriminator that is of use costs PSNR.
    """
    if "distance" in scores:
        return -scores["distance"]
    if "psnr" in scores:
        return scores["psnr"]
    found = [value for name, value in scores.items() if name.startswith("f1_")]
    return sum(found) / len(found) if found else None
