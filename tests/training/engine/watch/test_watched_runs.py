"""Runs that are watched: taken back where they diverge, resumed where they can be, kept at their best."""

import dataclasses
import json
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from remend.models.checkpoints.checkpoint import open_network, read_card
from remend.models.errors import RequestError
from remend.models.progress import Cancelled
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.run_folder import RunFolder
from remend.training.engine.trainer import Trainer
from remend.training.engine.watch.exam import value_of
from remend.training.engine.watch.guard import MOST_ROLLBACKS, DivergedError
from remend.training.recipe.parse import parse_recipe, read_recipe
from remend.training.recipe.schema import Recipe
from tests.helpers.paths import RECIPES
from tests.helpers.tuning import FP32, StopAfter

SMALL = {
    "task": "upscale",
    "architecture": "upscale",
    "images": 32,
    "generator": {"scale": 2, "width": 8, "blocks": 1},
    "data": {"crop": 16, "batch": 4, "held_out": 2},
    "losses": {"l1": 1.0},
    "run": {"report_images": 8},
}


@pytest.fixture(scope="module")
def photos(photo_files: Sequence[Path]) -> PhotoStore:
    return PhotoStore.load(photo_files, min_side=64)


def small(**changes: Any) -> Recipe:
    return parse_recipe({**SMALL, **changes})


class Run:
    """A run, and what it said."""

    def __init__(self, recipe: Recipe, photos: PhotoStore, path: Path, *, resume: bool = False):
        self.said: list[str] = []
        folder = RunFolder(path, recipe, resume=resume)
        self.trainer = Trainer(recipe, photos, folder, FP32, resume=resume, say=self.said.append)

    def after_each_step(self, change: Callable[[Trainer], None]) -> "Run":
        """Let something befall the networks after each step."""
        step = self.trainer.step

        def both() -> Any:
            losses = step()
            change(self.trainer)
            return losses

        self.trainer.step = both
        return self


def read_stats(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]


def with_rate(recipe: Recipe, lr: float) -> Recipe:
    """The recipe with a rate that no recipe file may have."""
    side = dataclasses.replace(recipe.optimiser.generator, lr=lr)
    return dataclasses.replace(
        recipe, optimiser=dataclasses.replace(recipe.optimiser, generator=side)
    )


@pytest.mark.parametrize("images", [4, 8, 400])
def test_a_rate_without_bounds_ends_in_a_sentence_and_leaves_numbers(
    photos: PhotoStore, tmp_path: Path, images: int
) -> None:
    run = Run(with_rate(small(images=images), float("inf")), photos, tmp_path / "run")
    with pytest.raises(DivergedError, match=r"diverged and was taken back .* Set a lower"):
        run.trainer.run()
    assert "back to the last good state, with 0.5 times the learning rate" in run.said[0]
    assert run.trainer.guard.rollbacks == (MOST_ROLLBACKS if images == 400 else 1)
    assert run.trainer.images_seen < 400
    left, _ = open_network(run.trainer.folder.ema_file)
    assert all(value.isfinite().all() for value in left.state_dict().values())


def test_one_step_that_goes_wrong_is_taken_back_and_the_run_goes_on(
    photos: PhotoStore, tmp_path: Path
) -> None:
    done: list[int] = []

    def spoil(trainer: Trainer) -> None:
        if trainer.images_seen >= 12 and not done:
            done.append(trainer.images_seen)
            with torch.no_grad():
                trainer.generator.get_parameter("head.bias").fill_(float("nan"))

    run = Run(small(), photos, tmp_path / "run").after_each_step(spoil)
    run.trainer.run()
    assert run.trainer.guard.rollbacks == 1 and run.trainer.state.rate_scale == 0.5
    assert "l1 is nan" in run.said[0]
    lines = read_stats(tmp_path / "run")
    # The report of the step that was taken back is made after the next one.
    assert [line["images"] for line in lines] == [8, 20, 24, 32]
    assert run.trainer.guard.are_finite()


def test_broken_weights_are_never_saved(photos: PhotoStore, tmp_path: Path) -> None:
    trainer = Run(small(), photos, tmp_path / "run").trainer
    trainer.save()
    before = trainer.folder.ema_file.read_bytes()
    with torch.no_grad():
        trainer.generator.get_parameter("head.bias").fill_(float("nan"))
    trainer.save()
    assert trainer.folder.ema_file.read_bytes() == before
    assert trainer.folder.load_state()["generator"]["head.bias"].isfinite().all()


def test_a_run_is_resumed_from_the_first_second(photos: PhotoStore, tmp_path: Path) -> None:
    whole = Run(small(), photos, tmp_path / "whole").trainer
    whole.run()
    Run(small(), photos, tmp_path / "run")  # and killed before its first state
    (tmp_path / "run" / "stats.jsonl").write_text('{"images": 8}\n')
    resumed = Run(small(), photos, tmp_path / "run", resume=True).trainer
    resumed.run()
    mine, theirs = resumed.ema.network.state_dict(), whole.ema.network.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in mine.items())
    with pytest.raises(RequestError, match="no run to resume"):
        Run(small(), photos, tmp_path / "none", resume=True)


