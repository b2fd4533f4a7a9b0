"""Programs of TorchScript, traced and scripted: LaMa as everybody has it and others, read as their tensors.

The networks are spandrel's own classes with random weights.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from remend.app.cli.main import main
from remend.models.errors import RequestError
from remend.models.imaging.picture import Mask, to_unit
from remend.models.inference.restorer import FillOptions, Inpainter, Upscaler, load_restorer
from remend.models.inference.spandrel_adapter import open_community
from tests.helpers.community import build
from tests.helpers.images import open_image
from tests.helpers.visiting import fill_in_page
from tests.models.inference.test_spandrel_adapter import ENLARGING, FP32, noise, put

JIT: Any = torch.jit


class Enlarging(nn.Module):
    """A program of its own around a network, whose own code cannot be scripted."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.model = network

    def forward(self, image: Tensor) -> Tensor:
        enlarged: Tensor = self.model(image)
        return torch.clamp(enlarged, 0.0, 1.0)


class Filling(nn.Module):
    """The same for a photo and its mask, with a branch that no trace would keep."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.model = network

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        filled: Tensor = self.model(image, mask)
        if bool(torch.any(mask > 0.5)):
            return filled * mask + image * (1 - mask)
        return image


def trace(network: nn.Module, *example: Tensor) -> Any:
    with torch.inference_mode():
        return JIT.trace(network, example, check_trace=False)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of models, empty."""
    monkeypatch.setenv("REMEND_MODELS", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module", params=["traced", pytest.param("scripted", marks=pytest.mark.slow)])
def lama(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LaMa as everybody has it, a program, with random weights: one size only, 51 million numbers."""
    network = build("LaMa", "LaMa", in_nc=4, out_nc=3)
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 8:20, 8:20] = 1
    traced = trace(network, torch.rand(1, 3, 32, 32), mask)
    path = tmp_path_factory.mktemp("lama") / "big-lama.pt"
    (traced if request.param == "traced" else JIT.script(Filling(traced))).save(path)
    return path


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


def as_traced(network: nn.Module, path: Path) -> None:
    trace(network, torch.rand(1, 3, 16, 16)).save(path)


def as_scripted(network: nn.Module, path: Path) -> None:
    JIT.script(network).save(path)


def as_scripted_around(network: nn.Module, path: Path) -> None:
    JIT.script(Enlarging(trace(network, torch.rand(1, 3, 16, 16)))).save(path)


def as_trained(network: nn.Module, path: Path) -> None:
    """As a trainer's wrapper keeps it, beside its discriminator."""
    judge = nn.Sequential(nn.Conv2d(3, 3, 3))
    torch.save(nn.ModuleDict({"net_g": network, "net_d": judge}), path)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("ESRGAN", as_traced),
        ("ESRGAN", as_scripted_around),
        ("DnCNN", as_scripted),
        ("Compact", as_traced),
        ("ESRGAN", as_trained),
    ],
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
    JIT.freeze(trace(ENLARGING["Compact"][1](), torch.rand(1, 3, 8, 8))).save(tmp_path / "m.pt")
    with pytest.raises(RequestError, match="no tensors with names, as programs that were frozen"):
        load_restorer(tmp_path / "m.pt", FP32)
