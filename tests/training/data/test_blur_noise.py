"""Facts about the damage of photos: OpenCV's blur, the moments of noise, the look of age."""

import cv2
import numpy as np
import pytest
import torch
from kornia.color import rgb_to_linear_rgb
from torch import Tensor

from remend.training.data.blur_noise import (
    KERNEL_PX,
    MODES,
    Damaged,
    add_sensor_noise,
    blur,
    disc_kernels,
    draw_kernels,
    gaussian_kernels,
    old_photo_look,
    resize,
)


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def silent(picture: Tensor) -> Damaged:
    return Damaged(picture, torch.zeros_like(picture))


@pytest.mark.parametrize("sigma", [0.7, 1.2, 2.0])
def test_round_gaussians_blur_as_opencv_does(sigma: float):
    picture = torch.rand(1, 3, 40, 52, generator=dice()) * 255
    width = torch.tensor([sigma])
    ours = blur(silent(picture), gaussian_kernels(width, width, torch.tensor([0.3]))).picture
    theirs = cv2.GaussianBlur(
        picture[0].permute(1, 2, 0).numpy(),
        (KERNEL_PX, KERNEL_PX),
        sigma,
        None,
        0,
        cv2.BORDER_REFLECT_101,
    )
    assert np.allclose(ours[0].permute(1, 2, 0).numpy(), theirs, atol=0.02)


def test_long_gaussians_have_their_axes_and_their_angle():
    across, along = torch.tensor([0.8, 0.8]), torch.tensor([2.0, 2.0])
    kernels = gaussian_kernels(across, along, torch.tensor([0.0, torch.pi / 2])).double()
    places = torch.arange(KERNEL_PX) - KERNEL_PX // 2
    spread_x = (kernels.sum(1) * places.square()).sum(1).sqrt()
    spread_y = (kernels.sum(2) * places.square()).sum(1).sqrt()
    assert spread_x[0] == pytest.approx(0.8, abs=0.02) and spread_y[0] == pytest.approx(2, abs=0.03)
    assert torch.allclose(kernels[0], kernels[1].T, atol=1e-6)


def test_discs_are_flat_inside_and_empty_outside():
    disc = disc_kernels(torch.tensor([3.0]))[0]
    middle = KERNEL_PX // 2
    assert disc[middle, middle] == disc[middle, middle + 2] == disc[middle - 1, middle - 1]
    assert disc[middle, middle + 4] == 0 and disc.sum() == pytest.approx(1)
    assert disc[middle, middle] == pytest.approx(1 / (torch.pi * 9), rel=0.08)


def test_drawn_kernels_sum_to_one_and_differ():
    kernels = draw_kernels(64, (0.3, 2.5), dice())
    assert kernels.shape == (64, KERNEL_PX, KERNEL_PX)
    assert torch.allclose(kernels.sum((1, 2)), torch.ones(64), atol=1e-5)
    assert len(kernels.flatten(1).unique(dim=0)) == 64


@pytest.mark.parametrize("mode", MODES)
def test_every_way_of_resizing_keeps_the_mean_and_takes_the_noise_along(mode: str):
    picture = torch.rand(1, 3, 64, 64, generator=dice()) * 100 + 50
    made = resize(Damaged(picture, picture - 50), (16, 24), mode)
    assert made.picture.shape == (1, 3, 16, 24)
    assert made.picture.mean() == pytest.approx(float(picture.mean()), abs=0.7)
    assert torch.allclose(made.picture - 50, made.noise, atol=1e-3)


def test_noise_is_as_strong_as_asked_at_mid_grey_and_leaves_the_mean():
    grey = torch.full((64, 3, 48, 48), 127.5)
    std = torch.tensor([4.0, 12.0]).repeat(32)
    noisy = add_sensor_noise(silent(grey), std, dice())
    assert torch.equal(noisy.noise, noisy.picture - grey)
    for wanted in (4.0, 12.0):
        made = noisy.noise[std == wanted]
        assert made.std() == pytest.approx(wanted, rel=0.06)
        light = rgb_to_linear_rgb(noisy.picture[std == wanted] / 255)
        assert light.mean() == pytest.approx(float(rgb_to_linear_rgb(grey / 255).mean()), rel=0.01)
    in_colour = (noisy.noise[:, 0] - noisy.noise[:, 1]).abs().flatten(1).amax(1) > 1
    assert 0.3 < in_colour.float().mean() < 0.7


def test_photon_noise_grows_with_the_light():
    values = torch.tensor([20.0, 60.0, 200.0]).view(3, 1, 1, 1).expand(3, 3, 64, 64)
    noisy = add_sensor_noise(silent(values), torch.full((3,), 3.0), dice(5)).picture
    light = rgb_to_linear_rgb(noisy / 255)
    spread = light.flatten(1).std(1)
    assert spread[0] < spread[1] < spread[2]


def test_old_photos_are_grey_or_toned_and_never_gain_contrast():
    photos = torch.randint(0, 256, (200, 3, 16, 16), generator=dice(), dtype=torch.uint8)
    old = old_photo_look(photos, 0.5, dice(1))
    changed = (old != photos).flatten(1).any(1)
    assert 0.4 < changed.float().mean() < 0.6
    red, green, blue = old[changed].float().unbind(1)
    assert (red >= green - 1).all() and (green >= blue - 1).all()
    assert ((red - green).abs().amax((1, 2)) <= 1).float().mean() > 0.1
    assert (old[changed].float().std((1, 2, 3)) < photos[changed].float().std((1, 2, 3))).all()
    assert torch.equal(old_photo_look(photos, 0.0, dice(1)), photos)