def test_a_changed_set_of_photos_is_refused(
    photos: PhotoStore, photo_files: Sequence[Path], tmp_path: Path
) -> None:
    with pytest.raises(Cancelled):
        Run(small(), photos, tmp_path / "run").trainer.run(StopAfter(8))
    fewer = PhotoStore.load(photo_files[:-1], min_side=64)
    repainted = PhotoStore.load(photo_files, min_side=64)
    repainted.flat = repainted.flat ^ 1
    held_out_others = small(data={**SMALL["data"], "held_out": 3})
    for recipe, changed in ((small(), fewer), (small(), repainted), (held_out_others, photos)):
        with pytest.raises(RequestError, match="other photos than these, or held out others"):
            Run(recipe, changed, tmp_path / "run", resume=True)
    Run(small(), photos, tmp_path / "run", resume=True).trainer.run()


def test_the_best_state_and_numbered_ones_are_kept(photos: PhotoStore, tmp_path: Path) -> None:
    def spoil(trainer: Trainer) -> None:
        if trainer.images_seen > 16:
            with torch.no_grad():
                trainer.ema.network.get_parameter("head.bias").fill_(0.7)

    recipe = small(run={"report_images": 8, "keep_images": 16})
    Run(recipe, photos, tmp_path / "run").after_each_step(spoil).trainer.run()
    lines = read_stats(tmp_path / "run")
    best = max(lines, key=lambda line: line["psnr"])
    assert best["images"] <= 16
    assert read_card(tmp_path / "run" / "best.safetensors").images_seen == best["images"]
    numbered = sorted((tmp_path / "run" / "checkpoints").iterdir())
    assert [file.name for file in numbered] == ["000000016.safetensors", "000000032.safetensors"]
    assert [read_card(file).images_seen for file in numbered] == [16, 32]


def test_a_run_ends_early_where_nothing_improves_and_so_it_does_resumed(
    photos: PhotoStore, tmp_path: Path
) -> None:
    recipe = with_rate(small(images=4000, run={"report_images": 8, "patience": 4}), 1e-12)
    with pytest.raises(Cancelled):
        Run(recipe, photos, tmp_path / "run").trainer.run(StopAfter(24))
    run = Run(recipe, photos, tmp_path / "run", resume=True)
    run.trainer.run()
    # A first report, and four that were not better: what was counted before the stop counts.
    assert run.trainer.images_seen == 40 and "No new best score in 4 reports" in run.said[0]


def test_what_is_best_follows_from_what_training_looks_at() -> None:
    assert value_of({"psnr": 30.0, "distance": 0.2, "auc_1": 0.7}) == -0.2
    assert value_of({"psnr": 30.0, "hole_psnr": 20.0}) == 30.0
    assert value_of({"f1_lines": 0.2, "f1_patches": 0.4}) == pytest.approx(0.3)
    assert value_of({"spread": 0.9}) is None
    tiny = RECIPES / "dcgan.toml"
    with pytest.raises(RequestError, match=r"run\.patience = 3 .* no score"):
        read_recipe(tiny, ["run.patience=3"])


def test_another_tracker_gets_the_same_numbers_and_the_recipe(
    photos: PhotoStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        RequestError, match=r"run\.tracker = swanlab needs its package: pip install"
    ):
        Run(small(run={"tracker": "swanlab"}), photos, tmp_path / "none")
    calls: list[tuple[Any, ...]] = []
    finder = types.SimpleNamespace(
        find_spec=lambda name: name in ("tensorboard", "accelerate", "wandb")
    )

    def begin(project: str) -> Any:
        calls.append(("begin", project))
        return types.SimpleNamespace(
            log=lambda values, step: calls.append(("log", step, values["psnr"])),
            finish=lambda: calls.append(("finish",)),
        )

    library: Any = types.ModuleType("wandb")
    library.init = begin
    library.config = types.SimpleNamespace(
        update=lambda values, **_: calls.append(("config", values["task"]))
    )
    monkeypatch.setitem(sys.modules, "wandb", library)
    monkeypatch.setattr("remend.training.engine.trackers.importlib.util", finder)
    Run(
        small(run={"report_images": 16, "tracker": "wandb"}), photos, tmp_path / "run"
    ).trainer.run()
    lines = read_stats(tmp_path / "run")
    logged = [("log", line["images"], line["psnr"]) for line in lines]
    assert calls == [("begin", "run"), ("config", "upscale"), *logged, ("finish",)]
    assert list((tmp_path / "run").glob("events.out.tfevents*"))
