"""GAN losses against values worked out by hand."""

import math

import pytest
import torch

from training.gan_losses import GAN_LOSSES, GanLossName

REAL = torch.tensor([2.0, 0.5, -1.0])
FAKE = torch.tensor([-2.0, 0.3, 1.5])


def generator_slope(name: GanLossName, k: float) -> float:
    fake = torch.tensor([float(k)], requires_grad=True)
    GAN_LOSSES[name].generator(fake).backward()
    assert fake.grad is not None
    return float(fake.grad)


@pytest.mark.parametrize("name", ["minimax", "non_saturating"])
def test_cross_entropy_of_undecided_logits_is_two_ln_two(name: GanLossName) -> None:
    zero = torch.zeros(3)
    assert float(GAN_LOSSES[name].discriminator(zero, zero)) == pytest.approx(2 * math.log(2))


def test_minimax_saturates_and_the_other_does_not() -> None:
    assert abs(generator_slope("minimax", -20)) < 1e-6
    assert generator_slope("non_saturating", -20) == pytest.approx(-1)


def test_hinge_by_hand() -> None:
    # relu(1-r): 0, .5, 2; relu(1+k): 0, 1.3, 2.5
    assert float(GAN_LOSSES["hinge"].discriminator(REAL, FAKE)) == pytest.approx(2.5 / 3 + 3.8 / 3)
    assert float(GAN_LOSSES["hinge"].generator(FAKE)) == pytest.approx(0.2 / 3)


def test_hinge_without_relu_is_wgan_plus_two() -> None:
    free = GAN_LOSSES["hinge_no_relu"].discriminator(REAL, FAKE)
    assert float(free) == pytest.approx(float(GAN_LOSSES["wgan"].discriminator(REAL, FAKE)) + 2)


def test_least_squares_by_hand() -> None:
    half = torch.full((2,), 0.5)
    assert float(GAN_LOSSES["lsgan"].discriminator(half, half)) == pytest.approx(0.25)
    assert float(GAN_LOSSES["lsgan"].generator(torch.ones(2))) == 0


@pytest.mark.parametrize("name", GAN_LOSSES)
def test_every_generator_wants_larger_logits(name: GanLossName) -> None:
    assert generator_slope(name, 0.0) < 0
