"""DCGAN, ResNet and the growing networks: facts about them, and every option trained for a moment."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from remend.models.checkpoints.checkpoint import open_network, read_card
from remend.models.checkpoints.registry import ARCHITECTURES, build_network
from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.models.layers.growth import set_growth
from remend.models.layers.norm import ConditionalBatchNorm
from remend.models.layers.projection import ProjectionHead
from remend.models.progress import Cancelled, Progress
from remend.training.data.photo_loading import load_photos
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.run_folder import RunFolder
from remend.training.engine.tasks import TASKS, draw_latents
from remend.training.engine.trainer import Trainer
from remend.training.losses.gan import GAN_LOSSES
from remend.training.losses.penalties import PENALTIES
from remend.training.recipe.parse import advice, parse_recipe, read_recipe
from tests.helpers.paths import RECIPES

RECIPE = RECIPES / "dcgan.toml"
FP32 = Placement(torch.device("cpu"), torch.float32, "tests are exact")
BASELINES = [name for name, one in ARCHITECTURES.items() if one.task == "generate"]
JUDGES = [ARCHITECTURES[name].judge for name in BASELINES]
SMALL = ("images=16", "data.batch=8", "data.held_out=4", "generator.width=8", "generator.latent=12",
         "discriminator.width=8", "run.report_images=8", "schedule.warmup_images=8",
         "ema.half_life_images=8")  # fmt: skip
GROWTH = ("architecture=growing", "growth.sizes=[8,16,32]", "growth.images=16")
LEAST = {"task": "generate", "architecture": "dcgan", "images": 8, "data": {"crop": 32}}


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def make_generator(name: str, **config: Any) -> nn.Module:
    torch.manual_seed(0)
    return build_network(name, {"width": 8, "latent": 12, **config})


def make_judge(name: str, **config: Any) -> nn.Module:
    torch.manual_seed(0)
    return build_network(name, {"width": 8, **config})


# Networks


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("size", [16, 32, 64])
def test_pictures_have_their_size_and_lie_between_minus_one_and_one(name: str, size: int) -> None:
    for kernel in (1, 3, 9):
        network = make_generator(name, size=size, output_kernel=kernel)
        pictures = network(5 * noise(4, 12))
        assert pictures.shape == (4, 3, size, size)
        assert pictures.abs().max() < 1 and pictures.std(0).mean() > 0


@pytest.mark.parametrize("name", JUDGES)
@pytest.mark.parametrize("size", [16, 32, 64])
def test_judges_give_one_logit_a_picture(name: str, size: int) -> None:
    verdict = make_judge(name, size=size)(noise(4, 3, size, size))
    assert verdict.logits.shape == (4, 1)
    assert len(verdict.features) >= 2 and all(len(f) == 4 for f in verdict.features)


def test_dcgan_has_the_layers_of_the_paper() -> None:
    # Radford et al. 2016, figure 1: 100 -> 1024 x 4 x 4 -> 512 -> 256 -> 128, kernels of 4.
    network = build_network("dcgan", {"size": 64, "width": 64, "upsample": "transposed"})
    start = 101 * 1024 * 16
    doublings = sum(16 * c * c // 2 + c // 2 for c in (1024, 512, 256, 128))
    norms = 2 * (1024 + 512 + 256 + 128 + 64)
    assert count(network) == start + doublings + norms + (27 * 64 + 3)
    judge = build_network("dcgan_judge", {"size": 64, "norm": "none"})
    shapes = [m.weight.shape for m in judge.modules() if isinstance(m, nn.Conv2d)]
    assert [tuple(s) for s in shapes] == [
        (64, 3, 4, 4), (128, 64, 4, 4), (256, 128, 4, 4), (512, 256, 4, 4)
    ]  # fmt: skip


def test_resnet_has_the_layers_of_the_paper() -> None:
    # Gulrajani et al. 2017, appendix F: three blocks up; two blocks down and two plain ones.
    conv, point, norm = 9 * 128 * 128 + 128, 128 * 128 + 128, 2 * 128
    block = 2 * conv + point + 2 * norm
    assert count(build_network("resnet", {})) == (
        129 * 128 * 16 + 3 * block + norm + (27 * 128 + 3)
    )
    first = (27 * 128 + 128) + conv + (3 * 128 + 128)
    judge = build_network("resnet_judge", {"spectral": False})
    assert count(judge) == first + (2 * conv + point) + 2 * (2 * conv) + 129


def test_spectral_normalisation_bounds_both_sides() -> None:
    for name in (*BASELINES, *JUDGES):
        make = make_generator if name in BASELINES else make_judge
        network = make(name, spectral=True, size=16)
        layers = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
        for layer in layers:
            weight = [layer.weight for _ in range(100)][-1]  # each look is one power iteration
            largest = torch.linalg.matrix_norm(weight.flatten(1), 2)
            assert abs(largest.item() - 1) < 0.02


# Latents and labels


def test_latents_are_standard_normal() -> None:
    latents = draw_latents(1000, 100, torch.Generator().manual_seed(3))
    assert abs(latents.mean().item()) < 4 / 1e5**0.5
    assert abs(latents.var().item() - 1) < 4 * (2 / 1e5) ** 0.5
    assert latents.abs().max() > 3  # a uniform distribution of that variance ends at 1.73
    correlation = latents.T @ latents / 1000 - torch.eye(100)
    assert correlation.abs().max() < 0.2


def test_conditional_norm_starts_as_batch_norm_and_keeps_classes_apart() -> None:
    layer, plain = ConditionalBatchNorm(6, 3), nn.BatchNorm2d(6)
    x, labels = noise(8, 6, 5, 5), torch.arange(8) % 3
    assert torch.equal(layer(x, labels), plain(x))
    assert all(torch.equal(a, b) for a, b in zip(layer.buffers(), plain.buffers(), strict=True))
    with torch.no_grad():
        layer.scale.weight[1], layer.shift.weight[1] = 2, -1
        plain.weight.fill_(2)
        plain.bias.fill_(-1)
    changed = (layer(x, labels) != nn.BatchNorm2d(6)(x)).flatten(1).any(1)
    assert torch.equal(changed, labels == 1)
    assert torch.allclose(layer(x, torch.ones_like(labels)), plain(x), atol=1e-6)


def test_projection_adds_the_class_vector_times_the_features() -> None:
    torch.manual_seed(0)
    head, x = ProjectionHead(5, 3), noise(4, 5)
    assert head.classes is not None
    labels = torch.tensor([0, 2, 1, 2])
    expected = (x * head.classes.weight[labels]).sum(1, keepdim=True)
    assert torch.allclose(head(x, labels) - head.linear(x), expected, atol=1e-6)
    with torch.no_grad():
        head.classes.weight.zero_()
    assert torch.equal(head(x, labels), head.linear(x))
    with pytest.raises(ValueError, match="labels"):
        head(x)


@pytest.mark.parametrize("name", BASELINES)
def test_no_classes_add_no_parameter_and_classes_add_theirs(name: str) -> None:
    def norms(network: nn.Module) -> int:
        kinds = (nn.BatchNorm2d, ConditionalBatchNorm)
        inner = [m.norm for m in network.modules() if isinstance(m, ConditionalBatchNorm)]
        return sum(isinstance(m, kinds) and m not in inner for m in network.modules())

    judge = ARCHITECTURES[name].judge
    plain, labelled = make_generator(name, norm="batch"), make_generator(name, classes=5)
    assert norms(plain) == norms(labelled) > 0
    assert count(make_generator(name, norm="batch", classes=0)) == count(plain)
    channels = sum(m.num_features for m in plain.modules() if isinstance(m, nn.BatchNorm2d))
    # A scale and a shift for each of five classes where there was one.
    assert count(labelled) - count(plain) == 2 * channels * (5 - 1)
    head = make_judge(judge).get_submodule("head")
    assert isinstance(head, ProjectionHead)
    added = count(make_judge(judge, classes=5)) - count(make_judge(judge))
    assert added == 5 * head.linear.in_features


@pytest.mark.parametrize("name", BASELINES)
def test_labels_reach_every_sample_of_their_class_only(name: str) -> None:
    network = make_generator(name, classes=3).eval()
    for layer in network.modules():
        if isinstance(layer, ConditionalBatchNorm):
            nn.init.normal_(layer.shift.weight, generator=torch.Generator().manual_seed(1))
    latents, labels = noise(1, 12).expand(3, -1), torch.tensor([0, 1, 1])
    pictures = network(latents, labels)
    assert torch.allclose(pictures[1], pictures[2], atol=1e-6)
    assert not torch.allclose(pictures[0], pictures[1], atol=1e-3)
    judge = make_judge(ARCHITECTURES[name].judge, classes=3).eval()
    logits = judge(pictures[:1].expand(3, -1, -1, -1), labels).logits
    assert logits[0] != logits[1] and torch.allclose(logits[1], logits[2], atol=1e-6)


# Growing


def growing_pair(norm: str = "pixel") -> tuple[nn.Module, nn.Module]:
    generator = make_generator("growing", norm=norm).eval()
    # stddev looks at the whole batch, which stays the same here.
    return generator, make_judge("growing_judge").eval()


@pytest.mark.parametrize("size", [8, 16, 32])
def test_growing_is_continuous_at_every_switch(size: int) -> None:
    generator, judge = growing_pair()
    latents = noise(4, 12)
    set_growth(generator, size // 2, 1.0)
    set_growth(judge, size // 2, 1.0)
    small = generator(latents)
    verdict = judge(small).logits
    enlarged = nn.functional.interpolate(small, scale_factor=2)
    set_growth(generator, size, 0.0)
    set_growth(judge, size, 0.0)
    assert torch.equal(generator(latents), enlarged)
    assert torch.equal(judge(enlarged).logits, verdict)
    set_growth(generator, size, 1e-3)
    set_growth(judge, size, 1e-3)
    assert 0 < (generator(latents) - enlarged).abs().max() < 1e-2
    assert 0 < (judge(enlarged).logits - verdict).abs().max() < 1e-2


def test_a_faded_in_level_no_longer_needs_the_layers_of_the_one_below() -> None:
    generator, judge = growing_pair()
    for network in (generator, judge):
        set_growth(network, 16, 1.0)
    before = judge(generator(noise(4, 12))).logits
    with torch.no_grad():
        generator.get_submodule("head.1").weight.fill_(9)  # pyright: ignore[reportArgumentType, reportCallIssue]
        judge.get_submodule("entrances.1.0").weight.fill_(9)  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert torch.equal(judge(generator(noise(4, 12))).logits, before)
    for network in (generator, judge):
        set_growth(network, 16, 0.5)
    assert not torch.equal(judge(generator(noise(4, 12))).logits, before)


def test_the_judge_mirrors_the_generator() -> None:
    generator = build_network("growing", {"width": 8, "size": 64})
    judge = build_network("growing_judge", {"width": 8, "size": 64})
    rgb = [
        m.in_channels
        for m in generator.modules()
        if isinstance(m, nn.Conv2d) and m.out_channels == 3
    ]
    entrances = [
        m.out_channels for m in judge.modules() if isinstance(m, nn.Conv2d) and m.in_channels == 3
    ]
    assert rgb == entrances == [128, 64, 32, 16, 8]


def test_pixel_norm_gives_unit_features() -> None:
    generator, _ = growing_pair()
    seen: list[Tensor] = []
    generator.get_submodule("levels.2").register_forward_hook(lambda *a: seen.append(a[2]))
    generator(noise(2, 12))
    assert torch.allclose(seen[0].square().mean(1), torch.ones(2, 16, 16), atol=1e-4)


def test_a_half_grown_network_comes_back_as_it_was() -> None:
    generator, _ = growing_pair()
    set_growth(generator, 16, 0.25)
    again = make_generator("growing").eval()
    again.load_state_dict(generator.state_dict())
    assert torch.equal(again(noise(2, 12)), generator(noise(2, 12)))
    assert again(noise(2, 12)).shape[-1] == 16


def test_half_of_every_stage_but_the_first_fades_in() -> None:
    growth = parse_recipe({
        **LEAST, "architecture": "growing", "losses": {"adversarial": 1},
        "growth": {"sizes": [8, 16, 32], "images": [10, 20]},
    }).growth  # fmt: skip
    assert [growth.stage(seen, 32) for seen in (0, 9, 10, 15, 20, 29, 30, 35, 40, 99)] == [
        (8, 1), (8, 1), (16, 0), (16, 0.5), (16, 1), (16, 1), (32, 0), (32, 0.5), (32, 1), (32, 1)
    ]  # fmt: skip


# Training


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
    return load_photos([folder], min_side=32)


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
    judge = trainer.adversary.network
    assert judge is not None
    values = [*trainer.generator.parameters(), *judge.parameters()]
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


def test_a_run_leaves_a_generator_its_judge_and_a_grid(photos: PhotoStore, tmp_path: Path) -> None:
    path = tmp_path / "run"
    trainer = make(photos, path, *LABELLED_GROWTH)
    trainer.run()
    card, judge = read_card(path / "ema.safetensors"), read_card(path / "discriminator.safetensors")
    assert (card.task, card.architecture, judge.task) == ("generate", "growing", "judge")
    assert judge.architecture == "growing_judge"
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
    judge = trainer.adversary.network
    assert judge is not None

    def copy(prefixes: tuple[str, ...]) -> dict[str, Tensor]:
        both = {**trainer.generator.state_dict(), **judge.state_dict()}
        return {name: v.clone() for name, v in both.items() if name.startswith(prefixes)}

    coming = ("levels.2", "levels.3", "head.2", "head.3", "entrances.2", "entrances.3")
    start = copy(coming)
    for _ in range(2):
        trainer.step()
    assert trainer.images_seen == 16
    now = copy(coming)
    # levels.2 of the judge lies between 16 and 32 px, levels.1 between 8 and 16.
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


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (["losses.l1=1"], "losses.l1 compares"),
        (["losses.perceptual=1"], "losses.perceptual compares"),
        (["losses.adversarial=0"], "nothing to learn from"),
        (["generator.gate=none"], "Unknown key generator.gate"),
        (["discriminator.scales=2"], "Unknown key discriminator.scales"),
        (["generator.size=64"], "generator.size = 64 differs from data.crop = 32"),
        (["discriminator.size=64"], "discriminator.size = 64 differs"),
        (["data.crop=48"], "data.crop = 48: such networks have 16, 32"),
        (["generator.norm=group"], "generator.norm = 'group'"),
        (["discriminator.width=wide"], "discriminator.width = 'wide'"),
        (["generator.classes=3"], "set data.classes = true"),
        (["data.classes=true", "generator.norm=layer"], "with data.classes it is batch"),
        (["growth.sizes=[16,32]"], "use the architecture growing"),
        (["architecture=growing", "growth.sizes=[8,32]"], "must double"),
        (["architecture=growing", "growth.sizes=[8,16]"], "up to data.crop = 32"),
        (["architecture=growing", "growth.sizes=[2,4,8,16,32]"], "from 4 px"),
        (["architecture=inpaint"], "is for fill"),
    ],
)  # fmt: skip
def test_what_cannot_be_generated_is_refused_by_name(settings: list[str], sentence: str) -> None:
    with pytest.raises(RequestError) as caught:
        read_recipe(RECIPE, settings)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


def test_classes_are_for_generation_only() -> None:
    table = {"task": "fill", "architecture": "inpaint", "images": 8, "data": {"classes": True}}
    with pytest.raises(RequestError, match="fill has no classes"):
        parse_recipe(table)


def test_a_penalty_with_batch_norm_is_warned_about() -> None:
    assert advice(read_recipe(RECIPE)) == []
    assert "mixes the samples" in advice(read_recipe(RECIPE, ["adversary.penalty=r1"]))[0]
    calm = ["adversary.loss=wgan", "adversary.penalty=gp1", "discriminator.norm=layer"]
    assert advice(read_recipe(RECIPE, calm)) == []
    assert "no bound" in advice(read_recipe(RECIPE, ["adversary.loss=wgan"]))[0]
