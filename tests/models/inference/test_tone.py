"""Grey stays grey and sepia on its tone, with networks of random weights, which tint whatever they make."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from remend.models.checkpoints.card import Card
from remend.models.device import Placement
from remend.models.generators.inpaint import Inpaint, InpaintConfig
from remend.models.generators.upscale import Upscale, UpscaleConfig
from remend.models.imaging.picture import Mask, Picture, from_unit, to_unit
from remend.models.inference.inpainter import Inpainter
from remend.models.inference.tone import GREY, find_tone, tone_enlarged, tone_fill
from remend.models.inference.upscaler import UpscaleOptions, Upscaler

FP32 = Placement(torch.device("cpu"), torch.float32, "tests are exact")
Rgb = NDArray[np.uint8]
SIDE = 160
RANDOM = np.random.default_rng(3)


def texture(channels: int = 1) -> NDArray[np.float64]:
    """Soft shapes from black to white, (SIDE, SIDE, channels)."""
    small = RANDOM.integers(0, 256, (12, 12, channels), dtype=np.uint8)
    layers = [
        np.asarray(Image.fromarray(small[..., i]).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        for i in range(channels)
    ]
    return np.stack(layers, -1) / 255


def sepia(light: NDArray[np.float64], warmth: float | NDArray[np.float64] = 1.0) -> Rgb:
    """Brown in the middle, black and white at the ends; luma stays about what it was."""
    bend = warmth * light * (1 - light)
    toned = np.concatenate([light + 0.3 * bend, light, light - 0.5 * bend], -1)
    return (255 * toned.clip(0, 1)).round().astype(np.uint8)


def grey() -> Rgb:
    return (255 * texture()).round().astype(np.uint8).repeat(3, 2)


def hole(radius: int = 22) -> Mask:
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    return Mask(np.where(x**2 + y**2 <= radius**2, 255, 0).astype(np.uint8))


@pytest.fixture(scope="module")
def inpainter() -> Inpainter:
    torch.manual_seed(0)
    config = InpaintConfig(
        coarse_width=16, coarse_blocks=2, width=16, half_blocks=1, quarter_blocks=1
    )
    return Inpainter(Inpaint(config).eval(), Card("fill", "inpaint", {}), FP32)


@pytest.fixture(scope="module")
def upscaler() -> Upscaler:
    torch.manual_seed(0)
    network = Upscale(UpscaleConfig(2, 8, 2, refine=True, refine_blocks=1)).eval()
    for parameter in network.parameters():
        parameter.data.mul_(1.5)
    return Upscaler(network, Card("upscale", "upscale", {}, scale=2), FP32)


def distances(rgb: Rgb) -> NDArray[np.int64]:
    """How far pixels are from the sepia of their lightness, in levels."""
    shades = sepia(np.linspace(0, 1, 1024)[:, None, None])
    luma = np.array([0.299, 0.587, 0.114])
    lights = shades[:, 0] @ luma
    nearest = np.searchsorted(lights, rgb @ luma).clip(0, 1023)
    return np.abs(rgb.astype(int) - shades[nearest, 0]).max(-1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_grey_photo_in_colour_channels_gets_a_grey_fill(inpainter: Inpainter, dtype: type):
    rgb = grey().astype(dtype) * (257 if dtype == np.uint16 else 1)
    filled = inpainter.restore(Picture(rgb), hole()).rgb
    assert np.ptp(filled, axis=2).max() == 0
    assert (filled != rgb).any()


def test_a_hole_in_the_grey_part_of_a_colour_photo_gets_a_grey_fill(inpainter: Inpainter):
    rgb = np.concatenate([(255 * texture(3)).astype(np.uint8), grey()], 1)
    values = np.zeros(rgb.shape[:2], np.uint8)
    values[60:100, SIDE + 70 : SIDE + 110] = 255
    filled = inpainter.restore(Picture(rgb), Mask(values)).rgb
    assert np.ptp(filled[values > 0], axis=1).max() <= 2


def test_a_sepia_photo_gets_a_fill_of_its_tone(inpainter: Inpainter):
    noise = RANDOM.normal(0, 2, (SIDE, SIDE, 3)).round()
    rgb = (sepia(texture()) + noise).clip(0, 255).astype(np.uint8)
    marked = hole().values > 0
    filled = inpainter.restore(Picture(rgb), hole()).rgb[marked]
    assert distances(np.asarray(filled, np.uint8)).max() <= 4


def test_a_tone_that_changes_over_the_photo_goes_on_in_the_hole():
    stain = np.linspace(0, 40, SIDE).astype(np.uint8)
    rgb = 40 + grey() // 2
    rgb[..., 2] -= stain
    missing = torch.as_tensor(hole().values[None, None] / 255).float()
    invented = to_unit(40 + grey() // 2 + np.array([0, 0, 30], np.uint8))
    filled = from_unit(tone_fill(to_unit(rgb), missing, invented, missing), np.uint8).astype(int)
    inside = hole().values > 0
    assert abs(filled[..., 0] - filled[..., 1])[inside].max() <= 1
    assert abs(filled[..., 1] - filled[..., 2] - stain)[inside].max() <= 3


def test_a_fill_among_colours_stays_as_it_is():
    photo, filled = (to_unit((255 * texture(3)).astype(np.uint8)) for _ in range(2))
    missing = torch.as_tensor(hole().values[None, None] / 255).float()
    assert tone_fill(photo, missing, filled, missing) is filled
    everything = torch.ones_like(missing)
    assert tone_fill(photo, everything, filled, missing) is filled


def test_a_grey_photo_in_colour_channels_is_enlarged_grey(upscaler: Upscaler):
    for detail in (0.0, 1.0):
        large = upscaler.restore(Picture(grey()), UpscaleOptions(detail=detail)).rgb
        assert np.ptp(large, axis=2).max() == 0


def test_a_sepia_photo_is_enlarged_on_its_tone(upscaler: Upscaler):
    plain = upscaler.restore(Picture(sepia(texture())), UpscaleOptions(detail=0)).rgb
    large = upscaler.restore(Picture(sepia(texture())), UpscaleOptions(detail=1)).rgb
    assert distances(np.asarray(plain, np.uint8)).max() > 10  # this network tints
    assert distances(np.asarray(large, np.uint8)).max() <= 3


def test_a_stamp_in_colour_on_a_sepia_photo_keeps_its_colour():
    rgb = sepia(texture()).copy()
    rgb[40:44, 60:64] = (240, 90, 0)
    tone = find_tone(rgb)
    assert tone is not None and tone is not GREY
    doubled = rgb.repeat(2, 0).repeat(2, 1)
    made = from_unit(tone_enlarged(tone, to_unit(rgb), to_unit(doubled)), np.uint8)
    assert (made[82:86, 122:126] == (240, 90, 0)).all()


def test_tiles_of_a_toned_photo_fit_together(upscaler: Upscaler):
    picture = Picture(sepia(texture(), np.linspace(0.8, 1.2, SIDE)[None, :, None]))
    whole, tiled = (
        upscaler.restore(picture, UpscaleOptions(detail=1, tile_px=tile_px)).rgb.astype(int)
        for tile_px in (0, 48)
    )
    assert abs(whole - tiled).max() <= 1


def test_photos_in_colour_have_no_tone():
    assert find_tone((255 * texture(3)).astype(np.uint8)) is None
    assert find_tone(grey()) is GREY
    assert find_tone(grey()[:1, :1]) is GREY
