"""The engine on real photos: it learns, it resumes bit for bit, and what it leaves can be used."""

import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor

from remend.models.checkpoints.checkpoint import open_network, read_card
from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.models.generators.inpaint import InpaintConfig
from remend.models.layers.gated import GATES
from remend.models.layers.minibatch import MINIBATCH
from remend.models.layers.norm import NORMS
from remend.models.layers.resample import UPSAMPLERS
from remend.models.progress import Cancelled, Progress
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.pretrained import freeze
from remend.training.engine.run_card import count_sources
from remend.training.engine.run_folder import RunFolder
from remend.training.engine.trainer import Trainer
from remend.training.losses.gan import GAN_LOSSES
from remend.training.losses.penalties import PENALTIES
from remend.training.recipe.parse import Recipe, read_recipe
from tests.helpers.paths import RECIPES

FP32 = Placement(torch.device("cpu"), torch.float32, "tests are exact")


class StopAfter(Progress):
    """Cancels once so many images were seen."""

    def __init__(self, images: int) -> None:
        self.images = images

    def update(self, done: float, total: float, note: str = "") -> None:
        if done >= self.images:
            raise Cancelled


@pytest.fixture(scope="module")
def photos(photo_files: Sequence[Path]) -> PhotoStore:
    return PhotoStore.load(photo_files, min_side=128)


def make(recipe: Recipe, photos: PhotoStore, path: Path, *, resume: bool = False) -> Trainer:
    return Trainer(recipe, photos, RunFolder(path, recipe, resume=resume), FP32, resume=resume)


