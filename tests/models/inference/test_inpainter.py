"""Filling: what stays the same bits, what is refused, and that holes are really filled."""

import dataclasses

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from remend.models.checkpoints.checkpoint import Card
from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.models.generators.inpaint import Inpaint, InpaintConfig
from remend.models.imaging.picture import Mask, Metadata, Picture
from remend.models.inference.inpainter import FillOptions, Inpainter, reduce_known
from remend.models.progress import Cancelled, Progress

FP32 = Placement(torch.device("cpu"), torch.float32, "tests are exact")


@pytest.fixture(scope="module")
def inpainter() -> Inpainter:
    torch.manual_seed(0)
    config = InpaintConfig(
        coarse_width=16, coarse_blocks=2, width=16, half_blocks=1, quarter_blocks=1
    )
    return Inpainter(Inpaint(config).eval(), Card("fill", "inpaint", {}), FP32)


def noise(
    height: int, width: int, dtype: type[np.uint8] | type[np.uint16] = np.uint8
) -> NDArray[np.uint8 | np.uint16]:
    dice = np.random.default_rng(0)
    return dice.integers(0, np.iinfo(dtype).max + 1, (height, width, 3)).astype(dtype)


def disc(height: int, width: int, radius: int, value: int = 255) -> Mask:
    y, x = np.mgrid[:height, :width]
    inside = (y - height // 2) ** 2 + (x - width // 2) ** 2 <= radius**2
    return Mask(np.where(inside, value, 0).astype(np.uint8))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(40, 60), (9, 200), (331, 277)])
def test_known_pixels_stay_the_same_bits(
    inpainter: Inpainter, size: tuple[int, int], dtype: type[np.uint8] | type[np.uint16]
) -> None:
    rgb = noise(*size, dtype)
    alpha = np.full(size, 3, dtype)
    before = rgb.copy()
    meta = Metadata(exif=b"x", dpi=(72, 72))
    mask = disc(*size, 4)
    result = inpainter.restore(Picture(rgb, alpha, meta), mask)
    known = mask.values == 0
    assert (result.rgb[known] == before[known]).all()
    assert (result.rgb[~known] != before[~known]).any()
    assert (rgb == before).all()
    assert result.rgb.dtype == dtype and result.alpha is alpha and result.meta == meta


def test_what_lies_in_the_hole_does_not_matter(inpainter: Inpainter) -> None:
    rgb = noise(64, 64)
    mask = disc(64, 64, 9)
    other = rgb.copy()
    other[mask.values > 0] = 255
    first, second = (inpainter.restore(Picture(p), mask).rgb for p in (rgb, other))
    assert (first == second).all()


def test_a_constant_photo_is_filled_with_its_colour_even_when_it_is_reduced() -> None:
    network = Inpaint(
        InpaintConfig(coarse_width=16, coarse_blocks=2, width=16, half_blocks=1, quarter_blocks=1)
    )
    for parameter in (*network.coarse.head.parameters(), *network.refine.head.parameters()):  # pyright: ignore[reportOptionalMemberAccess]
        torch.nn.init.zeros_(parameter)
    inpainter = Inpainter(network.eval(), Card("fill", "inpaint", {}), FP32)
    rgb = np.full((1400, 1500, 3), 90, np.uint8)
    mask = disc(1400, 1500, 300)
    rgb[mask.values > 0] = 255
    result = inpainter.restore(Picture(rgb), mask)
    assert np.abs(result.rgb.astype(int) - 90).max() <= 1


def test_detail_adds_the_networks_own_texture() -> None:
    torch.manual_seed(0)
    shape = InpaintConfig(16, 2, 16, half_blocks=1, quarter_blocks=1, texture=True)
    network = Inpaint(shape).eval()
    card = Card("fill", "inpaint", {})
    rgb, mask = noise(64, 64), disc(64, 64, 9)  # too small for texture to be copied from around it

    def fill(detail: float) -> NDArray[np.uint8 | np.uint16]:
        filler = Inpainter(network, card, FP32)
        return filler.restore(Picture(rgb), mask, FillOptions(detail)).rgb

    before = fill(0.0), fill(1.0)
    assert network.texture is not None
    torch.nn.init.normal_(network.texture.head.weight, std=0.5)
    assert (fill(0.0) == before[0]).all()
    assert (fill(1.0) != before[1]).any()


def test_a_network_that_copies_texture_gets_none_added_afterwards(inpainter: Inpainter) -> None:
    network = inpainter.network
    assert isinstance(network, Inpaint)
    seeing = Inpaint(dataclasses.replace(network.config, copied=True)).eval()
    seeing.load_state_dict(network.state_dict(), strict=False)
    rgb, mask = noise(96, 96), disc(96, 96, 9)
    plain, textured = (inpainter.restore(Picture(rgb), mask, FillOptions(d)).rgb for d in (0, 1))
    own = Inpainter(seeing, inpainter.card, FP32).restore(Picture(rgb), mask, FillOptions(1)).rgb
    assert (textured != plain).any()
    assert (own == plain).all()


