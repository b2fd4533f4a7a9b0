"""Facts about the picture losses."""

import torch

from training.picture_losses import feature_matching, l1, l1_hole


def test_equal_pictures_lose_nothing() -> None:
    x, mask = torch.randn(2, 3, 8, 8), torch.ones(2, 1, 8, 8)
    assert l1(x, x) == 0 and l1_hole(x, x, mask) == 0
    assert feature_matching([x, x], [x, x]) == 0


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


def test_feature_matching_sends_no_gradient_to_the_real_side() -> None:
    real, fake = torch.randn(4, requires_grad=True), torch.randn(4, requires_grad=True)
    feature_matching([fake], [real]).backward()
    assert real.grad is None and fake.grad is not None