@pytest.fixture(scope="module")
def finished(photos: PhotoStore, tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    trainer = make(read_recipe(RECIPES / "tiny.toml"), photos, tmp_path_factory.mktemp("r") / "run")
    trainer.run()
    return trainer


def test_a_run_leaves_weights_stats_and_sheets(finished: Trainer) -> None:
    folder = finished.folder
    card = read_card(folder.ema_file)
    assert (card.task, card.images_seen, card.name) == ("fill", 64, "tiny")
    assert sum(card.trained_on.values()) == len(finished.photos) + len(finished.held_out)
    network, _ = open_network(folder.ema_file)
    assert network(torch.zeros(1, 3, 64, 64), torch.ones(1, 1, 64, 64)).refined.isfinite().all()
    assert read_card(folder.discriminator_file).task == "judge"
    lines = [json.loads(line) for line in (folder.path / "stats.jsonl").read_text().splitlines()]
    assert [line["images"] for line in lines][-1] == 64
    assert {"l1_hole", "adversarial", "feature_matching", "d_loss", "psnr"} <= set(lines[-1])
    events = EventAccumulator(str(folder.path)).Reload()
    for name in lines[-1].keys() - {"images"}:
        points = [(point.step, point.value) for point in events.Scalars(name)]
        assert points == [(line["images"], pytest.approx(line[name])) for line in lines], name
    sheets = sorted((folder.path / "samples").iterdir())
    with Image.open(sheets[-1]) as sheet:
        assert sheet.size == (4 * 64, 8 * 64)
    assert not list(folder.path.glob(".*"))


def test_interrupt_and_resume_equals_uninterrupted(
    finished: Trainer, photos: PhotoStore, tmp_path: Path
) -> None:
    stopped = make(finished.recipe, photos, tmp_path / "run")
    with pytest.raises(Cancelled):
        stopped.run(StopAfter(24))
    assert stopped.images_seen == 24
    resumed = make(finished.recipe, photos, tmp_path / "run", resume=True)
    resumed.run()
    for ours, theirs in (
        (resumed.ema.network, finished.ema.network),
        (resumed.generator, finished.generator),
        (resumed.adversary.network, finished.adversary.network),
    ):
        assert ours is not None and theirs is not None
        for name, value in ours.state_dict().items():
            assert torch.equal(value, theirs.state_dict()[name]), name


def test_a_small_upscaler_learns(photos: PhotoStore, tmp_path: Path) -> None:
    recipe = read_recipe(
        RECIPES / "upscale-x2.toml",
        ["images=160", "data.crop=64", "data.batch=8", "data.held_out=2", "generator.width=16",
         "generator.blocks=2", "run.report_images=32", "schedule.warmup_images=8"],
    )  # fmt: skip
    make(recipe, photos, tmp_path / "run").run()
    lines = (tmp_path / "run" / "stats.jsonl").read_text().splitlines()
    scores = [json.loads(line)["psnr"] for line in lines]
    assert scores[-1] > scores[0]
    assert read_card(tmp_path / "run" / "ema.safetensors").scale == 2


HASTE = "discriminator.spectral=false optimiser.discriminator.lr=0.03"
"""Without a bound and in haste, so that the logits leave the range where hinge is linear."""

OPTIONS = [
    "seed=0",  # the recipe as it is
    *(f"adversary.loss={name} {HASTE}" for name in GAN_LOSSES),
    *(f"adversary.penalty={name}" for name in PENALTIES if name != "none"),
    "adversary.penalty=r1 adversary.penalty_weight=1",
    "adversary.penalty=r1 adversary.penalty_every=2",
    *(f"generator.gate={name}" for name in GATES if name != InpaintConfig().gate),
    *(f"generator.norm={name}" for name in NORMS if name != InpaintConfig().norm),
    *(f"generator.upsample={name}" for name in UPSAMPLERS if name != InpaintConfig().upsample),
    "generator.output_kernel=1",
    "generator.output_kernel=9",
    "generator.spectral=true",
    "generator.refine=false",
    *(f"discriminator.norm={name}" for name in NORMS if name != "none"),
    "discriminator.spectral=false",
    *(f"discriminator.scales={scales}" for scales in (1, 3, 4)),
    *(f"discriminator.minibatch={name}" for name in MINIBATCH if name != "none"),
    "adversary.instance_noise=0.1 adversary.instance_noise_images=100",
    "adversary.augment=0.5",
    "adversary.loss=lsgan adversary.label_smoothing=0.9",
    "adversary.loss=minimax adversary.label_smoothing=[0.7,1.2]",
    *(f"losses.{loss}=0.1" for loss in ("l1", "perceptual", "style", "tv")),
    *(f"losses.{loss}=0" for loss in ("adversarial", "feature_matching")),
    "losses.l1_hole=2",
    "optimiser.generator.name=adam",
    "optimiser.discriminator.name=muon",
    "optimiser.generator.lr=1e-4",
    "optimiser.discriminator.lr=1e-3",
    "optimiser.discriminator.steps=2",
    "optimiser.generator.steps=2",
    "growth.sizes=[32,64] growth.images=2",
    "data.accumulate=2",
    'frozen=["coarse"]',
]

BRIEF = (
    "data.batch=2", "data.held_out=1", "schedule.warmup_images=2", "generator.half_blocks=0",
    "generator.coarse_width=16", "generator.coarse_blocks=1", "discriminator.width=8",
)  # fmt: skip
"""Small networks for three steps of two crops: each option has a chance to do something."""


@pytest.fixture(scope="module")
def outcomes() -> dict[str, str]:
    """Option -> fingerprint of what it led to."""
    return {}


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_trains_stays_finite_and_differs(
    option: str, photos: PhotoStore, tmp_path: Path, outcomes: dict[str, str]
) -> None:
    recipe = read_recipe(RECIPES / "tiny.toml", [*BRIEF, *option.split()])
    trainer = make(recipe, photos, tmp_path / "run")
    losses = [trainer.step() for _ in range(3)]
    networks = [trainer.generator, trainer.ema.network, trainer.adversary.network]
    values = [p.detach() for n in networks if n is not None for p in n.parameters()]
    assert all(value.isfinite().all() for value in values)
    assert all(math.isfinite(value) for step in losses for value in step.values())
    # WGAN's gradient is that of the hinge without relu: only the loss itself tells them apart.
    weights = sum(value.double().abs().sum().item() for value in values)
    fingerprint = f"{losses[-1].get('d_loss')} {weights:.9f}"
    twins = [other for other, seen in outcomes.items() if seen == fingerprint]
    outcomes[option] = fingerprint
    assert not twins


@pytest.mark.parametrize("name", [name for name in PENALTIES if name != "none"])
def test_a_penalty_changes_the_discriminators_gradients(
    name: str, photos: PhotoStore, tmp_path: Path
) -> None:
    def gradients(penalty: str) -> list[Tensor]:
        recipe = read_recipe(
            RECIPES / "tiny.toml",
            ["data.crop=32", "data.held_out=1", f"adversary.penalty={penalty}"],
        )
        trainer = make(recipe, photos, tmp_path / penalty)
        trainer.step()
        assert trainer.adversary.network is not None
        found = [p.grad for p in trainer.adversary.network.parameters()]
        return [gradient for gradient in found if gradient is not None]

    for without, with_it in zip(gradients("none"), gradients(name), strict=True):
        assert with_it.isfinite().all()
        if with_it.ndim > 1:  # biases shift the logits and have no part in their slope
            assert not torch.allclose(with_it, without, rtol=1e-3)


def test_a_child_starts_from_its_parent(
    finished: Trainer, photos: PhotoStore, tmp_path: Path
) -> None:
    parent = str(finished.folder.ema_file)
    recipe = dataclasses.replace(finished.recipe, parent=parent)
    child = make(recipe, photos, tmp_path / "run")
    assert (child.start.generator_share, child.start.discriminator_share) == (1, 1)
    ema = open_network(finished.folder.ema_file)[0].state_dict()
    assert all(torch.equal(v, ema[k]) for k, v in child.generator.state_dict().items())
    assert child.card().parent == "ema"
    assert child.card().run["device"].endswith(("CPU thread", "CPU threads"))


def test_a_run_is_not_overwritten_and_not_resumed_with_another_recipe(
    finished: Trainer, tmp_path: Path
) -> None:
    path = finished.folder.path
    with pytest.raises(RequestError, match="already holds a run"):
        RunFolder(path, finished.recipe, resume=False)
    other = dataclasses.replace(finished.recipe, generator={"width": 8})
    with pytest.raises(RequestError, match="another generator"):
        RunFolder(path, other, resume=True)
    with pytest.raises(RequestError, match="no run to resume"):
        RunFolder(tmp_path / "none", finished.recipe, resume=True)
    RunFolder(path, dataclasses.replace(finished.recipe, images=128), resume=True)


def test_sources_are_counted_by_prefix() -> None:
    assert count_sources(["a_1", "a_2", "b_1"]) == {"a": 2, "b": 1}
    assert count_sources([f"{i}" for i in range(100)]) == {"photos": 100}


def test_frozen_parts_keep_their_weights(photos: PhotoStore, tmp_path: Path) -> None:
    recipe = dataclasses.replace(read_recipe(RECIPES / "tiny.toml"), images=16, frozen=("coarse",))
    trainer = make(recipe, photos, tmp_path / "run")
    before = {name: value.clone() for name, value in trainer.generator.state_dict().items()}
    trainer.run()
    for name, value in trainer.generator.state_dict().items():
        assert torch.equal(value, before[name]) == name.startswith("coarse."), name
    with pytest.raises(
        RequestError,
        match=r"'coarse\.steem': .*; it has coarse, refine\.",
    ):
        freeze(trainer.generator, ["coarse.steem"])
