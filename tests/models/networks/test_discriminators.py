"""Facts about the judges."""

import torch

from remend.models.discriminators.multiscale import MultiscaleDiscriminator, share_logits
from remend.models.discriminators.patch import (
    PatchDiscriminator,
    PatchDiscriminatorConfig,
    high_pass,
)


def test_one_scale_is_the_patch_discriminator() -> None:
    network = MultiscaleDiscriminator(PatchDiscriminatorConfig(width=8, scales=1)).eval()
    x = torch.randn(2, 4, 32, 32)
    patch = network.scales[0]
    assert isinstance(patch, PatchDiscriminator)
    logits, features = patch(x)
    verdict = network(x)
    assert torch.equal(verdict.logits, logits.flatten(1))
    assert all(torch.equal(a, b) for a, b in zip(verdict.features, features, strict=True))


def test_scales_share_no_parameter() -> None:
    network = MultiscaleDiscriminator(PatchDiscriminatorConfig(width=8, scales=3))
    verdict = network(torch.randn(1, 4, 64, 64))
    counts = {sum(p.numel() for p in scale.parameters()) for scale in network.scales}
    total = sum(p.numel() for p in network.parameters())
    assert counts == {total // 3}
    assert len(verdict.features) == 3 * 4


def test_a_bright_dot_survives_the_pyramid() -> None:
    seen: list[torch.Tensor] = []
    network = MultiscaleDiscriminator(PatchDiscriminatorConfig(width=8, scales=3))
    network.scales[2].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    picture = torch.zeros(1, 4, 64, 64)
    picture[0, 0, 17, 33] = 1
    network(picture)
    assert seen[0].shape[-1] == 16 and seen[0].max() == 1


def test_spectral_norm_bounds_every_layer_and_rests_in_evaluation() -> None:
    torch.manual_seed(0)
    network = MultiscaleDiscriminator(PatchDiscriminatorConfig(width=8, scales=1))
    for _ in range(60):
        network(torch.randn(1, 4, 32, 32))
    network.eval()
    state = {name: value.clone() for name, value in network.state_dict().items()}
    network(torch.randn(1, 4, 32, 32))
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    convs = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    for conv in convs:
        largest = torch.linalg.matrix_norm(conv.weight.flatten(1), 2)
        assert abs(largest.item() - 1) < 0.02


def test_reach_is_where_a_change_of_the_hole_is_seen() -> None:
    torch.manual_seed(0)
    patch = PatchDiscriminator(PatchDiscriminatorConfig(inputs=3, width=8)).double().eval()
    picture = torch.randn(1, 3, 128, 128, dtype=torch.float64)
    mask = torch.zeros(1, 1, 128, 128, dtype=torch.float64)
    mask[..., 40:50, 90:97] = 1
    changed = picture + mask * torch.randn_like(picture)
    logits, features = patch(picture)
    other_logits, other_features = patch(changed)
    counted, reached = patch.reach(mask)
    assert torch.equal(logits != other_logits, counted > 0)
    for one, other, seen in zip(features, other_features, reached, strict=True):
        assert torch.equal((one != other).any(1, keepdim=True), seen > 0)
    assert 0 < counted.mean() < 0.5


def test_scales_have_the_same_say_and_logits_beside_the_hole_have_none() -> None:
    network = MultiscaleDiscriminator(PatchDiscriminatorConfig(width=8, scales=3))
    mask = torch.zeros(2, 1, 128, 128)
    mask[0, :, 60:70, 60:70] = 1
    verdict = network(torch.randn(2, 3, 128, 128), mask)
    assert verdict.shares is not None
    assert verdict.scales == (256, 64, 16)
    shares = verdict.shares[0].split(verdict.scales)
    assert torch.allclose(torch.stack([part.sum() for part in shares]), torch.full((3,), 1 / 3))
    assert (shares[0] == 0).any()
    assert not verdict.shares[1].any(), "no hole, no verdict"
    assert float(verdict.mean(torch.ones_like(verdict.logits))) == 0.5


def test_a_scale_without_a_say_leaves_it_to_the_others() -> None:
    shares = share_logits([torch.tensor([[1.0, 0, 1, 0]]), torch.zeros(1, 2)])
    assert torch.equal(shares, torch.tensor([[0.5, 0, 0.5, 0, 0, 0]]))


def test_without_a_mask_channel_the_mask_says_only_what_is_judged() -> None:
    network = MultiscaleDiscriminator(PatchDiscriminatorConfig(inputs=3, width=8, scales=1)).eval()
    picture, mask = torch.randn(1, 3, 64, 64), torch.zeros(1, 1, 64, 64)
    mask[..., :8, :8] = 1
    alone, masked = network(picture), network(picture, mask)
    assert torch.equal(alone.logits, masked.logits)
    assert torch.allclose(alone.shares, torch.full((1, 64), 1 / 64))
    assert not torch.equal(alone.shares, masked.shares)


def test_high_pass_is_six_times_what_lies_beyond_a_mean_of_25_px() -> None:
    dot = torch.zeros(1, 3, 16, 16)
    dot[..., 8, 8] = 1
    found = high_pass(dot)
    assert torch.allclose(found[..., 8, 8], torch.tensor(6 * (1 - 1 / 25)))
    assert torch.allclose(found[..., 8, 9], torch.tensor(-6 / 25))
    assert high_pass(torch.full((1, 3, 9, 9), 0.7)).abs().max() < 1e-5
    network = MultiscaleDiscriminator(PatchDiscriminatorConfig(width=8, scales=2, high_pass=True))
    assert network(torch.randn(1, 3, 64, 64), torch.ones(1, 1, 64, 64)).logits.isfinite().all()
