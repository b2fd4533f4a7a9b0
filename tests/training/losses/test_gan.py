"""GAN losses against values worked out by hand."""

import math

import pytest
import torch

from remend.training.losses.gan import GAN_LOSSES, GanLossName

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
    assert float(GAN_LOSSES[name].discriminator(zero, zero, 1.0)) == pytest.approx(2 * math.log(2))


def test_minimax_saturates_and_the_other_does_not() -> None:
    assert abs(generator_slope("minimax", -20)) < 1e-6
    assert generator_slope("non_saturating", -20) == pytest.approx(-1)


def test_hinge_by_hand() -> None:
    # relu(1-r): 0, .5, 2; relu(1+k): 0, 1.3, 2.5
    assert float(GAN_LOSSES["hinge"].discriminator(REAL, FAKE, 1.0)) == pytest.approx(
        2.5 / 3 + 3.8 / 3
    )
    assert float(GAN_LOSSES["hinge"].generator(FAKE)) == pytest.approx(0.2 / 3)


def test_hinge_without_relu_is_wgan_plus_two() -> None:
    free = GAN_LOSSES["hinge_no_relu"].discriminator(REAL, FAKE, 1.0)
    assert float(free) == pytest.approx(
        float(GAN_LOSSES["wgan"].discriminator(REAL, FAKE, 1.0)) + 2
    )


def test_least_squares_by_hand() -> None:
    # (r-1)²: 1, .25, 4; k²: 4, .09, 2.25; (k-1)²: 9, .49, .25; each sum halved and divided by 3.
    lsgan = GAN_LOSSES["lsgan"]
    assert float(lsgan.discriminator(REAL, FAKE, 1.0)) == pytest.approx((5.25 + 6.34) / 6)
    assert float(lsgan.generator(FAKE)) == pytest.approx(9.74 / 6)
    # Real logits are pulled to the target, made ones to 0 all the same; (r-.9)²: 1.21, .16, 3.61.
    assert float(lsgan.discriminator(REAL, FAKE, 0.9)) == pytest.approx((4.98 + 6.34) / 6)
    assert float(lsgan.discriminator(torch.full((2,), 0.9), torch.zeros(2), 0.9)) == 0


def test_wgan_by_hand() -> None:
    # -mean(r) + mean(k), and -mean(k): the discriminator's logits rise for real pictures.
    wgan = GAN_LOSSES["wgan"]
    assert float(wgan.discriminator(REAL, FAKE, 1.0)) == pytest.approx(-0.5 - 0.2 / 3)
    assert float(wgan.generator(FAKE)) == pytest.approx(0.2 / 3)
    assert wgan.discriminator(REAL + 1, FAKE, 1.0) < wgan.discriminator(REAL, FAKE, 1.0)


@pytest.mark.parametrize("name", GAN_LOSSES)
def test_every_generator_wants_larger_logits(name: GanLossName) -> None:
    assert generator_slope(name, 0.0) < 0


@pytest.mark.parametrize(("target", "optimum"), [(0.9, 0.9), (0.95, 0.95)])
def test_a_smoothed_target_is_the_best_answer(target: float, optimum: float) -> None:
    real = torch.linspace(-8, 8, 16001)
    losses = torch.nn.functional.softplus(real) - target * real
    assert torch.sigmoid(real[losses.argmin()]).item() == pytest.approx(optimum, abs=1e-3)
    zero = torch.zeros(1)
    at_best = torch.logit(torch.tensor([target]))
    best = GAN_LOSSES["non_saturating"].discriminator(at_best, zero, target)
    worse = GAN_LOSSES["non_saturating"].discriminator(at_best + 0.5, zero, target)
    assert best < worse


def test_targets_around_one_smooth_nothing() -> None:
    """Cross entropy is linear in the target, so a mean of 1 pulls towards infinity like 1 itself."""
    real, fake = torch.tensor([3.0, 3.0]), torch.zeros(2)
    spread = torch.tensor([0.9, 1.1])
    loss = GAN_LOSSES["minimax"].discriminator
    assert torch.isclose(loss(real, fake, spread), loss(real, fake, 1.0))
