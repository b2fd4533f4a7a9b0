"""Instance noise follows its schedule; smoothed targets are what was asked for."""

import torch

from training.stabilise import add_instance_noise, draw_target


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
