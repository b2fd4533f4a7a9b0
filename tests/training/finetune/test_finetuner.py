"""Fine-tuning that cannot fail silently: it gains, goes on after a stop, and survives what goes wrong."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from remend.models.checkpoints.checkpoint import open_network, read_card
from remend.models.errors import InputError, RequestError
from remend.models.inference.restorer import load_restorer
from remend.models.progress import Cancelled, Progress
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.trainer import Trainer
from remend.training.engine.watch.guard import MOST_ROLLBACKS
from remend.training.finetune.finetuner import MOST_SLOWER, PATIENCE, FineTune
from remend.training.recipe.schema import OptimiserConfig, Recipe
from tests.helpers.tuning import FP32, StopAfter, Tuning, tensors


def with_rate(recipe: Recipe, lr: float) -> Recipe:
    side = OptimiserConfig("adam", lr)
    return dataclasses.replace(
        recipe, optimiser=dataclasses.replace(recipe.optimiser, generator=side)
    )


@pytest.mark.parametrize("adapter", [False, True])
def test_it_gains_and_ends_with_one_file_that_restores(
    tuning: Tuning, large_photos: PhotoStore, parent: Path, adapter: bool
) -> None:
    tune = tuning.start(tuning.plan(parent, adapter=adapter))
    tune.run()
    out = tuning.path / "mine.safetensors"
    outcome = tune.finish(out)
    assert outcome.has_gained and outcome.after.psnr > outcome.before.psnr
    assert outcome.sentence.startswith("+") and "2 held-out photos" in outcome.sentence
    card = read_card(out)
    assert (card.name, card.parent, card.task) == ("mine", "x2-fidelity", "upscale")
    assert card.trained_on == {"own photos": len(large_photos) - 2}
    assert card.metrics["held-out PSNR"] > card.metrics["held-out PSNR of the parent"]
    assert load_restorer(out, FP32).card == card
    assert bool(card.adapter) == adapter
    if adapter:
        before = tensors(parent)
        dialled = open_network(out, strength=0)[0].state_dict()
        assert all(torch.equal(dialled[name], value) for name, value in before.items())
    assert tuning.heard("10 of 10 tensors (100 %)")
    lines = (tuning.path / "mine.run" / "stats.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["images"] == 0
    assert len(list((tuning.path / "mine.run" / "samples").glob("*.jpg"))) >= 2


@pytest.mark.parametrize("adapter", [False, True])
def test_stopped_and_resumed_is_as_if_it_had_not_been(
    tuning: Tuning, large_photos: PhotoStore, parent: Path, tmp_path: Path, adapter: bool
) -> None:
    recipe = tuning.plan(parent, 64, adapter=adapter)
    whole = tuning.start(recipe)
    whole.run()
    other = Tuning(large_photos, tmp_path / "other")
    with pytest.raises(Cancelled):
        other.start(recipe).run(StopAfter(24))
    resumed = other.start(recipe, resume=True)
    assert other.trainer.images_seen == 24
    resumed.run()
    theirs = tuning.trainer.generator.state_dict()
    for name, value in other.trainer.generator.state_dict().items():
        assert torch.equal(value, theirs[name]), name
    assert resumed.before == whole.before and resumed.best.psnr >= resumed.before.psnr


def test_a_stop_before_the_first_step_can_be_resumed_too(tuning: Tuning, parent: Path) -> None:
    recipe = tuning.plan(parent, 16)
    with pytest.raises(Cancelled):
        tuning.start(recipe).run(StopAfter(0))
    tune = tuning.start(recipe, resume=True)
    tune.run()
    assert tuning.trainer.images_seen == 16


def test_other_photos_are_no_way_to_go_on(
    tuning: Tuning, photo_files: Sequence[Path], parent: Path
) -> None:
    recipe = tuning.plan(parent, 64)
    with pytest.raises(Cancelled):
        tuning.start(recipe).run(StopAfter(8))
    tuning.photos = PhotoStore.load(photo_files[:-1], min_side=128)
    with pytest.raises(RequestError, match="other photos than these"):
        tuning.start(recipe, resume=True)


def test_an_exploding_run_goes_back_slower_and_never_writes_worse_than_its_parent(
    tuning: Tuning, parent: Path
) -> None:
    tune = tuning.start(with_rate(tuning.plan(parent, 4000), 1e4))
    tune.run()
    assert tune.notes["rollbacks"] == MOST_ROLLBACKS and tuning.trainer.images_seen < 4000
    assert tuning.trainer.state.rate_scale == 0.5**MOST_ROLLBACKS
    assert tuning.heard("back to the last good state", "0.5 times the learning rate")
    assert all(value.isfinite().all() for value in tuning.trainer.generator.state_dict().values())
    outcome = tune.finish(tuning.path / "mine.safetensors")
    assert not outcome.has_gained and outcome.sentence.startswith("No gain")
    before, after = tensors(parent), tensors(tuning.path / "mine.safetensors")
    assert all(torch.equal(after[name], value) for name, value in before.items())


def after_each_step(tuning: Tuning, tune: FineTune, change: Callable[[Trainer], None]) -> None:
    """Let something befall the networks after each step."""
    look = tune.after_step

    def both(losses: Any) -> None:
        change(tuning.trainer)
        look(losses)

    tune.after_step = both


def test_weights_that_are_no_numbers_are_taken_back(tuning: Tuning, parent: Path) -> None:
    tune = tuning.start(tuning.plan(parent, 96))
    done: list[int] = []

    def spoil(trainer: Trainer) -> None:
        if trainer.images_seen >= 40 and not done:
            done.append(trainer.images_seen)
            for network in (trainer.generator, trainer.ema.network):
                with torch.no_grad():
                    network.get_parameter("head.bias").fill_(float("nan"))

    after_each_step(tuning, tune, spoil)
    tune.run()
    assert done and tune.notes["rollbacks"] == 1 and tuning.trainer.state.rate_scale == 0.5
    assert tuning.trainer.images_seen == 96
    assert tune.finish(tuning.path / "mine.safetensors").after.is_finite


def test_drifting_colours_are_said_and_not_kept(tuning: Tuning, parent: Path) -> None:
    tune = tuning.start(with_rate(tuning.plan(parent, 64), 1e-6))

    def redden(trainer: Trainer) -> None:
        with torch.no_grad():
            trainer.ema.network.get_parameter("head.bias")[:4] += 0.05

    after_each_step(tuning, tune, redden)
    tune.run()
    assert tuning.heard("Colours drift: red is off by")
    assert tune.best == tune.before


def test_a_run_that_only_loses_begins_again_with_half_the_rate(
    tuning: Tuning, parent: Path
) -> None:
    tune = tuning.start(with_rate(tuning.plan(parent, 400), 1e-6))

    def darken(trainer: Trainer) -> None:
        with torch.no_grad():
            for network in (trainer.generator, trainer.ema.network):
                network.get_parameter("head.bias").sub_(0.002)

    after_each_step(tuning, tune, darken)
    tune.run()
    assert tuning.heard("dB less: back to the last good state", "0.5 times the learning rate")
    assert tune.notes["rollbacks"] == MOST_SLOWER
    assert tuning.trainer.state.rate_scale == 0.5**MOST_SLOWER
    assert tuning.trainer.images_seen == 400 and tune.best == tune.before


def test_it_stops_early_where_nothing_improves(tuning: Tuning, parent: Path) -> None:
    tune = tuning.start(with_rate(tuning.plan(parent, 100_000), 1e-12))
    tune.validation_seconds = 0.0
    tune.run(StopSoon(tune))
    assert tuning.heard(f"Nothing new in {PATIENCE} validations")
    assert tuning.trainer.images_seen < 100_000


class StopSoon(Progress):
    """Makes the run's twelfth parts short, so that a test need not wait for them."""

    def __init__(self, tune: FineTune) -> None:
        self.tune = tune

    def update(self, done: float, total: float, note: str = "") -> None:
        self.tune.validation_seconds = 0.0
        if self.tune.control.state.images == 100_000:
            self.tune.control.state.images = 600


