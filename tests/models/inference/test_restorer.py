"""What a weights file becomes; and whole fills: patches, large holes, narrow pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from remend.models.checkpoints.checkpoint import Card, save_network
from remend.models.checkpoints.registry import ARCHITECTURES, COMMUNITY, build_network
from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.models.generators.inpaint import Inpaint, InpaintConfig
from remend.models.imaging.picture import Mask, Picture
from remend.models.inference.contracts import FillNetwork, UpscaleNetwork
from remend.models.inference.restorer import Inpainter, Upscaler, load_restorer

FP32 = Placement(torch.device("cpu"), torch.float32, "tests are exact")
SMALL = InpaintConfig(coarse_width=16, coarse_blocks=2, width=16, half_blocks=1, quarter_blocks=1)
Depth = type[np.uint8] | type[np.uint16]


@pytest.fixture(scope="module")
def inpainter() -> Inpainter:
    torch.manual_seed(0)
    network = Inpaint(SMALL).eval()
    assert network.refine is not None
    with torch.no_grad():  # An untrained head changes too little for a test to notice.
        network.refine.head.weight.mul_(30)
    return Inpainter(network, Card("fill", "inpaint", {}), FP32)


def noise(height: int, width: int, dtype: Depth = np.uint8) -> NDArray[np.uint8 | np.uint16]:
    dice = np.random.default_rng(0)
    return dice.integers(0, np.iinfo(dtype).max + 1, (height, width, 3)).astype(dtype)


def hole(height: int, width: int, *boxes: tuple[int, int, int, int]) -> Mask:
    values = np.zeros((height, width), np.uint8)
    for left, top, right, bottom in boxes:
        values[top:bottom, left:right] = 255
    return Mask(values)


def test_patches_pasted_one_after_another_are_the_restored_picture(inpainter: Inpainter) -> None:
    rgb, mask = noise(60, 700), hole(60, 700, (3, 9, 20, 30), (300, 10, 330, 40), (690, 0, 700, 9))
    result = rgb.copy()
    patches = inpainter.fill_patches(Picture(rgb.copy()), mask)
    for patch in patches:
        height, width = patch.rgb.shape[:2]
        result[patch.top : patch.top + height, patch.left : patch.left + width] = patch.rgb
    assert len(patches) > 1
    assert (result == inpainter.restore(Picture(rgb), mask).rgb).all()


def test_a_large_hole_in_a_large_photo(inpainter: Inpainter) -> None:
    rgb, mask = noise(700, 900), hole(700, 900, (200, 100, 600, 600))
    result = inpainter.restore(Picture(rgb), mask).rgb
    assert (result[mask.values == 0] == rgb[mask.values == 0]).all()
    # Its surroundings are noise; so is, with the texture copied from there, the middle of the hole.
    assert result[300:400, 350:450].std() > 0.4 * rgb.std()


@pytest.mark.parametrize("size", [(2, 1), (1, 2), (1, 300), (300, 1), (9, 7), (3, 200)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiny_and_narrow_pictures(
    inpainter: Inpainter, size: tuple[int, int], dtype: Depth
) -> None:
    width, height = size
    rgb = noise(height, width, dtype)
    values = np.full((height, width), 255, np.uint8)
    values[0, 0] = 0
    result = inpainter.restore(Picture(rgb), Mask(values))
    assert result.size == size and (result.rgb[0, 0] == rgb[0, 0]).all()


def test_weights_become_what_their_card_says(tmp_path: Path) -> None:
    fill, upscale, judge = (tmp_path / f"{name}.safetensors" for name in ("f", "u", "j"))
    shape = {"coarse_width": 16, "coarse_blocks": 2, "width": 16, "half_blocks": 1}
    save_network(fill, build_network("inpaint", shape), Card("fill", "inpaint", shape))
    shape = {"scale": 2, "width": 16, "blocks": 2}
    save_network(
        upscale, build_network("upscale", shape), Card("upscale", "upscale", shape, scale=2)
    )
    save_network(judge, build_network("multiscale", {}), Card("judge", "multiscale", {}))
    assert isinstance(load_restorer(fill, FP32), Inpainter)
    assert isinstance(load_restorer(upscale, FP32), Upscaler)
    with pytest.raises(RequestError, match="judge"):
        load_restorer(judge, FP32)
    with pytest.raises(RequestError, match="no file"):
        load_restorer(tmp_path / "none.safetensors", FP32)


CONTRACTS = {"fill": FillNetwork, "upscale": UpscaleNetwork}


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, entry in ARCHITECTURES.items()
        if entry.task in CONTRACTS and name != COMMUNITY  # which is made from its file alone
    ],
)
def test_every_architecture_of_a_task_offers_what_its_restorer_asks_for(name: str) -> None:
    assert isinstance(build_network(name, {}), CONTRACTS[ARCHITECTURES[name].task])