def test_in_between_mask_values_paste_partly(inpainter: Inpainter) -> None:
    rgb = noise(64, 64)
    whole = inpainter.restore(Picture(rgb.copy()), disc(64, 64, 9)).rgb.astype(float)
    half = inpainter.restore(Picture(rgb.copy()), disc(64, 64, 9, 128)).rgb.astype(float)
    expected = rgb + 128 / 255 * (whole - rgb)
    assert np.abs(half - expected).max() <= 0.51


def test_feather_reaches_just_as_far_as_it_says(inpainter: Inpainter) -> None:
    rgb = noise(80, 80)
    result = inpainter.restore(Picture(rgb), disc(80, 80, 6), FillOptions(feather_px=5))
    far = disc(80, 80, 12).values == 0
    assert (result.rgb[far] == rgb[far]).all()
    band = (disc(80, 80, 9).values > 0) & (disc(80, 80, 6).values == 0)
    assert (result.rgb[band] != rgb[band]).any()


def test_grey_pictures_get_grey_fills(inpainter: Inpainter) -> None:
    grey = np.repeat(noise(64, 64)[..., :1], 3, axis=2)
    result = inpainter.restore(Picture(grey, meta=Metadata(grey=True)), disc(64, 64, 9))
    assert (result.rgb[..., 0] == result.rgb[..., 1]).all()


def test_many_specks_and_a_scratch_are_all_filled(inpainter: Inpainter) -> None:
    rgb = np.full((700, 900, 3), 128, np.uint8)
    values = np.zeros((700, 900), np.uint8)
    dice = np.random.default_rng(1)
    values[dice.integers(0, 700, 60), dice.integers(0, 900, 60)] = 255
    values[300:303] = 255
    rgb[values > 0] = (255, 0, 255)
    result = inpainter.restore(Picture(rgb), Mask(values))
    assert np.abs(result.rgb[values > 0].astype(int) - (255, 0, 255)).min(1).max() < 255
    assert not (result.rgb == (255, 0, 255)).all(2).any()


def test_empty_masks_give_the_photo_back_with_a_note(inpainter: Inpainter) -> None:
    picture = Picture(noise(8, 8))
    result = inpainter.restore(picture, Mask(np.zeros((8, 8), np.uint8)))
    assert result.rgb is picture.rgb
    assert "empty" in result.meta.notes[-1]
    tiny = Picture(noise(1, 1))
    assert inpainter.restore(tiny, Mask(np.zeros((1, 1), np.uint8))).size == (1, 1)


@pytest.mark.parametrize("size", [(1, 2), (2, 1), (3, 3)])
def test_the_smallest_pictures_are_filled(inpainter: Inpainter, size: tuple[int, int]) -> None:
    values = np.zeros(size, np.uint8)
    values[0, 0] = 255
    rgb = np.full((*size, 3), 50, np.uint8)
    assert inpainter.restore(Picture(rgb), Mask(values)).size == size[::-1]


def test_masks_that_cannot_belong_are_refused(inpainter: Inpainter) -> None:
    picture = Picture(noise(8, 10))
    with pytest.raises(RequestError, match="8 x 8 px, the photo 10 x 8 px"):
        inpainter.restore(picture, Mask(np.zeros((8, 8), np.uint8)))
    with pytest.raises(RequestError, match="covers the whole photo"):
        inpainter.restore(picture, Mask(np.full((8, 10), 255, np.uint8)))


def test_reducing_lets_no_hole_pixel_colour_a_known_one() -> None:
    photo = torch.full((1, 3, 40, 40), 0.25)
    hole = torch.zeros(1, 1, 40, 40)
    hole[..., 10:23, 7:31] = 1
    photo = torch.where(hole > 0, torch.tensor(1.0), photo)
    small, small_hole = reduce_known(photo, hole, [10, 10])
    assert torch.allclose(small[(small_hole == 0).expand_as(small)], torch.tensor(0.25))


def test_a_cancelled_fill_changes_nothing(inpainter: Inpainter) -> None:
    class Stop(Progress):
        def update(self, done: float, total: float, note: str = "") -> None:
            raise Cancelled

    rgb = noise(64, 64)
    before = rgb.copy()
    with pytest.raises(Cancelled):
        inpainter.restore(Picture(rgb), disc(64, 64, 9), progress=Stop())
    assert (rgb == before).all()


def test_a_crop_that_overflows_is_computed_again(inpainter: Inpainter) -> None:
    half = dataclasses.replace(FP32, dtype=torch.bfloat16)
    broken = Inpainter(inpainter.network, inpainter.card, half)
    network = broken.network
    assert isinstance(network, nn.Module)
    plain = network.forward

    def overflow(image: torch.Tensor, mask: torch.Tensor) -> object:
        out = plain(image, mask)
        spoilt = out.refined * float("nan") if torch.is_autocast_enabled("cpu") else out.refined
        return out._replace(refined=spoilt)

    network.forward = overflow
    try:
        result = broken.restore(Picture(noise(64, 64)), disc(64, 64, 9))
    finally:
        del network.forward
    assert result.rgb.std() > 1
