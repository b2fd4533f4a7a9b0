"""Other makers' weights: small networks of several architectures through both journeys, safely read.

The networks are spandrel's own classes with random weights, saved as their trainers save them.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from remend.app.engine.catalogue import card_of, find_model, list_models
from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.models.imaging.picture import Picture, to_unit
from remend.models.inference.restorer import (
    UpscaleOptions,
    Upscaler,
    load_restorer,
)
from remend.models.inference.spandrel_adapter import DISCOURAGED, SUPPORTED, open_community
from tests.helpers.community import build, load_spandrel

FP32 = Placement(torch.device("cpu"), torch.float32, "tests are exact")


ENLARGING: dict[str, tuple[int, Callable[[], nn.Module]]] = {
    "Compact": (2, lambda: build("Compact", "SRVGGNetCompact", num_feat=8, num_conv=2, upscale=2)),
    "ESRGAN": (
        4,
        lambda: build(
            "ESRGAN", "RRDBNet", in_nc=3, out_nc=3, num_filters=16, num_blocks=1, scale=4
        ),
    ),
    "SPAN": (
        2,
        lambda: build("SPAN", "SPAN", num_in_ch=3, num_out_ch=3, feature_channels=8, upscale=2),
    ),
    "SwinIR": (
        2,
        lambda: build(
            "SwinIR",
            "SwinIR",
            img_size=16,
            embed_dim=12,
            depths=[2],
            num_heads=[2],
            window_size=8,
            upscale=2,
            upsampler="pixelshuffledirect",
        ),
    ),
    "DnCNN": (1, lambda: build("DnCNN", "DnCNN", in_nc=1, out_nc=1, nc=8, nb=4)),
}


def noise(height: int, width: int) -> Picture:
    dice = np.random.default_rng(0)
    return Picture(dice.integers(0, 256, (height, width, 3), dtype=np.uint8))


def put(network: nn.Module, path: Path, key: str = "params_ema") -> Path:
    torch.save({key: network.state_dict()}, path)
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of models, empty."""
    monkeypatch.setenv("REMEND_MODELS", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", ENLARGING)
def test_an_upscaler_gives_what_spandrel_gives(name: str, tmp_path: Path):
    scale, make = ENLARGING[name]
    path = put(make(), tmp_path / f"{name}.pth")
    restorer = load_restorer(path, FP32)
    assert isinstance(restorer, Upscaler)
    assert name in restorer.card.architecture and restorer.card.scale == scale
    picture = noise(20, 37)
    ours = restorer.restore(picture)
    assert ours.size == (37 * scale, 20 * scale)

    descriptor = load_spandrel().ModelLoader().load_from_file(path)
    unit = (to_unit(picture.rgb) + 1) / 2
    theirs = descriptor(unit.mean(1, keepdim=True) if descriptor.input_channels == 1 else unit)
    levels = theirs[0].expand(3, -1, -1).permute(1, 2, 0).numpy() * 255
    assert np.abs(ours.rgb - levels).max() <= 1


@pytest.mark.parametrize("name", ENLARGING)
def test_tiles_agree_with_the_whole(name: str, tmp_path: Path):
    restorer = load_restorer(put(ENLARGING[name][1](), tmp_path / "m.pth"), FP32)
    assert isinstance(restorer, Upscaler)
    picture = noise(70, 100)
    whole = restorer.restore(picture, UpscaleOptions(tile_px=0)).rgb.astype(int)
    tiled = restorer.restore(picture, UpscaleOptions(tile_px=32)).rgb.astype(int)
    assert np.abs(whole - tiled).max() <= (2 if name != "SwinIR" else 6)


def test_the_descriptor_decides_on_tiles_and_precision(tmp_path: Path):
    compact, swin = (put(ENLARGING[n][1](), tmp_path / f"{n}.pth") for n in ("Compact", "SwinIR"))
    assert open_community(compact)[0].tiling == SUPPORTED
    assert open_community(swin)[0].tiling == DISCOURAGED
    half = Placement(torch.device("cpu"), torch.float16, "as asked for")
    assert load_restorer(compact, half).placement.dtype == torch.float16
    assert load_restorer(swin, half).placement.dtype == torch.float32


def test_the_users_folder_is_listed_and_remembered(folder: Path, monkeypatch: pytest.MonkeyPatch):
    put(ENLARGING["Compact"][1](), folder / "2x-Mine.pth")
    torch.save({"weight": torch.zeros(3)}, folder / "nonsense.pth")
    names = {model.name: model for model in list_models("upscale")}
    assert names["2x-Mine"].card.architecture == "RealESRGAN Compact"
    assert names["2x-Mine"].card.scale == 2
    assert "nonsense" not in names

    from remend.app.engine import card_cache as inspected

    inspected._recall.cache_clear()
    monkeypatch.setattr("remend.models.inference.spandrel_adapter.open_community", None)
    assert {model.name for model in list_models("upscale")} == set(names)
    with pytest.raises(RequestError, match="no architecture"):
        find_model(folder / "nonsense.pth")


def test_the_average_comes_before_the_last_step(tmp_path: Path):
    first, second, third = (ENLARGING["Compact"][1]() for _ in range(3))
    for number, network in enumerate((first, second, third)):
        nn.init.constant_(network.state_dict()["body.0.bias"], float(number))
    stored = {
        "state_dict": third.state_dict(),
        "params": second.state_dict(),
        "params_ema": first.state_dict(),
    }
    for number, key in enumerate(("params_ema", "params", "state_dict")):
        path = tmp_path / f"{number}.pth"
        torch.save(stored, path)
        assert open_community(path)[0].state_dict()["network.body.0.bias"][0] == number
        del stored[key]


def test_a_missing_extra_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = put(ENLARGING["Compact"][1](), tmp_path / "m.pth")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(RequestError, match=r"pip install 'remend\[community\]'"):
        card_of(path)
