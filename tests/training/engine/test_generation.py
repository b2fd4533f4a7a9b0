"""Pictures from noise: every option of the baselines trained for a moment, and what such a run leaves."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from remend.models.checkpoints.checkpoint import open_network, read_card
from remend.models.checkpoints.registry import ARCHITECTURES
from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.models.progress import Cancelled, Progress
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.run_folder import RunFolder
from remend.training.engine.tasks.generate import draw_latents
from remend.training.engine.tasks.table import TASKS
from remend.training.engine.trainer import Trainer
from remend.training.losses.gan import GAN_LOSSES
from remend.training.losses.penalties import PENALTIES
from remend.training.recipe.parse import read_recipe
from tests.helpers.paths import RECIPES

RECIPE = RECIPES / "dcgan.toml"
FP32 = Placement(torch.device("cpu"), torch.float32, "tests are exact")
BASELINES = [name for name, one in ARCHITECTURES.items() if one.task == "generate"]
SMALL = ("images=16", "data.batch=8", "data.held_out=4", "generator.width=8", "generator.latent=12",
         "discriminator.width=8", "run.report_images=8", "schedule.warmup_images=8",
         "ema.half_life_images=8")  # fmt: skip
GROWTH = ("architecture=growing", "growth.sizes=[8,16,32]", "growth.images=16")


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_latents_are_standard_normal() -> None:
    latents = draw_latents(1000, 100, torch.Generator().manual_seed(3))
    assert abs(latents.mean().item()) < 4 / 1e5**0.5
    assert abs(latents.var().item() - 1) < 4 * (2 / 1e5) ** 0.5
    assert latents.abs().max() > 3  # a uniform distribution of that variance ends at 1.73
    correlation = latents.T @ latents / 1000 - torch.eye(100)
    assert correlation.abs().max() < 0.2


@pytest.fixture(scope="module")
def photos(photo_files: Sequence[Path], tmp_path_factory: pytest.TempPathFactory) -> PhotoStore:
    """Thirty-six thumbnails in three folders, parts of six real photos."""
    folder = tmp_path_factory.mktemp("thumbnails")
    for i, file in enumerate(photo_files):
        name = folder / ("cats", "cars", "towers")[i % 3]
        name.mkdir(exist_ok=True)
        with Image.open(file) as photo:
            small = photo.convert("RGB").resize((96, 72))
        for part in range(6):
            left, top = 30 * (part % 3), 36 * (part // 3)
            small.crop((left, top, left + 36, top + 36)).save(name / f"{i}{part}.png")
    return PhotoStore.load([folder], min_side=32)


def make(photos: PhotoStore, path: Path, *settings: str, resume: bool = False) -> Trainer:
    recipe = read_recipe(RECIPE, [*SMALL, *settings])
    return Trainer(recipe, photos, RunFolder(path, recipe, resume=resume), FP32, resume=resume)


def last_line(path: Path) -> dict[str, float]:
    return json.loads((path / "stats.jsonl").read_text().splitlines()[-1])


OPTIONS = [
    *(f"architecture={name}" for name in BASELINES),
    *(f"architecture={name} data.classes=true" for name in BASELINES),
    "data.crop=64",
    "data.half_share=0.5 data.crop=16",
    # In haste, so that losses that start alike part.
    *(
        f"adversary.loss={name} optimiser.discriminator.lr=0.3 images=32"
        for name in GAN_LOSSES
        if name != "non_saturating"
    ),
    *(f"adversary.penalty={name} discriminator.norm=none" for name in PENALTIES),
    *(f"generator.norm={n}" for n in ("none", "instance", "layer", "pixel", "switchable")),
    *(f"discriminator.norm={n}" for n in ("instance", "layer", "pixel", "switchable")),
    "generator.upsample=pixelshuffle",
    "generator.upsample=transposed",
    "generator.output_kernel=1",
    "generator.output_kernel=9",
    "generator.spectral=true",
    "discriminator.spectral=true",
    "discriminator.minibatch=stddev",
    "discriminator.minibatch=discrimination",
    "adversary.instance_noise=0.1 adversary.instance_noise_images=100",
    "adversary.label_smoothing=0.9",
    "adversary.label_smoothing=[0.7,1.2]",
    "optimiser.generator.name=muon",
    "optimiser.discriminator.name=muon discriminator.width=32",
    "optimiser.generator.lr=1e-3",
    "optimiser.discriminator.steps=2",
    "optimiser.generator.steps=2",
    f"{' '.join(GROWTH)} images=64",
    f"{' '.join(GROWTH)} images=64 adversary.penalty=r1 generator.norm=batch",
    f"{' '.join(GROWTH)} images=64 data.classes=true adversary.penalty=gp1",
    "architecture=resnet adversary.loss=wgan adversary.penalty=gp1 optimiser.discriminator.steps=2",
]  # fmt: skip


@pytest.fixture(scope="module")
def outcomes() -> dict[str, str]:
    """Fingerprint of the weights -> the option that led to them."""
    return {}


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_trains_stays_finite_and_differs(
    option: str, photos: PhotoStore, tmp_path: Path, outcomes: dict[str, str]
) -> None:
    if "crop=64" in option:
        photos = enlarge(photos)
    trainer = make(photos, tmp_path / "run", *option.split())
    trainer.run()
    discriminator = trainer.adversary.network
    assert discriminator is not None
    values = [*trainer.generator.parameters(), *discriminator.parameters()]
    assert all(p.isfinite().all() for p in values)
    line = last_line(tmp_path / "run")
    assert line["spread"] > 0
    size = sum(p.detach().double().abs().sum().item() for p in values)
    assert outcomes.setdefault(f"{line['d_loss']} {size:.9f}", option) == option


def enlarge(photos: PhotoStore) -> PhotoStore:
    """The store as one of photos at twice the size."""
    flat = photos.flat.view(-1, 36, 36, 3)
    flat = flat.repeat_interleave(2, 1).repeat_interleave(2, 2).flatten()
    return PhotoStore(
        flat, 2 * photos.heights, 2 * photos.widths, 4 * photos.offsets, photos.names,
        labels=photos.labels, class_names=photos.class_names,
    )  # fmt: skip


class StopAfter(Progress):
    """Cancels once so many images were seen."""

    def update(self, done: float, total: float, note: str = "") -> None:
        if done >= 24:
            raise Cancelled


LABELLED_GROWTH = (*GROWTH, "images=64", "data.classes=true")


def test_a_run_leaves_a_generator_its_discriminator_and_a_grid(
    photos: PhotoStore, tmp_path: Path
) -> None:
    path = tmp_path / "run"
    trainer = make(photos, path, *LABELLED_GROWTH)
    trainer.run()
    card, discriminator = (
        read_card(path / "ema.safetensors"),
        read_card(path / "discriminator.safetensors"),
    )
    assert (card.task, card.architecture, discriminator.task) == ("generate", "growing", "judge")
    assert discriminator.architecture == "growing_judge"
    assert card.config["classes"] == 3 and card.run["classes"] == ["cars", "cats", "towers"]
    network, _ = open_network(path / "ema.safetensors")
    assert network(noise(2, 12), torch.tensor([0, 2])).shape == (2, 3, 32, 32)
    assert {"adversarial", "d_loss", "spread"} <= set(last_line(path))
    sizes = []
    for sheet in sorted((path / "samples").iterdir()):
        with Image.open(sheet) as grid:
            sizes.append(grid.size)
    assert sizes[0] == (2 * 8, 4 * 8) and sizes[-1] == (2 * 32, 4 * 32)


def test_interrupt_and_resume_equals_uninterrupted(photos: PhotoStore, tmp_path: Path) -> None:
    whole = make(photos, tmp_path / "whole", *LABELLED_GROWTH)
    whole.run()
    with pytest.raises(Cancelled):
        make(photos, tmp_path / "parts", *LABELLED_GROWTH).run(StopAfter())
    resumed = make(photos, tmp_path / "parts", *LABELLED_GROWTH, resume=True)
    resumed.run()
    for ours, theirs in (
        (resumed.generator, whole.generator),
        (resumed.ema.network, whole.ema.network),
        (resumed.adversary.network, whole.adversary.network),
    ):
        assert ours is not None and theirs is not None
        for name, value in ours.state_dict().items():
            assert torch.equal(value, theirs.state_dict()[name]), name


def test_other_classes_are_not_resumed_with(photos: PhotoStore, tmp_path: Path) -> None:
    make(photos, tmp_path / "run", "data.classes=true").run()
    other = enlarge(photos)
    other.class_names = ["bikes", "cars", "cats"]
    with pytest.raises(RequestError, match="learned the classes cars, cats, towers"):
        make(other, tmp_path / "run", "data.classes=true", resume=True)
    other.class_names = ["all"]
    with pytest.raises(RequestError, match="a folder for each class"):
        make(other, tmp_path / "other", "data.classes=true")


def test_levels_are_left_alone_before_their_time(photos: PhotoStore, tmp_path: Path) -> None:
    trainer = make(photos, tmp_path / "run", *GROWTH, "images=64")
    discriminator = trainer.adversary.network
    assert discriminator is not None

    def copy(prefixes: tuple[str, ...]) -> dict[str, Tensor]:
        both = {**trainer.generator.state_dict(), **discriminator.state_dict()}
        return {name: v.clone() for name, v in both.items() if name.startswith(prefixes)}

    coming = ("levels.2", "levels.3", "head.2", "head.3", "entrances.2", "entrances.3")
    start = copy(coming)
    for _ in range(2):
        trainer.step()
    assert trainer.images_seen == 16
    now = copy(coming)
    # levels.2 of the discriminator lies between 16 and 32 px, levels.1 between 8 and 16.
    assert start and all(torch.equal(now[name], value) for name, value in start.items())
    before = trainer.generator(noise(4, 12))
    assert before.shape[-1] == 8
    (batch,) = trainer.draw()  # The switch to 16 px: networks are grown, no weight has changed.
    assert batch.target.shape[-1] == 16
    enlarged = nn.functional.interpolate(before, scale_factor=2)
    assert torch.equal(trainer.generator(noise(4, 12)), enlarged)
    trainer.step()
    trainer.step()
    assert any(not torch.equal(copy(coming)[name], value) for name, value in start.items())


def test_labels_go_with_their_photos_and_small_stages_see_whole_photos(photos: PhotoStore) -> None:
    recipe = read_recipe(RECIPE, [*SMALL, "data.classes=true", "data.batch=64"])
    task = TASKS["generate"](recipe)
    coloured = torch.zeros_like(photos.flat).view(len(photos), -1)
    coloured += (40 * photos.labels).to(torch.uint8)[:, None]
    store = PhotoStore(
        coloured.flatten(), photos.heights, photos.widths, photos.offsets, photos.names,
        labels=photos.labels, class_names=photos.class_names,
    )  # fmt: skip
    batch = task.draw(store, torch.Generator().manual_seed(0), 32)
    (labels,) = batch.condition
    assert set(labels.tolist()) == {0, 1, 2}
    assert torch.equal(((batch.target + 1) * 127.5 / 40).round()[:, 0, 0, 0].long(), labels)
    assert torch.equal(batch.inputs[1], labels) and batch.inputs[0].shape == (64, 12)
    large = task.draw(photos, torch.Generator().manual_seed(1), 32).target
    small = task.draw(photos, torch.Generator().manual_seed(1), 8).target
    assert torch.equal(small, nn.functional.avg_pool2d(large, 4))
