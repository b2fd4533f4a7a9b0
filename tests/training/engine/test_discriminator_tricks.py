"""Instance noise follows its schedule; smoothed targets are what was asked for."""

import dataclasses

import torch

from remend.training.engine.discriminator_tricks import (
    add_instance_noise,
    augment,
    draw_augmentation,
    draw_target,
    shift,
)


def dice() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_instance_noise_fades_linearly() -> None:
    zeros = torch.zeros(4, 3, 64, 64)

    def spread(seen: int) -> float:
        return float(add_instance_noise(zeros, 0.1, seen, 1000, dice()).std())

    assert abs(spread(0) - 0.1) < 0.002
    assert abs(spread(500) - 0.05) < 0.001
    assert spread(1000) == 0 and spread(5000) == 0


def test_targets_are_a_number_or_drawn_from_the_range() -> None:
    assert draw_target(0.9, 5, dice()) == 0.9
    drawn = draw_target((0.7, 1.2), 1000, dice())
    assert isinstance(drawn, torch.Tensor) and drawn.shape == (1000, 1)
    assert drawn.min() >= 0.7 and drawn.max() <= 1.2
    assert abs(drawn.mean() - 0.95) < 0.02


def test_augmentation_of_no_strength_changes_nothing() -> None:
    pictures = torch.rand(4, 3, 32, 32, generator=dice()) * 2 - 1
    drawn = draw_augmentation(pictures.shape, 0.0, dice())
    assert torch.allclose(augment(pictures, drawn), pictures, atol=1e-6)


def test_augmentation_moves_pictures_and_masks_together_and_lets_gradients_pass() -> None:
    dot = torch.zeros(2, 3, 64, 64)
    dot[..., 30, 40] = 1
    random = dice()
    drawn = draw_augmentation(dot.shape, 1.0, random)
    down, right = drawn.shift[0].tolist()
    assert (down, right) != (0, 0) and max(abs(down), abs(right)) <= 8
    moved = shift(dot, drawn)
    assert moved.shape == dot.shape and (moved[..., 30 + down, 40 + right] == 1).all()
    leaf = dot.clone().requires_grad_()
    augment(leaf, drawn).sum().backward()
    assert leaf.grad is not None and leaf.grad.abs().sum() > 0
    assert not torch.equal(draw_augmentation(dot.shape, 1.0, random).shift, drawn.shift)


def test_augmentation_changes_colour_by_the_drawn_factors() -> None:
    pictures = torch.rand(2, 3, 16, 16, generator=dice())
    drawn = draw_augmentation(pictures.shape, 1.0, dice())
    drawn = dataclasses.replace(drawn, shift=torch.zeros(1, 2).long())
    made = augment(pictures, drawn)
    mean = pictures.mean((1, 2, 3)) + drawn.brightness.flatten()
    assert torch.allclose(made.mean((1, 2, 3)), mean, atol=1e-5)
    spread = (made - made.mean(1, keepdim=True)).std((1, 2, 3))
    factors = (drawn.saturation * drawn.contrast).flatten()
    before = (pictures - pictures.mean(1, keepdim=True)).std((1, 2, 3))
    assert torch.allclose(spread, before * factors, rtol=1e-4)
