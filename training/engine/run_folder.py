"""A run's folder: what the run was asked for, how it goes, and the state from which it can be resumed.

    recipe.json          the resolved recipe, written first
    stats.jsonl          one line a report
    events.out.tfevents* the same for TensorBoard, where it is installed
    best.safetensors     the average that did best on held-out photos; checkpoints/ those that are numbered
    samples/*.jpg        sheets: input, coarse, refined, truth; a grid of what was made from noise
    ema.safetensors      the averaged generator with its card, usable at any time
    discriminator.safetensors, state.pt   to fine-tune from, to resume from

Every file is written under a temporary name and renamed.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from remend.models.errors import InputError, RequestError
from remend.models.imaging.files import write_picture
from remend.models.imaging.picture import Picture, from_unit
from remend.models.storage.atomic import write_atomic
from remend.training.engine.trackers import Trackers
from remend.training.recipe.contradictions import TABLES_OF_ONE_TASK
from remend.training.recipe.schema import Recipe


class RunFolder:
    """Paths and files of one run.

    Args:
        path: The folder; made if it is missing.
        recipe: What the run does.
        resume: Go on with a run that lies there.
        writes: Off in all processes of a run but one.

    Raises:
        RequestError: A run lies there and ``resume`` is off, none does and it is on, its recipe is
            another one, or the folder cannot be written.
    """

    def __init__(self, path: Path, recipe: Recipe, *, resume: bool, writes: bool = True) -> None:
        self.path = path
        self.state_file, self.ema_file = path / "state.pt", path / "ema.safetensors"
        self.discriminator_file = path / "discriminator.safetensors"
        self.stats_file = path / "stats.jsonl"
        recipe_file = path / "recipe.json"
        if resume and not (self.has_state or recipe_file.is_file()):
            raise RequestError(f"{path} holds no run to resume; start one without resuming.")
        if not resume and self.has_state:
            raise RequestError(f"{path} already holds a run; resume it, or choose another output.")
        text = json.dumps(asdict(recipe), indent=2)
        if resume:
            self._refuse_another_recipe(json.loads(recipe_file.read_text()), json.loads(text))
        self.trackers = Trackers(path, recipe.run.tracker, asdict(recipe))
        if not writes:
            return
        try:
            (path / "samples").mkdir(parents=True, exist_ok=True)
            write_atomic(text.encode(), recipe_file)
        except OSError as error:
            raise RequestError(
                f"{path} cannot be written ({error.strerror}); choose another output."
            ) from error

    @property
    def has_state(self) -> bool:
        """Whether a state was saved; before its first one a resumed run begins at the beginning."""
        return self.state_file.is_file()

    def _refuse_another_recipe(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        # The length and the pace of a run may change; what the weights mean may not.
        free = {"images", "schedule", "run", "name", "losses", "data", "ema", "optimiser", "holes"}
        free |= {name for name, task in TABLES_OF_ONE_TASK.items() if task != new["task"]}
        defaults = asdict(Recipe(new["task"], new["architecture"], new["images"]))
        for key in sorted((set(old) | set(new)) - free):
            # A run of before has no word of fields that came later: it had what is their default now.
            before: Any = old.get(key, defaults.get(key))
            if isinstance(before, dict):
                before = {**defaults.get(key, {}), **cast("dict[str, Any]", before)}
            if before != new.get(key):
                raise RequestError(
                    f"The run in {self.path} has another {key} than this recipe; resume with the "
                    "recipe it was started with, or choose another output."
                )

    def log(self, stats: Mapping[str, Any]) -> None:
        """Append one line to stats.jsonl, and the same to TensorBoard's events.

        Raises:
            InputError: The disk is full or fails.
        """
        try:
            with self.stats_file.open("a") as file:
                file.write(json.dumps(stats) + "\n")
            self.trackers.add(stats)
        except OSError as error:
            raise InputError(
                f"{self.path} cannot be written ({error.strerror or error}); mend that, then resume the run: "
                "it goes on from its last state."
            ) from error

    def forget_after(self, images_seen: int) -> None:
        """Drop lines of stats.jsonl that a killed run wrote after the state it resumes from."""
        lines = self.stats_file.read_text().splitlines() if self.stats_file.is_file() else []
        kept = [line for line in lines if json.loads(line)["images"] <= images_seen]
        if len(kept) < len(lines):
            write_atomic("".join(f"{line}\n" for line in kept).encode(), self.stats_file)

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Replace the resumable state."""
        buffer = io.BytesIO()
        torch.save(dict(state), buffer)
        write_atomic(buffer.getvalue(), self.state_file)

    def load_state(self) -> dict[str, Any]:
        """Read the resumable state; only tensors and plain values are accepted."""
        return torch.load(self.state_file, weights_only=True, map_location="cpu")

    def save_sheet(self, rows: Tensor, images_seen: int) -> None:
        """Save pictures (B, n, 3, H, W) in [-1, 1] as one JPEG, a row a sample."""
        samples, columns, channels, height, width = rows.shape
        sheet = rows.permute(2, 0, 3, 1, 4).reshape(1, channels, samples * height, columns * width)
        file = self.path / "samples" / f"{images_seen:09d}.jpg"
        write_picture(Picture(from_unit(sheet, np.uint8)), file, quality=92)