def test_the_schedule_ends_when_the_time_does(tuning: Tuning, parent: Path) -> None:
    recipe = dataclasses.replace(tuning.plan(parent), images=10**9)
    tune = tuning.start(recipe, seconds=6)
    tune.run()
    trainer = tuning.trainer
    assert 0 < trainer.images_seen < 10**6
    (rate, *_) = [group["lr"] for group in trainer.optimiser.param_groups]
    assert rate < 0.1 * recipe.optimiser.generator.lr
    assert trainer.card().run["recipe"]["images"] == trainer.state.images


def test_images_give_the_same_weights_on_a_slow_machine(
    tuning: Tuning, large_photos: PhotoStore, parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tuning.plan(parent, 176)
    quick = tuning.start(recipe)
    quick.run()
    slow = Tuning(large_photos, tuning.path / "slow")
    tune = slow.start(recipe)
    clock = iter(range(10**9))
    monkeypatch.setattr(
        "remend.training.finetune.finetuner.time.monotonic", lambda: next(clock) ** 2
    )
    tune.run()
    assert [word for word in tuning.said if "images:" in word] == [
        word for word in slow.said if "images:" in word
    ]
    assert sum("images:" in word for word in slow.said) == 3
    assert quick.best == tune.best
    theirs = slow.trainer.generator.state_dict()
    for name, value in tuning.trainer.generator.state_dict().items():
        assert torch.equal(value, theirs[name]), name


def test_smaller_batches_where_memory_runs_out(
    tuning: Tuning, parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer.step

    def hungry(self: Trainer) -> Any:
        if self.recipe.data.batch > 2:
            raise torch.OutOfMemoryError("out of memory")
        return step(self)

    monkeypatch.setattr(Trainer, "step", hungry)
    tune = tuning.start(tuning.plan(parent, 16))
    tune.run()
    data = tuning.trainer.recipe.data
    assert (data.batch, data.accumulate) == (2, 2) and tuning.trainer.images_seen == 16
    assert tuning.heard("Memory ran out with 4 crops", "going on with 2")
    monkeypatch.setattr(Trainer, "step", never)
    hopeless = Tuning(tuning.photos, tuning.path / "hopeless")
    with pytest.raises(InputError, match="one crop of 32 px"):
        hopeless.start(hopeless.plan(parent, 16)).run()


def never(_trainer: Trainer) -> None:
    raise MemoryError
