"""Facts about the judges."""

import torch

from remend.models.discriminators.multiscale import MultiscaleDiscriminator
from remend.models.discriminators.patch import PatchDiscriminator, PatchDiscriminatorConfig


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
