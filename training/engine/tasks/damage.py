"""Training to see damage: prints damaged by program, and where they are."""

import torch
from torch import Tensor

from remend.models.generators.damage import GROUPS
from remend.training.data.damaged_print import damage_prints
from remend.training.data.photo_store import PhotoStore, batch_to_unit
from remend.training.engine.batch import Batch
from remend.training.engine.tasks.task import Output, Terms
from remend.training.losses import detection as detection_losses
from remend.training.recipe.schema import Recipe


class DamageTask:
    """Damaged prints; the target is the truth about the damage, the condition where that truth counts."""

    def __init__(self, recipe: Recipe) -> None:
        self.data, self.damage = recipe.data, recipe.damage

    def draw(self, photos: PhotoStore, random: torch.Generator, crop_px: int) -> Batch:
        data = self.data
        crops = photos.crops(data.batch, crop_px, random, half_share=data.half_share, turn=True)
        prints = damage_prints(crops, self.damage, random)
        return Batch((batch_to_unit(prints.scans),), prints.truth, (prints.certain,))

    def terms(self, output: Output, batch: Batch) -> Terms:
        (certain,) = batch.condition
        return {
            "bce": lambda: detection_losses.bce(output.refined, batch.target, certain),
            "dice": lambda: detection_losses.dice(output.refined, batch.target, certain),
        }

    def score(self, output: Output, batch: Batch) -> dict[str, float]:
        """F1 of each output's pixels at a probability of one half."""
        (certain,) = batch.condition
        found = (output.refined > 0).float()
        scores: dict[str, float] = {}
        for number, group in enumerate(GROUPS):
            marked, truth, counts = (part[:, number] for part in (found, batch.target, certain))
            hits = (marked * truth * counts).sum()
            scores[f"f1_{group}"] = float(2 * hits / ((marked + truth) * counts).sum().clamp_min(1))
        return scores

    def sheet(self, output: Output, batch: Batch) -> Tensor:
        """The print, the truth and the probabilities: lines in red, patches in green, stains in blue."""
        truth, found = (part * 2 - 1 for part in (batch.target, output.refined.sigmoid()))
        return torch.stack([batch.inputs[0], truth, found], 1)
