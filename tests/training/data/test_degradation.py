"""Facts about degradations: Pillow's bicubic is the reference, and every part of the damage shows."""

from pathlib import Path

import gradio
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from remend.training.data.degradation import DegradationConfig, bicubic_down, damage, degrade

PHOTOS = Path(gradio.__file__).parent / "media_assets" / "images"
NOTHING = {"blur_px": (0.05, 0.05), "noise": (0, 0), "photo_quality": (100, 100), "webp_share": 0}


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def to_batch(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]


@pytest.fixture(scope="module", params=["lion.jpg", "tower.jpg", "cheetah1.jpg"])
def photo(request: pytest.FixtureRequest) -> Image.Image:
    """A real photo, 240 x 192 px, without the traces of the JPEG it came as."""
    return (
        Image.open(PHOTOS / request.param).convert("RGB").resize((240, 192), Image.Resampling.BOX)
    )


def psnr_db(first: Tensor, second: Tensor) -> float:
    return float(10 * torch.log10(65025 / (first.double() - second.double()).square().mean()))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_is_that_of_pillow(photo: Image.Image, scale: int):
    small = photo.resize((photo.width // scale, photo.height // scale), Image.Resampling.BICUBIC)
    apart = (to_batch(small).int() - bicubic_down(to_batch(photo), scale).int()).abs()
    assert apart.max() <= 1
    assert (apart > 0).float().mean() < 0.02


def test_bicubic_clips_as_pillow_does():
    noise = torch.randint(0, 2, (1, 3, 64, 64), generator=dice(), dtype=torch.uint8) * 255
    image = Image.fromarray(noise[0].permute(1, 2, 0).numpy())
    small = to_batch(image.resize((16, 16), Image.Resampling.BICUBIC))
    assert (small.int() - bicubic_down(noise, 4).int()).abs().max() <= 1


def test_bicubic_refuses_a_size_that_does_not_divide():
    with pytest.raises(ValueError, match="30x32 px cannot be divided by 4"):
        bicubic_down(torch.zeros(1, 3, 32, 30, dtype=torch.uint8), 4)


def test_without_shares_it_is_bicubic(photo: Image.Image):
    originals = to_batch(photo).expand(6, -1, -1, -1)
    clean = degrade(originals, 4, DegradationConfig(), dice())
    assert clean.inputs.shape == (6, 3, 48, 60) and clean.inputs.dtype == torch.float32
    levels = (clean.inputs + 1) * 127.5
    assert torch.allclose(levels, bicubic_down(originals, 4).float(), atol=1e-3)
    assert not clean.noise.any()


@pytest.mark.parametrize(
    "share", [{"jpeg_share": 0.5, "jpeg_quality": (30, 40)}, {"photo_share": 0.7}]
)
def test_it_is_a_function_of_the_random_state(photo: Image.Image, share: dict[str, float]):
    originals = to_batch(photo).expand(6, -1, -1, -1)
    config, random = DegradationConfig(**share), dice(4)  # pyright: ignore[reportArgumentType]
    state = random.get_state()
    first = degrade(originals, 2, config, random)
    random.set_state(state)
    assert torch.equal(first.inputs, degrade(originals, 2, config, random).inputs)
    assert not torch.equal(first.inputs, degrade(originals, 2, config, random).inputs)
    levels = (first.inputs + 1) * 127.5
    assert torch.allclose(levels, levels.round(), atol=1e-3)


@pytest.mark.parametrize("second_order_share", [0.0, 1.0])
def test_damage_without_damage_is_a_reduction(photo: Image.Image, second_order_share: float):
    originals = to_batch(photo)
    config = DegradationConfig(second_order_share=second_order_share, **NOTHING)  # pyright: ignore[reportArgumentType]
    small = damage(originals, 4, config, dice(1))
    assert psnr_db(small.picture, bicubic_down(originals, 4)) > 27  # an area is no bicubic
    assert small.noise.abs().max() < 1e-3  # the sRGB curve and back


def test_each_part_of_the_damage_shows(photo: Image.Image):
    originals = to_batch(photo).expand(8, -1, -1, -1)

    def sharpness_and_noise(**changes: object) -> tuple[float, float]:
        config = DegradationConfig(second_order_share=0, **{**NOTHING, **changes})  # pyright: ignore[reportArgumentType]
        small = damage(originals, 2, config, dice(3))
        return float(small.picture.diff(dim=-1).abs().mean()), float(small.noise.std())

    plain, silent = sharpness_and_noise()
    blurred, _ = sharpness_and_noise(blur_px=(2, 2))
    coded, _ = sharpness_and_noise(photo_quality=(10, 10))
    _, noisy = sharpness_and_noise(noise=(10, 10))
    assert blurred < 0.8 * plain and coded < 0.98 * plain
    assert silent < 1e-4 and 5 < noisy < 15


def test_clean_and_damaged_inputs_have_their_shares(photo: Image.Image):
    originals = to_batch(photo).expand(400, -1, -1, -1)[..., :64, :64]
    small = degrade(originals, 4, DegradationConfig(photo_share=0.75, noise=(5, 5)), dice(2))
    damaged = small.noise.flatten(1).any(1)
    assert 0.68 < damaged.float().mean() < 0.82
    clean = bicubic_down(originals[:1], 4)
    assert all(torch.equal(x, clean[0] / 127.5 - 1) for x in small.inputs[~damaged])
