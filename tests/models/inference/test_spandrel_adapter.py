"""Other makers' weights: small networks of several architectures through both journeys, safely read.

The networks are spandrel's own classes with random weights, saved as their trainers save them.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from remend.app.cli.main import main
from remend.app.engine.catalogue import card_of, find_model, list_models
from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.models.imaging.picture import Mask, Picture, to_unit
from remend.models.inference.restorer import (
    FillOptions,
    Inpainter,
    UpscaleOptions,
    Upscaler,
    load_restorer,
)
from remend.models.inference.spandrel_adapter import DISCOURAGED, SUPPORTED, open_community
from tests.helpers.community import build, load_spandrel
from tests.helpers.images import open_image
from tests.helpers.visiting import fill_in_page

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


def trace(network: nn.Module, *example: torch.Tensor) -> Any:
    jit: Any = torch.jit
    with torch.inference_mode():
        return jit.trace(network, example, check_trace=False)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of models, empty."""
    monkeypatch.setenv("REMEND_MODELS", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def lama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LaMa as everybody has it, a traced program, with random weights: one size only, 51 million numbers."""
    network = build("LaMa", "LaMa", in_nc=4, out_nc=3)
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 8:20, 8:20] = 1
    path = tmp_path_factory.mktemp("lama") / "big-lama.pt"
    trace(network, torch.rand(1, 3, 32, 32), mask).save(path)
    return path


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


def test_lama_fills_through_our_crops(lama: Path):
    restorer = load_restorer(lama, FP32)
    assert isinstance(restorer, Inpainter) and restorer.card.task == "fill"
    picture = noise(90, 110)
    values = np.zeros((90, 110), np.uint8)
    values[30:50, 40:70] = 255
    filled = restorer.restore(picture, Mask(values), FillOptions(detail=0)).rgb
    assert (filled[values == 0] == picture.rgb[values == 0]).all()
    network, _ = open_community(lama)
    mask = torch.from_numpy(values / np.float32(255))[None, None]
    with torch.inference_mode():
        theirs = network(to_unit(picture.rgb), mask).refined
    levels = ((theirs[0].permute(1, 2, 0).numpy() + 1) * 127.5)[values == 255]
    assert np.abs(filled[values == 255] - levels).max() <= 1


@pytest.mark.slow
def test_every_face_gives_what_lama_gives(lama: Path, folder: Path, upload_folder: Path):
    """Command line, Python and page, to 1/255; the default detail leaves LaMa's own texture alone."""
    import remend
    from remend.app.engine.model_pool import ModelPool

    picture, values = noise(90, 110), np.zeros((90, 110), np.uint8)
    values[30:50, 40:70] = 255
    photo, mask = upload_folder / "photo.png", upload_folder / "mask.png"
    Image.fromarray(picture.rgb).save(photo)
    Image.fromarray(values).save(mask)
    os.link(lama, folder / "big-lama.pt")
    out = folder / "out.png"
    command = ["fill", str(photo), "--mask", str(mask), "-o", str(out), "-n", "big-lama"]
    assert main([*command, "--device", "cpu", "--precision", "fp32"]) == 0
    how: dict[str, Any] = {"device": "cpu", "precision": "fp32"}
    by_python = remend.fill(picture.rgb, values > 0, model="big-lama", **how)
    by_page = fill_in_page(ModelPool([FP32]), photo, mask, "big-lama")

    network, _ = open_community(lama)
    with torch.inference_mode():
        theirs = network(
            to_unit(picture.rgb), torch.from_numpy(values / np.float32(255))[None, None]
        )
    levels = (theirs.refined[0].permute(1, 2, 0).numpy() + 1) * 127.5
    levels[values == 0] = picture.rgb[values == 0]
    for filled in (np.asarray(open_image(out)), by_python, by_page):
        assert np.abs(filled - levels).max() <= 1


def test_both_commands_take_a_community_file(lama: Path, folder: Path):
    put(ENLARGING["ESRGAN"][1](), folder / "4x-Mine.pth")
    photo, mask = folder / "photo.png", folder / "mask.png"
    Image.fromarray(noise(40, 50).rgb).save(photo)
    hole = np.zeros((40, 50), np.uint8)
    hole[10:20, 10:20] = 255
    Image.fromarray(hole).save(mask)
    out = ["-o", str(folder / "out.png"), "--quiet", "--device", "cpu"]
    assert main(["upscale", str(photo), "-s", "3", "-n", "4x-Mine", *out]) == 0
    assert open_image(folder / "out.png").size == (150, 120)
    assert main(["fill", str(photo), "--mask", str(mask), "-n", str(lama), *out]) == 0
    filled = np.asarray(Image.open(folder / "out.png"))
    assert (filled[hole == 0] == np.asarray(Image.open(photo))[hole == 0]).all()


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


def as_traced(network: nn.Module, path: Path) -> None:
    trace(network, torch.rand(1, 3, 16, 16)).save(path)


def as_scripted(network: nn.Module, path: Path) -> None:
    jit: Any = torch.jit
    jit.script(network).save(path)


def as_trained(network: nn.Module, path: Path) -> None:
    """As a trainer's wrapper keeps it, beside its discriminator."""
    judge = nn.Sequential(nn.Conv2d(3, 3, 3))
    torch.save(nn.ModuleDict({"net_g": network, "net_d": judge}), path)


@pytest.mark.parametrize(
    ("name", "write"),
    [("ESRGAN", as_traced), ("DnCNN", as_scripted), ("Compact", as_traced), ("ESRGAN", as_trained)],
)
def test_a_program_is_read_as_its_tensors(
    name: str, write: Callable[[nn.Module, Path], None], tmp_path: Path
):
    scale, make = ENLARGING[name]
    network = make()
    if name == "DnCNN":  # which takes grey
        scale, network = 1, build("DnCNN", "DnCNN", in_nc=3, out_nc=3, nc=8, nb=4)
    write(network, tmp_path / "model.pt")
    restorer = load_restorer(tmp_path / "model.pt", FP32)
    assert isinstance(restorer, Upscaler) and restorer.card.scale == scale
    picture = noise(24, 20)
    with torch.inference_mode():
        theirs = network((to_unit(picture.rgb) + 1) / 2)[0].clamp(0, 1)
    levels = theirs.permute(1, 2, 0).numpy() * 255
    assert np.abs(restorer.restore(picture).rgb - levels).max() <= 1


def test_a_frozen_program_is_refused(tmp_path: Path):
    jit: Any = torch.jit
    jit.freeze(trace(ENLARGING["Compact"][1](), torch.rand(1, 3, 8, 8))).save(tmp_path / "m.pt")
    with pytest.raises(RequestError, match="no tensors with names, as programs that were frozen"):
        load_restorer(tmp_path / "m.pt", FP32)


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
