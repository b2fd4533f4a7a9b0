"""Each fault of an upscaler shows in its measure, and in a picture without it the measure rests."""

from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks import faults
from remend.training.evaluation.benchmark import Pixels


@pytest.fixture
def truth() -> Pixels:
    """Half of it flat, half of it random soft blobs with steep flanks."""
    random = np.random.default_rng(0)
    blobs = cv2.resize(random.uniform(0, 255, (16, 16, 3)), (128, 128)).round().astype(np.uint8)
    blobs[:, :64] = 128
    return blobs


def measured(output: Any, truth: Pixels) -> dict[str, float]:
    given = cv2.resize(truth, (32, 32), interpolation=cv2.INTER_AREA)
    return faults.measure(np.asarray(output, np.uint8), np.asarray(given, np.uint8), truth, 4)


def test_the_original_has_no_fault(truth: Pixels):
    found = measured(truth, truth)
    assert found["colour"] < 0.1
    assert found["histogram"] < 0.1
    assert found["overshoot"] == 0
    assert found["flat"] == found["truth flat"]
    assert found["edges"] == 1
    assert found["grid"] < 3


def test_another_tint_is_a_shift_of_colour(truth: Pixels):
    tinted = truth.copy()
    tinted[..., 2] = np.minimum(tinted[..., 2].astype(int) + 5, 255)
    assert measured(tinted, truth)["colour"] > 4
    assert measured(tinted, truth)["histogram"] > 4


def test_sharpening_overshoots(truth: Pixels):
    soft = cv2.GaussianBlur(truth, (0, 0), 3)
    assert measured(cv2.addWeighted(truth, 3, soft, -2, 0), truth)["overshoot"] > 1


def test_blur_flattens_edges(truth: Pixels):
    assert measured(cv2.GaussianBlur(truth, (0, 0), 4), truth)["edges"] < 0.8


def test_grain_shows_where_the_original_is_flat(truth: Pixels):
    grain = np.random.default_rng(1).normal(0, 4, truth.shape[:2])[..., None]
    grainy = (truth + grain).clip(0, 255).astype(np.uint8)
    assert measured(grainy, truth)["flat"] > 2


@pytest.mark.parametrize("period", [2, 4])
def test_a_checkerboard_is_a_line_in_the_spectrum(truth: Pixels, period: int):
    y, x = np.indices(truth.shape[:2])
    board = 3 * np.where((y // (period // 2) + x // (period // 2)) % 2, 1, -1)[..., None]
    assert measured((truth + board).clip(0, 255).astype(np.uint8), truth)["grid"] > 10
