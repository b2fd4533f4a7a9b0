"""Facts about the picture losses."""

import torch

from remend.training.engine.tasks.task import mean_psnr
from remend.training.losses.pixel import (
    feature_matching,
    gram,
    grid,
    l1,
    l1_hole,
    l2,
    log_mse,
    style,
    total_variation,
)


def test_equal_pictures_lose_nothing() -> None:
    x, mask = torch.randn(2, 3, 8, 8), torch.ones(2, 1, 8, 8)
    assert l1(x, x) == 0 and l2(x, x) == 0 and l1_hole(x, x, mask) == 0
    assert feature_matching([x, x], [x, x]) == 0


def test_l1_asks_for_the_median_and_l2_for_the_mean() -> None:
    seen = torch.tensor([-1.0, -1.0, 5.0])
    for loss, best in ((l1, -1.0), (l2, 1.0)):
        losses = {guess: loss(torch.full((3,), guess), seen) for guess in (-1.0, 0.0, 1.0, 2.0)}
        assert min(losses, key=lambda guess: losses[guess]) == best


def test_hole_loss_is_the_mean_inside_each_hole() -> None:
    target = torch.zeros(2, 3, 16, 16)
    output = target.clone()
    mask = torch.zeros(2, 1, 16, 16)
    mask[0, :, :8], mask[1, :, :2] = 1, 1
    output[0, :, :8], output[1, :, :2] = 0.5, 0.25
    output[:, :, 12:] = 9.0
    assert torch.isclose(l1_hole(output, target, mask), torch.tensor(0.375))


def test_an_empty_hole_gives_zero_and_not_nan() -> None:
    x = torch.randn(1, 3, 8, 8)
    assert l1_hole(x, x + 1, torch.zeros(1, 1, 8, 8)) == 0


def test_log_mse_is_psnr_over_minus_ten() -> None:
    random = torch.Generator().manual_seed(0)
    target = torch.rand(3, 3, 16, 16, generator=random) - 0.5
    output = target + torch.tensor([0.3, 0.1, 0.01]).view(3, 1, 1, 1)
    mask = (torch.rand(3, 1, 16, 16, generator=random) < 0.5).float()
    peak = torch.tensor(4.0).log10()  # of pictures in [-1, 1]
    assert torch.isclose(
        10 * (peak - log_mse(output, target)), torch.tensor(mean_psnr(output, target)), atol=0.05
    )
    outside = output + 5 * (1 - mask)
    assert torch.isclose(log_mse(outside, target, mask), log_mse(output, target))
    assert log_mse(target, target).isfinite() and log_mse(output, target, 0 * mask).isfinite()


def test_feature_matching_sends_no_gradient_to_the_real_side() -> None:
    real, fake = torch.randn(4, requires_grad=True), torch.randn(4, requires_grad=True)
    feature_matching([fake], [real]).backward()
    assert real.grad is None and fake.grad is not None


def test_total_variation_of_a_constant_a_ramp_and_a_checkerboard() -> None:
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)
    board = (torch.arange(8)[:, None] + torch.arange(8)).remainder(2).float().view(1, 1, 8, 8)
    assert total_variation(torch.full((1, 3, 8, 8), 5.0)) == 0
    assert total_variation(ramp) == 1
    assert total_variation(board) == 2
    hole = torch.zeros(1, 1, 8, 8)
    hole[..., 2:5, 2:5] = 1
    assert total_variation(ramp, hole) == 1
    assert total_variation(ramp, torch.zeros_like(hole)) == 0


def test_grid_counts_specks_on_one_phase_and_no_other_difference() -> None:
    random = torch.Generator().manual_seed(0)
    target, other = (torch.rand(2, 3, 256, 256, generator=random) - 0.5) / 5
    target, other = target[None], other[None]
    specks = torch.zeros_like(target)
    specks[..., 1::4, 2::4] = 0.16
    assert grid(target, target, 4) == 0
    # Of 16 phases one lies 0.15 above its cell's mean and 15 lie 0.01 below it.
    mean = torch.tensor(0.3 / 16)
    assert torch.isclose(grid(specks, 0 * target, 4), mean, rtol=0.1)
    assert grid(target + specks, target, 4) > mean
    for without in (target + 0.3, 2 * target, other):
        assert grid(without, target, 4) < mean / 8


def test_grid_counts_a_phase_that_varies_more_than_the_others() -> None:
    random = torch.Generator().manual_seed(0)
    target, other = torch.randn(2, 1, 1, 256, 256, generator=random)
    uneven = target.clone()
    uneven[..., ::4, ::4] *= 3
    assert grid(uneven, target, 4) > 5 * grid(other, target, 4)


def test_gram_matrices_forget_where_things_are() -> None:
    features = torch.randn(2, 4, 6, 6)
    order = torch.randperm(36)
    shuffled = features.flatten(2)[..., order].unflatten(2, (6, 6))
    assert torch.allclose(gram(features), gram(shuffled), atol=1e-6)
    assert torch.allclose(gram(2 * features), 4 * gram(features))
    assert style(features, features) == 0


def test_gram_matrices_are_divided_by_channels_height_and_width() -> None:
    # Two channels of 3 x 5: all ones and all twos. Sums over the picture are 15, 30 and 60; C·H·W is 30.
    features = torch.ones(1, 2, 3, 5) * torch.tensor([1.0, 2.0]).view(1, 2, 1, 1)
    assert torch.allclose(gram(features), torch.tensor([[[0.5, 1.0], [1.0, 2.0]]]))
    # Of an area, its size takes the place of H·W.
    area = torch.zeros(1, 1, 3, 5)
    area[..., :2] = 1
    assert torch.allclose(gram(features, area), gram(features))
