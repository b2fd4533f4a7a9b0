"""Facts about metrics: closed forms, and a direct computation from the paper."""

import math

import numpy as np
import pytest

from remend.training.evaluation.metrics import luma, psnr, ssim

DICE = np.random.default_rng(0)
NOISE = DICE.integers(0, 256, (40, 30, 3), dtype=np.uint8)


def test_luma_of_the_primaries_is_that_of_the_standard():
    assert np.allclose(luma([[0, 0, 0], [255, 255, 255]]), [16, 235])
    assert np.allclose(luma(np.eye(3) * 255), [81.481, 144.553, 40.966])
    assert luma(NOISE).shape == (40, 30)


def test_psnr_of_a_constant_error():
    truth = np.full((20, 20, 3), 100, np.uint8)
    for error in (1, 5, 50):  # bytes must not wrap round
        assert math.isclose(psnr(truth - error, truth), 20 * math.log10(255 / error))
        assert math.isclose(psnr(truth, truth - error), 20 * math.log10(255 / error))
    assert psnr(truth, truth) == math.inf
    assert psnr(np.zeros((4, 4), np.uint8), np.full((4, 4), 255, np.uint8)) == 0


def test_psnr_leaves_the_border_out():
    spoilt = NOISE.copy()
    spoilt[:3] = spoilt[-3:] = spoilt[:, :3] = spoilt[:, -3:] = 0
    assert psnr(spoilt, NOISE, border=3) == math.inf
    assert psnr(spoilt, NOISE, border=2) < 40
    assert ssim(spoilt, NOISE, border=3) == pytest.approx(1)


def test_psnr_of_a_hole_counts_its_pixels_only():
    hole = np.zeros((40, 30), np.uint8)
    hole[10:20, 5:25] = 255
    filled = NOISE.astype(np.float64)
    filled[hole > 0] += 4
    assert math.isclose(psnr(filled, NOISE, hole=hole), 20 * math.log10(255 / 4))
    share = 200 / 1200
    assert math.isclose(psnr(filled, NOISE), 20 * math.log10(255 / 4) - 10 * math.log10(share))
    assert psnr(filled, NOISE, hole=hole == 0) == math.inf


def test_ssim_of_a_hole_counts_its_windows_only():
    hole = np.zeros((40, 30), np.uint8)
    hole[25:, 20:] = 255  # in the corner, where no whole window fits
    spoilt = np.where(hole[..., None] > 0, 255 - NOISE, NOISE)
    assert ssim(spoilt, NOISE, hole=hole) < 0 < 0.5 < ssim(spoilt, NOISE)
    assert ssim(NOISE, NOISE, hole=hole) == pytest.approx(1)
    far = np.zeros_like(hole)
    far[:15, :10] = 255
    assert ssim(spoilt, NOISE, hole=far) == pytest.approx(1)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="different shapes"):
        psnr(NOISE, NOISE[:-1])
    with pytest.raises(ValueError, match="no pixel"):
        psnr(NOISE, NOISE, hole=np.zeros((40, 30)))
    with pytest.raises(ValueError, match="no pixel"):
        ssim(NOISE, NOISE, hole=np.zeros((40, 30)))
    with pytest.raises(ValueError, match="no pixel"):
        psnr(NOISE, NOISE, border=15)
    with pytest.raises(ValueError, match="at least 11x11 px, not 10x20"):
        ssim(NOISE[:20, :10], NOISE[:20, :10])
    with pytest.raises(ValueError, match="different shapes"):
        ssim(NOISE, NOISE[..., 0])


def test_ssim_of_flat_pictures_is_their_luminance_term():
    first, second = np.full((16, 16), 100.0), np.full((16, 16), 140.0)
    c1 = (0.01 * 255) ** 2
    expected = (2 * 100 * 140 + c1) / (100**2 + 140**2 + c1)
    assert ssim(first, second) == pytest.approx(expected, abs=1e-9)
    assert ssim(NOISE, NOISE) == pytest.approx(1, abs=1e-9)


def test_ssim_is_that_of_the_paper():
    first, second = NOISE[..., 0].astype(float), NOISE[..., 1].astype(float)
    second = 0.5 * first + 0.5 * second
    at = np.arange(11) - 5
    window = np.exp(-(at[:, None] ** 2 + at**2) / (2 * 1.5**2))
    window /= window.sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for y in range(40 - 10):
        for x in range(30 - 10):
            a, b = first[y : y + 11, x : x + 11], second[y : y + 11, x : x + 11]
            mean_a, mean_b = (window * a).sum(), (window * b).sum()
            var_a = (window * (a - mean_a) ** 2).sum()
            var_b = (window * (b - mean_b) ** 2).sum()
            cov = (window * (a - mean_a) * (b - mean_b)).sum()
            values.append(
                (2 * mean_a * mean_b + c1)
                * (2 * cov + c2)
                / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
            )
    assert ssim(first, second) == pytest.approx(np.mean(values), abs=1e-6)
    assert ssim(second, first) == pytest.approx(ssim(first, second), abs=1e-9)
