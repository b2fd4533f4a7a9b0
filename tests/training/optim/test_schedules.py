"""Closed forms of what changes over a run."""

import pytest
import torch
from torch import nn

from remend.training.optim.ema import Ema
from remend.training.optim.schedules import half_life_decay, learning_rate_factor, linear_decay


def test_learning_rate_warms_up_holds_and_ends_at_zero() -> None:
    def at(seen: int) -> float:
        return learning_rate_factor(seen, 1000, 100, 0.5)

    assert at(0) < 0.01 and at(100) == 1 and at(500) == 1
    assert at(750) == pytest.approx(0.5)
    assert at(1000) == pytest.approx(0, abs=1e-9)


def test_linear_decay() -> None:
    assert [linear_decay(0.1, seen, 10) for seen in (0, 5, 10, 20)] == [0.1, 0.05, 0, 0]


def test_half_life() -> None:
    assert half_life_decay(100, 100) == 0.5
    assert half_life_decay(8, 0) == 0


def test_average_of_a_constant_follows_the_closed_form() -> None:
    network = nn.Linear(1, 1)
    nn.init.zeros_(network.weight)
    ema = Ema(network, half_life_images=69.0, ramp=1e9)
    nn.init.ones_(network.weight)
    for step in range(100):
        ema.update(network, 1, step + 1)
    shadow = next(ema.network.parameters())
    assert float(shadow) == pytest.approx(1 - 0.5 ** (100 / 69), rel=1e-5)


def test_the_average_leaves_frozen_weights_alone() -> None:
    network = nn.Linear(1, 1)
    network.weight.requires_grad_(False)
    ema = Ema(network, half_life_images=0.0)
    nn.init.ones_(network.bias)
    frozen = ema.network.get_parameter("weight")
    version = frozen._version
    ema.update(network, 1, 1)
    assert float(ema.network.get_parameter("bias")) == 1 and frozen._version == version


def test_average_follows_closely_while_few_images_were_seen() -> None:
    network = nn.Linear(1, 1)
    ema = Ema(network, half_life_images=1e6)
    nn.init.constant_(network.weight, 7.0)
    ema.update(network, 8, 8)
    assert float(next(ema.network.parameters())) == pytest.approx(7.0, abs=1e-4)


def test_running_statistics_are_averaged_as_weights_are_and_other_buffers_copied() -> None:
    network = nn.BatchNorm2d(2)
    ema = Ema(network, 69.0, ramp=1e9)
    network.get_buffer("running_mean").fill_(3.0)
    network.get_buffer("num_batches_tracked").fill_(5)
    for step in range(100):
        ema.update(network, 1, step + 1)
    mean = ema.network.get_buffer("running_mean")
    assert torch.allclose(mean, torch.full((2,), 3 * (1 - 0.5 ** (100 / 69))), rtol=1e-5)
    assert ema.network.get_buffer("num_batches_tracked") == 5
