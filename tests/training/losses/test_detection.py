"""Losses of what a network sees: hand values, and pixels that do not count."""

import math

import torch

from remend.training.losses.detection import bce, dice

ONES = torch.ones(1, 2, 4, 4)
HALF = torch.cat((torch.ones(1, 2, 2, 4), torch.zeros(1, 2, 2, 4)), 2)


def test_without_an_opinion_the_cross_entropy_is_log_two():
    assert math.isclose(bce(torch.zeros(1, 2, 4, 4), HALF, ONES), math.log(2), rel_tol=1e-6)


def test_what_is_uncertain_does_not_count():
    logits = torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    wrong = torch.where(HALF > 0, logits, torch.full_like(logits, 9.0))
    for loss in (bce, dice):
        assert torch.isclose(loss(logits, HALF, HALF), loss(wrong, HALF, HALF))
    assert bce(wrong, HALF, torch.zeros_like(ONES)) == 0


def test_dice_is_zero_where_all_is_found_and_one_where_nothing_is():
    sure = 40 * (2 * HALF - 1)
    assert float(dice(sure, HALF, ONES, smooth_px=0.0)) < 1e-6
    assert float(dice(-sure, HALF, ONES, smooth_px=0.0)) > 1 - 1e-6


def test_half_of_it_found_and_nothing_wrong_has_a_dice_of_two_thirds():
    """2 * 4 / (4 + 8) of eight true pixels of which four are found."""
    found = torch.zeros(1, 2, 4, 4)
    found[:, :, 0] = 1
    assert math.isclose(dice(80 * found - 40, HALF, ONES, smooth_px=0.0), 1 - 2 / 3, abs_tol=1e-6)
