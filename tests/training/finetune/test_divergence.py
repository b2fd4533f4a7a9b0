"""Signs of divergence: none in an ordinary run, and at once where a loss explodes."""

import math

import pytest
import torch

from remend.training.finetune.divergence import DivergenceDetector, Plateau, colour_drift
from remend.training.finetune.validation import Score

GREY = (0.0, 0.0, 0.0)


def test_the_logarithm_of_an_error_explodes_by_what_it_stands_for() -> None:
    detector = DivergenceDetector()
    for _ in range(20):
        assert not detector.complaint({"log_mse": -2.0})
    assert not detector.complaint({"log_mse": -1.5})
    assert "log_mse rose" in detector.complaint({"log_mse": 0.5})


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
    for _ in range(3):
        assert "l1 rose to 5 from 0.4 at most" in detector.complaint({"l1": 5.0})


@pytest.mark.parametrize(
    ("parent", "now", "colour"),
    [
        (GREY, (1.9, -1.9, 0.0), ""),
        (GREY, (0.5, -2.5, 0.0), "green is off by -2.5"),
        (GREY, (2.5, 0.0, 3.5), "blue is off by +3.5"),
        ((3.0, 0.0, 0.0), (-4.0, 0.0, 0.0), ""),  # no farther off than the parent, by two steps
        ((3.0, 0.0, 0.0), (5.5, 0.0, 0.0), "red is off by +5.5"),
    ],
)
def test_colours_that_drift_from_the_originals(
    parent: tuple[float, float, float], now: tuple[float, float, float], colour: str
) -> None:
    found = colour_drift(Score(30, now), Score(30, parent))
    assert found.startswith(colour) and bool(found) == bool(colour)


def test_patience_counts_validations_in_a_row() -> None:
    plateau = Plateau(3)
    best = [False, False, True, False, False, False]
    assert [plateau.add(is_best=one) for one in best] == [False] * 5 + [True]
