"""Fine-tuning that cannot fail silently: it gains, goes on after a stop, and survives what goes wrong."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from remend.models.checkpoints.checkpoint import open_network, read_card
from remend.models.device import Placement
from remend.models.errors import InputError, RequestError
from remend.models.inference.restorer import load_restorer
from remend.models.progress import Cancelled, Progress
from remend.training.data.photo_loading import load_photos
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.pretrained import find_discriminator
from remend.training.engine.run_folder import RunFolder
from remend.training.engine.trainer import Trainer
from remend.training.finetune.derive_recipe import count_held_out, plan_recipe
from remend.training.finetune.finetuner import MOST_ROLLBACKS, PATIENCE, FineTune
from remend.training.recipe.parse import read_recipe
from remend.training.recipe.schema import OptimiserConfig, Recipe
from tests.helpers.paths import RECIPES

FP32 = Placement(torch.device("cpu"), torch.float32, "tests are exact")


class StopAfter(Progress):
    def __init__(self, images: int) -> None:
        self.images = images

    def update(self, done: float, total: float, note: str = "") -> None:
        if done >= self.images:
            raise Cancelled


@pytest.fixture(scope="module")
def photos(photo_files: Sequence[Path]) -> PhotoStore:
    return load_photos(photo_files, min_side=128)


@pytest.fixture
def parent(tiny_weights: Path) -> Path:
    return tiny_weights / "x2-fidelity.safetensors"


class Tuning:
    """A fine-tune in a folder of its own, and what it said."""

    def __init__(self, photos: PhotoStore, path: Path) -> None:
        self.photos, self.path, self.said = photos, path, list[str]()

    def plan(self, parent: Path, images: int = 96, *, adapter: bool = False) -> Recipe:
        recipe = plan_recipe(parent, read_card(parent), "mine", images=images, adapter=adapter)
        data = dataclasses.replace(recipe.data, crop=64, held_out=2)
        return dataclasses.replace(recipe, data=data)

    def start(self, recipe: Recipe, *, resume: bool = False, **how: Any) -> FineTune:
        folder = RunFolder(self.path / "mine.run", recipe, resume=resume)

        def make(recipe: Recipe) -> Trainer:
            return Trainer(recipe, self.photos, folder, FP32)

        return FineTune(make, recipe, self.said.append, resume=resume, **how)

    def heard(self, *words: str) -> bool:
        return any(all(word in sentence for word in words) for sentence in self.said)


@pytest.fixture
def tuning(photos: PhotoStore, tmp_path: Path) -> Tuning:
    return Tuning(photos, tmp_path)


def with_rate(recipe: Recipe, lr: float) -> Recipe:
    side = OptimiserConfig("adam", lr)
    return dataclasses.replace(
        recipe, optimiser=dataclasses.replace(recipe.optimiser, generator=side)
    )


def tensors(path: Path) -> dict[str, torch.Tensor]:
    return open_network(path)[0].state_dict()


@pytest.mark.parametrize("adapter", [False, True])
def test_it_gains_and_ends_with_one_file_that_restores(
    tuning: Tuning, photos: PhotoStore, parent: Path, adapter: bool
) -> None:
    tune = tuning.start(tuning.plan(parent, adapter=adapter))
    tune.run()
    out = tuning.path / "mine.safetensors"
    outcome = tune.finish(out)
    assert outcome.has_gained and outcome.after.psnr > outcome.before.psnr
    assert outcome.sentence.startswith("+") and "2 held-out photos" in outcome.sentence
    card = read_card(out)
    assert (card.name, card.parent, card.task) == ("mine", "x2-fidelity", "upscale")
    assert card.trained_on == {"own photos": len(photos) - 2}
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
    tuning: Tuning, photos: PhotoStore, parent: Path, tmp_path: Path, adapter: bool
) -> None:
    recipe = tuning.plan(parent, 64, adapter=adapter)
    whole = tuning.start(recipe)
    whole.run()
    other = Tuning(photos, tmp_path / "other")
    with pytest.raises(Cancelled):
        other.start(recipe).run(StopAfter(24))
    resumed = other.start(recipe, resume=True)
    assert resumed.trainer.images_seen == 24
    resumed.run()
    theirs = whole.trainer.generator.state_dict()
    for name, value in resumed.trainer.generator.state_dict().items():
        assert torch.equal(value, theirs[name]), name
    assert resumed.before == whole.before and resumed.best.psnr >= resumed.before.psnr


def test_a_stop_before_the_first_step_can_be_resumed_too(tuning: Tuning, parent: Path) -> None:
    recipe = tuning.plan(parent, 16)
    with pytest.raises(Cancelled):
        tuning.start(recipe).run(StopAfter(0))
    tune = tuning.start(recipe, resume=True)
    tune.run()
    assert tune.trainer.images_seen == 16


def test_other_photos_are_no_way_to_go_on(
    tuning: Tuning, photo_files: Sequence[Path], parent: Path
) -> None:
    recipe = tuning.plan(parent, 64)
    with pytest.raises(Cancelled):
        tuning.start(recipe).run(StopAfter(8))
    tuning.photos = load_photos(photo_files[:-1], min_side=128)
    with pytest.raises(RequestError, match="held out other photos"):
        tuning.start(recipe, resume=True)


def test_an_exploding_run_goes_back_slower_and_never_writes_worse_than_its_parent(
    tuning: Tuning, parent: Path
) -> None:
    tune = tuning.start(with_rate(tuning.plan(parent, 4000), 1e4))
    tune.run()
    assert tune.extra["rollbacks"] == MOST_ROLLBACKS and tune.trainer.images_seen < 4000
    assert tune.trainer.rate_scale == 0.5**MOST_ROLLBACKS
    assert tuning.heard("back to the last good state", "0.5 times the learning rate")
    assert all(value.isfinite().all() for value in tune.trainer.generator.state_dict().values())
    outcome = tune.finish(tuning.path / "mine.safetensors")
    assert not outcome.has_gained and outcome.sentence.startswith("No gain")
    before, after = tensors(parent), tensors(tuning.path / "mine.safetensors")
    assert all(torch.equal(after[name], value) for name, value in before.items())


def after_each_step(tune: FineTune, change: Callable[[Trainer], None]) -> None:
    """Let something befall the networks after each step."""
    look = tune.after_step

    def both(losses: Any) -> None:
        change(tune.trainer)
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

    after_each_step(tune, spoil)
    tune.run()
    assert done and tune.extra["rollbacks"] == 1 and tune.trainer.rate_scale == 0.5
    assert tune.trainer.images_seen == 96
    assert tune.finish(tuning.path / "mine.safetensors").after.is_finite


def test_drifting_colours_are_said_and_not_kept(tuning: Tuning, parent: Path) -> None:
    tune = tuning.start(with_rate(tuning.plan(parent, 64), 1e-6))

    def redden(trainer: Trainer) -> None:
        with torch.no_grad():
            trainer.ema.network.get_parameter("head.bias")[:4] += 0.05

    after_each_step(tune, redden)
    tune.run()
    assert tuning.heard("Colours drift: red is off by")
    assert tune.best == tune.before


def test_it_stops_early_where_nothing_improves(tuning: Tuning, parent: Path) -> None:
    tune = tuning.start(with_rate(tuning.plan(parent, 100_000), 1e-12))
    tune.exam_seconds = 0.0
    tune.run(StopSoon(tune))
    assert tuning.heard(f"Nothing new in {PATIENCE} exams")
    assert tune.trainer.images_seen < 100_000


class StopSoon(Progress):
    """Makes the run's twelfth parts short, so that a test need not wait for them."""

    def __init__(self, tune: FineTune) -> None:
        self.tune = tune

    def update(self, done: float, total: float, note: str = "") -> None:
        self.tune.exam_seconds = 0.0
        if self.tune.trainer.images == 100_000:
            self.tune.trainer.images = 600


