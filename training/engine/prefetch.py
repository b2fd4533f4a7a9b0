"""The batches of a run, several of them drawn at once where drawing waits for a GPU.

Holes and degradations ask the device questions (is this hole too large? which pictures become JPEG?), and
every answer waits until the GPU has done what it was given before. For eight batches drawn together, each
question is asked once. What a batch holds is up to the task.
"""

import dataclasses

import torch

from remend.training.data.photo_store import PhotoStore
from remend.training.engine.batch import Batch
from remend.training.engine.tasks.table import TASKS
from remend.training.recipe.schema import Recipe

MOST_BATCHES = 8
MOST_PIXELS = 1 << 24
"""Of all that is drawn at once: 0.2 GB a copy."""


class Prefetcher:
    """Batches of a task, handed out one by one.

    Those that are drawn at once share what a draw decides for all of its samples, such as the way of
    resizing, and are shuffled into each other. What waits here is no part of a run's state.

    Args:
        recipe: With the size of a whole step's batch in ``data.batch``.
        device: Where batches are drawn; on a CPU one at a time, so that a resumed run goes on bit for bit.
    """

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        data = recipe.data
        fitting = MOST_PIXELS // (data.batch * data.crop**2)
        self.batches = max(1, min(MOST_BATCHES, fitting)) if device.type == "cuda" else 1
        larger = dataclasses.replace(data, batch=data.batch * self.batches)
        self.task = TASKS[recipe.task](dataclasses.replace(recipe, data=larger))
        self._waiting: list[Batch] = []

    def forget(self) -> None:
        """Drop what waits: the run goes on from another state."""
        self._waiting.clear()

    def draw(self, photos: PhotoStore, random: torch.Generator, crop_px: int) -> Batch:
        """The next batch; everything random comes from ``random``."""
        if self._waiting and self._waiting[-1].target.shape[-1] != crop_px:
            self.forget()
        if not self._waiting:
            drawn = self.task.draw(photos, random, crop_px)
            if self.batches == 1:
                return drawn
            order = torch.randperm(len(drawn), generator=random, device=random.device)
            self._waiting = [drawn.take(order[i :: self.batches]) for i in range(self.batches)]
        return self._waiting.pop()
