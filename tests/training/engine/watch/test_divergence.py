"""Signs of divergence: none in an ordinary run, and at once where a loss explodes."""

import math

import pytest
import torch

from remend.training.engine.watch.divergence import STEPS_IN_A_ROW, DivergenceDetector, Plateau


def test_the_logarithm_of_an_error_explodes_by_what_it_stands_for() -> None:
    detector = DivergenceDetector()
    for _ in range(20):
        assert not detector.complaint({"log_mse": -2.0})
    assert not detector.complaint({"log_mse": -1.5})
    complaints = [detector.complaint({"log_mse": 0.5}) for _ in range(STEPS_IN_A_ROW)]
    assert complaints[:-1] == ["", ""] and "log_mse rose" in complaints[-1]


def test_ordinary_losses_are_no_alarm() -> None:
    detector, random = DivergenceDetector(), torch.Generator().manual_seed(0)
    for step in range(300):
        noise = 1 + 0.5 * torch.randn((), generator=random).clamp(-1.8, 1.8)
        assert detector.complaint({"l1": 0.05 * noise, "d_loss": 2.0 - step / 200}) == ""


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_is_one_at_once(value: float) -> None:
    assert "l1 is" in DivergenceDetector().complaint({"l1": torch.tensor(value)})


def test_an_exploding_loss_is_one_and_no_measure_for_the_next() -> None:
    detector = DivergenceDetector()
    for _ in range(20):
        assert not detector.complaint({"l1": 0.05})
    assert not detector.complaint({"l1": 0.4})
    complaints = [detector.complaint({"l1": 5.0}) for _ in range(5)]
    assert complaints == ["", "", *["l1 rose to 5 from 0.4 at most"] * 3]


def test_one_batch_of_odd_photos_is_no_explosion() -> None:
    detector = DivergenceDetector()
    for step in range(100):
        assert not detector.complaint({"style": 20.0 if step % 10 == 9 else 0.05})


def test_a_game_may_swing_but_not_beyond_all_bounds() -> None:
    detector = DivergenceDetector()
    for step in range(100):
        assert not detector.complaint({"adversarial": 30.0 if step > 50 else 0.01})
    assert detector.complaint({"d_loss": -3e9}) == "d_loss rose to -3e+09"


def test_patience_counts_validations_in_a_row() -> None:
    plateau = Plateau(3)
    best = [False, False, True, False, False, False]
    assert [plateau.add(is_best=one) for one in best] == [False] * 5 + [True]
