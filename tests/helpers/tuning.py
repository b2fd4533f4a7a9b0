"""What the tests of fine-tuning share: a fine-tune in a folder of its own, and ways to look at it."""

import dataclasses
from pathlib import Path
from typing import Any

import torch

from remend.models.checkpoints.checkpoint import open_network, read_card
from remend.models.device import Placement
from remend.models.progress import Cancelled, Progress
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.run_folder import RunFolder
from remend.training.engine.trainer import Trainer
from remend.training.finetune.derive_recipe import derive_recipe
from remend.training.finetune.finetuner import FineTune
from remend.training.recipe.schema import Recipe

FP32 = Placement(torch.device("cpu"), torch.float32, "tests are exact")


class StopAfter(Progress):
    """Cancels once so many images were seen."""

    def __init__(self, images: int) -> None:
        self.images = images

    def update(self, done: float, total: float, note: str = "") -> None:
        if done >= self.images:
            raise Cancelled


class Tuning:
    """A fine-tune in a folder of its own, and what it said."""

    def __init__(self, photos: PhotoStore, path: Path) -> None:
        self.photos, self.path, self.said = photos, path, list[str]()
        self.trainers: list[Trainer] = []

    @property
    def trainer(self) -> Trainer:
        """The one that is steered now."""
        return self.trainers[-1]

    def plan(
        self, parent: Path, images: int = 96, *, adapter: bool = False, texture: bool = False
    ) -> Recipe:
        card = read_card(parent)
        recipe = derive_recipe(
            parent, card, "mine", images=images, adapter=adapter, texture=texture
        )
        data = dataclasses.replace(recipe.data, crop=32, held_out=2)
        return dataclasses.replace(recipe, data=data)

    def start(self, recipe: Recipe, *, resume: bool = False, **how: Any) -> FineTune:
        folder = RunFolder(self.path / "mine.run", recipe, resume=resume)

        def make(recipe: Recipe) -> Trainer:
            say = self.said.append
            self.trainers.append(Trainer(recipe, self.photos, folder, FP32, say=say))
            return self.trainer

        return FineTune(make, recipe, self.said.append, resume=resume, **how)

    def heard(self, *words: str) -> bool:
        return any(all(word in sentence for word in words) for sentence in self.said)


def tensors(path: Path) -> dict[str, torch.Tensor]:
    return open_network(path)[0].state_dict()
