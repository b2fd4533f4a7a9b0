"""Fine-tunes of other makers' networks: what is trained, and the files that every program opens."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from remend.models.errors import RequestError
from remend.models.inference.community_tuning import open_tunable
from remend.models.inference.spandrel_adapter import open_community, read_card_of
from remend.training.finetune.derive_recipe import derive_recipe
from tests.helpers.community import build, load_spandrel
from tests.helpers.tuning import Tuning

COMPACT = ("Compact", "SRVGGNetCompact", {"num_feat": 8, "num_conv": 2, "upscale": 2})
ESRGAN = (
    "ESRGAN",
    "RRDBNet",
    {"in_nc": 3, "out_nc": 3, "num_filters": 8, "num_blocks": 1, "scale": 4},
)
WINDOWS = {"img_size": 16, "embed_dim": 12, "depths": [2], "num_heads": [2], "window_size": 8}
SWINIR = ("SwinIR", "SwinIR", {**WINDOWS, "upscale": 2, "upsampler": "pixelshuffledirect"})
SPAN = ("SPAN", "SPAN", {"num_in_ch": 3, "num_out_ch": 3, "feature_channels": 8, "upscale": 2})
DNCNN = ("DnCNN", "DnCNN", {"in_nc": 1, "out_nc": 1, "nc": 8, "nb": 4})


def save_as_community(path: Path, architecture: str, name: str, shape: dict[str, Any]) -> Path:
    torch.save({"params_ema": build(architecture, name, **shape).state_dict()}, path)
    return path


@pytest.fixture
def community_parent(tmp_path: Path) -> Path:
    """A compact x2 network as its trainer saves it."""
    return save_as_community(tmp_path / "2x-tiny.pth", *COMPACT)


def tune(tuning: Tuning, parent: Path, *, adapter: bool = False, images: int = 96) -> Path:
    """Fine-tune on small crops; returns the file."""
    card = read_card_of(parent)
    recipe = derive_recipe(parent, card, "mine", images=images, adapter=adapter)
    data = dataclasses.replace(recipe.data, crop=32, held_out=2)
    rates = dataclasses.replace(recipe.optimiser.generator, lr=5e-3)
    optimiser = dataclasses.replace(recipe.optimiser, generator=rates)
    run = tuning.start(dataclasses.replace(recipe, data=data, optimiser=optimiser))
    run.run()
    outcome = run.finish(tuning.path / "mine.safetensors")
    assert outcome.has_gained and outcome.after.psnr > outcome.before.psnr + 1, outcome
    return tuning.path / "mine.safetensors"


@pytest.mark.parametrize("adapter", [False, True])
def test_a_tuned_file_opens_in_spandrel_under_its_makers_names(
    tuning: Tuning, community_parent: Path, *, adapter: bool
) -> None:
    made = tune(tuning, community_parent, adapter=adapter)
    before = torch.load(community_parent, weights_only=True)["params_ema"]
    after = load_file(made)
    assert list(after) and set(after) == set(before)
    assert all(tensor.dtype == torch.float32 for tensor in after.values())
    changed = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    weights = {name for name in before if before[name].ndim == 4}
    assert changed == weights if adapter else changed == set(before)
    descriptor = load_spandrel().ModelLoader().load_from_file(str(made))
    assert descriptor.architecture.id == "Compact" and descriptor.scale == 2
    photo = torch.rand(1, 3, 24, 20)
    _, card = open_community(made)
    ours = open_tunable(made).eval()(photo * 2 - 1).refined
    assert torch.allclose(ours.clamp(-1, 1), descriptor(photo) * 2 - 1, atol=1e-5)
    assert card.scale == 2 and card.architecture == "RealESRGAN Compact"


def test_esrgan_keeps_the_names_that_spandrel_changes(tmp_path: Path) -> None:
    network = build(*ESRGAN[:2], **ESRGAN[2])
    # The names of today's trainers, which spandrel turns into those of 2018.
    renamed = {
        "model.0.": "conv_first.",
        "model.1.sub.0.RDB": "body.0.rdb",
        "model.1.sub.1.": "conv_body.",
        "model.3.": "conv_up1.",
        "model.6.": "conv_up2.",
        "model.8.": "conv_hr.",
        "model.10.": "conv_last.",
    }
    state: dict[str, torch.Tensor] = {}
    for name, tensor in network.state_dict().items():
        new = name
        for old, today in renamed.items():
            new = new.replace(old, today) if new.startswith(old) else new
        state[new.replace(".0.weight", ".weight").replace(".0.bias", ".bias")] = tensor
    torch.save({"params_ema": state}, tmp_path / "4x-new.pth")
    tunable = open_tunable(tmp_path / "4x-new.pth")
    written = tunable.file_tensors()
    assert set(written) == set(state) and "body.0.rdb1.conv1.weight" in state
    assert all(torch.equal(written[name], state[name]) for name in state)
    assert tunable.names["model.0.weight"] == "conv_first.weight"


@pytest.mark.parametrize("kind", [ESRGAN, SPAN, SWINIR], ids=["ESRGAN", "SPAN", "SwinIR"])
def test_gradients_reach_the_kinds_that_people_use(tmp_path: Path, kind: Any) -> None:
    network = open_tunable(save_as_community(tmp_path / "net.pth", *kind))
    scale = network.config.scale
    picture = torch.rand(2, 3, 20, 12, generator=torch.Generator().manual_seed(0)) * 2 - 1
    made = network(picture).refined
    assert made.shape == (2, 3, 20 * scale, 12 * scale)
    made.sum().backward()
    assert sum(p.grad is not None for p in network.parameters()) > 4


def test_what_depends_on_chance_or_the_batch_rests_in_training(community_parent: Path) -> None:
    network = open_tunable(community_parent)
    network.network.extra = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm2d(3))
    network.train()
    assert network.training and not any(layer.training for layer in network.network.extra)


def test_nothing_gained_leaves_the_parents_weights(tuning: Tuning, community_parent: Path) -> None:
    recipe = derive_recipe(community_parent, read_card_of(community_parent), "mine", images=8)
    data = dataclasses.replace(recipe.data, crop=32, held_out=2)
    rates = dataclasses.replace(recipe.optimiser.generator, lr=1e-12)
    optimiser = dataclasses.replace(recipe.optimiser, generator=rates)
    run = tuning.start(dataclasses.replace(recipe, data=data, optimiser=optimiser))
    run.run()
    assert not run.finish(tuning.path / "mine.safetensors").has_gained
    before = torch.load(community_parent, weights_only=True)["params_ema"]
    after = load_file(tuning.path / "mine.safetensors")
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_a_recipe_for_weights_of_others_is_plain(community_parent: Path) -> None:
    card = read_card_of(community_parent)
    recipe = derive_recipe(community_parent, card, "mine", images=8)
    assert recipe.architecture == "community" and recipe.generator == {"scale": 2}
    assert recipe.losses.l1 == 1 and recipe.optimiser.generator.name == "adam"
    assert recipe.optimiser.generator.lr == pytest.approx(5e-4)
    settings: Sequence[str] = ("losses.l1=0", "losses.log_mse=1", "degradation.photo_share=0.5")
    changed = derive_recipe(community_parent, card, "mine", images=8, settings=settings)
    assert changed.losses.log_mse == 1 and changed.degradation.photo_share == 0.5
    assert json.loads(json.dumps(dataclasses.asdict(recipe)))["parent"].endswith("2x-tiny.pth")


def test_weights_that_keep_the_size_need_something_to_undo(tmp_path: Path) -> None:
    parent = save_as_community(tmp_path / "1x-noise.pth", *DNCNN)
    card = read_card_of(parent)
    with pytest.raises(
        RequestError, match=r"1x-noise\.pth keeps the size, and nothing would be done"
    ):
        derive_recipe(parent, card, "mine", images=8)
    settings = ("degradation.photo_share=1",)
    assert derive_recipe(parent, card, "mine", images=8, settings=settings).generator["scale"] == 1


def test_fills_of_others_are_not_tuned(community_parent: Path) -> None:
    card = dataclasses.replace(read_card_of(community_parent), task="fill", architecture="LaMa")
    with pytest.raises(
        RequestError, match="holds LaMa, which fills; of other makers' weights only"
    ):
        derive_recipe(community_parent, card, "mine", images=8)