def test_the_schedule_ends_when_the_time_does(tuning: Tuning, parent: Path) -> None:
    recipe = dataclasses.replace(tuning.plan(parent), images=10**9)
    tune = tuning.start(recipe, seconds=6)
    tune.run()
    trainer = tune.trainer
    assert 0 < trainer.images_seen < 10**6
    (rate, *_) = [group["lr"] for group in trainer.optimiser.param_groups]
    assert rate < 0.1 * recipe.optimiser.generator.lr
    assert trainer.card().run["recipe"]["images"] == trainer.images


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
    data = tune.trainer.recipe.data
    assert (data.batch, data.accumulate) == (2, 2) and tune.trainer.images_seen == 16
    assert tuning.heard("Memory ran out with 4 crops", "going on with 2")
    monkeypatch.setattr(Trainer, "step", never)
    hopeless = Tuning(tuning.photos, tuning.path / "hopeless")
    with pytest.raises(InputError, match="one crop of 64 px"):
        hopeless.start(hopeless.plan(parent, 16)).run()


def never(_trainer: Trainer) -> None:
    raise MemoryError


# What is taken over from the parent


@pytest.fixture(scope="module")
def gan_run(photos: PhotoStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short run with a discriminator."""
    recipe = read_recipe(RECIPES / "tiny.toml", ["images=8"])
    path = tmp_path_factory.mktemp("gan") / "run"
    Trainer(recipe, photos, RunFolder(path, recipe, resume=False), FP32).run()
    return path


def test_a_gan_goes_on_against_its_own_discriminator(gan_run: Path, tuning: Tuning) -> None:
    parent = gan_run / "ema.safetensors"
    recipe = tuning.plan(parent, 8)
    assert recipe.losses == read_recipe(RECIPES / "tiny.toml").losses
    tune = tuning.start(recipe)
    judge = tune.trainer.adversary.network
    theirs = tensors(gan_run / "discriminator.safetensors")
    assert judge is not None
    assert all(torch.equal(value, theirs[name]) for name, value in judge.state_dict().items())
    assert tuning.heard("discriminator is that of discriminator.safetensors")
    tune.run()
    assert tune.best.distance is not None
    outcome = tune.finish(tuning.path / "mine.safetensors")
    assert "perceptual distance" in outcome.sentence


def test_a_missing_discriminator_is_said(gan_run: Path, tuning: Tuning) -> None:
    alone = tuning.path / "alone.safetensors"
    alone.write_bytes((gan_run / "ema.safetensors").read_bytes())
    assert find_discriminator(alone) is None
    tuning.start(tuning.plan(alone, 16))
    assert tuning.heard("No discriminator lies beside alone.safetensors")


def test_a_foreign_discriminator_is_refused(gan_run: Path, tuning: Tuning) -> None:
    alone = tuning.path / "alone.safetensors"
    alone.write_bytes((gan_run / "ema.safetensors").read_bytes())
    beside = tuning.path / "alone.discriminator.safetensors"
    beside.write_bytes((gan_run / "discriminator.safetensors").read_bytes())
    recipe = tuning.plan(alone, 16)
    recipe = dataclasses.replace(recipe, discriminator={**recipe.discriminator, "width": 24})
    with pytest.raises(RequestError, match="discriminator's tensors"):
        tuning.start(recipe)


def test_a_parent_that_does_not_match_is_refused(tuning: Tuning, parent: Path) -> None:
    recipe = tuning.plan(parent, 16)
    recipe = dataclasses.replace(recipe, generator={**recipe.generator, "blocks": 2})
    with pytest.raises(RequestError, match=r"Only \d+% of the network's tensors"):
        tuning.start(recipe)


def test_an_l1_parent_is_tuned_with_l1(tiny_weights: Path) -> None:
    for name, loss in (("fill", "l1_hole"), ("x4-fidelity", "l1")):
        path = tiny_weights / f"{name}.safetensors"
        losses = dataclasses.asdict(plan_recipe(path, read_card(path), "mine", images=8).losses)
        assert {key for key, value in losses.items() if value and key != "features"} == {loss}


def test_a_fill_with_texture_is_taught_colours_and_keeps_the_texture(tuning: Tuning) -> None:
    settings = ['frozen=["coarse", "refine"]', "generator.texture=true", "images=8"]
    recipe = read_recipe(RECIPES / "tiny.toml", settings)
    folder = tuning.path / "gan.run"
    Trainer(recipe, tuning.photos, RunFolder(folder, recipe, resume=False), FP32).run()
    parent = folder / "ema.safetensors"
    tune = tuning.start(tuning.plan(parent, 16))
    assert tune.trainer.adversary.network is None
    tune.run()
    before, after = tensors(parent), tune.trainer.generator.state_dict()
    changed = {name.split(".")[0] for name, value in after.items() if not value.equal(before[name])}
    assert any(name.startswith("texture.") for name in before)
    assert changed == {"coarse", "refine"}


def test_a_parents_last_run_decides_neither_pace_nor_batch(tiny_weights: Path) -> None:
    path = tiny_weights / "x4-fidelity.safetensors"
    optimiser: dict[str, Any] = {"generator": {"lr": 1e-4}}
    table = {"data": {"batch": 128, "crop": 64}, "losses": {"l1": 1.0}, "optimiser": optimiser}

    def plan(**changes: Any) -> Recipe:
        told = dataclasses.replace(read_card(path), run={"recipe": {**table, **changes}})
        return plan_recipe(path, told, "mine", images=8)

    assert plan().data.batch == 4
    assert plan().optimiser.generator.lr == pytest.approx(8e-4)
    judged = plan(losses={"l1": 1.0, "adversarial": 0.1})
    assert judged.optimiser.generator.lr == pytest.approx(8e-5)
    adam = plan(optimiser={"generator": {"name": "adam", "lr": 1e-4}})
    assert adam.optimiser.generator.lr == pytest.approx(8e-5)


@pytest.mark.parametrize(("photos", "held_out"), [(4, 1), (6, 1), (24, 4), (40, 8), (5000, 16)])
def test_a_fifth_is_held_out(photos: int, held_out: int) -> None:
    assert count_held_out(photos) == held_out


def test_a_feature_network_that_only_the_parents_machine_had_is_replaced(
    tiny_weights: Path,
) -> None:
    path = tiny_weights / "x4-fidelity.safetensors"
    card = read_card(path)
    named = {"l1": 1.0, "perceptual": 0.1}
    for given, taken in (("vgg16", "vgg16"), ("squeezenet1_1.pth", "efficientnet_lite0")):
        run = {"recipe": {"losses": {**named, "features": given}}}
        told = dataclasses.replace(card, run=run)
        assert plan_recipe(path, told, "mine", images=8).losses.features == taken
