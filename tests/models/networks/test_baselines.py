"""DCGAN, ResNet and the growing networks: facts about their layers, their labels and their growth."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from remend.models.checkpoints.registry import ARCHITECTURES, build_network
from remend.models.layers.growth import set_growth
from remend.models.layers.norm import ConditionalBatchNorm
from remend.models.layers.projection import ProjectionHead

BASELINES = [name for name, one in ARCHITECTURES.items() if one.task == "generate"]
DISCRIMINATORS = [ARCHITECTURES[name].judge for name in BASELINES]


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def make_generator(name: str, **config: Any) -> nn.Module:
    torch.manual_seed(0)
    return build_network(name, {"width": 8, "latent": 12, **config})


def make_discriminator(name: str, **config: Any) -> nn.Module:
    torch.manual_seed(0)
    return build_network(name, {"width": 8, **config})


# Networks


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("size", [16, 32, 64])
def test_pictures_have_their_size_and_lie_between_minus_one_and_one(name: str, size: int) -> None:
    for kernel in (1, 3, 9):
        network = make_generator(name, size=size, output_kernel=kernel)
        pictures = network(5 * noise(4, 12))
        assert pictures.shape == (4, 3, size, size)
        assert pictures.abs().max() < 1 and pictures.std(0).mean() > 0


@pytest.mark.parametrize("name", DISCRIMINATORS)
@pytest.mark.parametrize("size", [16, 32, 64])
def test_discriminators_give_one_logit_a_picture(name: str, size: int) -> None:
    verdict = make_discriminator(name, size=size)(noise(4, 3, size, size))
    assert verdict.logits.shape == (4, 1)
    assert len(verdict.features) >= 2 and all(len(f) == 4 for f in verdict.features)


def test_dcgan_has_the_layers_of_the_paper() -> None:
    # Radford et al. 2016, figure 1: 100 -> 1024 x 4 x 4 -> 512 -> 256 -> 128, kernels of 4.
    network = build_network("dcgan", {"size": 64, "width": 64, "upsample": "transposed"})
    start = 101 * 1024 * 16
    doublings = sum(16 * c * c // 2 + c // 2 for c in (1024, 512, 256, 128))
    norms = 2 * (1024 + 512 + 256 + 128 + 64)
    assert count(network) == start + doublings + norms + (27 * 64 + 3)
    discriminator = build_network("dcgan_judge", {"size": 64, "norm": "none"})
    shapes = [m.weight.shape for m in discriminator.modules() if isinstance(m, nn.Conv2d)]
    assert [tuple(s) for s in shapes] == [
        (64, 3, 4, 4), (128, 64, 4, 4), (256, 128, 4, 4), (512, 256, 4, 4)
    ]  # fmt: skip


def test_resnet_has_the_layers_of_the_paper() -> None:
    # Gulrajani et al. 2017, appendix F: three blocks up; two blocks down and two plain ones.
    conv, point, norm = 9 * 128 * 128 + 128, 128 * 128 + 128, 2 * 128
    block = 2 * conv + point + 2 * norm
    assert count(build_network("resnet", {})) == (
        129 * 128 * 16 + 3 * block + norm + (27 * 128 + 3)
    )
    first = (27 * 128 + 128) + conv + (3 * 128 + 128)
    discriminator = build_network("resnet_judge", {"spectral": False})
    assert count(discriminator) == first + (2 * conv + point) + 2 * (2 * conv) + 129


def test_spectral_normalisation_bounds_both_sides() -> None:
    for name in (*BASELINES, *DISCRIMINATORS):
        make = make_generator if name in BASELINES else make_discriminator
        network = make(name, spectral=True, size=16)
        layers = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
        for layer in layers:
            weight = [layer.weight for _ in range(100)][-1]  # each look is one power iteration
            largest = torch.linalg.matrix_norm(weight.flatten(1), 2)
            assert abs(largest.item() - 1) < 0.02


# Labels


def test_conditional_norm_starts_as_batch_norm_and_keeps_classes_apart() -> None:
    layer, plain = ConditionalBatchNorm(6, 3), nn.BatchNorm2d(6)
    x, labels = noise(8, 6, 5, 5), torch.arange(8) % 3
    assert torch.equal(layer(x, labels), plain(x))
    assert all(torch.equal(a, b) for a, b in zip(layer.buffers(), plain.buffers(), strict=True))
    with torch.no_grad():
        layer.scale.weight[1], layer.shift.weight[1] = 2, -1
        plain.weight.fill_(2)
        plain.bias.fill_(-1)
    changed = (layer(x, labels) != nn.BatchNorm2d(6)(x)).flatten(1).any(1)
    assert torch.equal(changed, labels == 1)
    assert torch.allclose(layer(x, torch.ones_like(labels)), plain(x), atol=1e-6)


def test_projection_adds_the_class_vector_times_the_features() -> None:
    torch.manual_seed(0)
    head, x = ProjectionHead(5, 3), noise(4, 5)
    assert head.classes is not None
    labels = torch.tensor([0, 2, 1, 2])
    expected = (x * head.classes.weight[labels]).sum(1, keepdim=True)
    assert torch.allclose(head(x, labels) - head.linear(x), expected, atol=1e-6)
    with torch.no_grad():
        head.classes.weight.zero_()
    assert torch.equal(head(x, labels), head.linear(x))
    with pytest.raises(ValueError, match="labels"):
        head(x)


@pytest.mark.parametrize("name", BASELINES)
def test_no_classes_add_no_parameter_and_classes_add_theirs(name: str) -> None:
    def norms(network: nn.Module) -> int:
        kinds = (nn.BatchNorm2d, ConditionalBatchNorm)
        inner = [m.norm for m in network.modules() if isinstance(m, ConditionalBatchNorm)]
        return sum(isinstance(m, kinds) and m not in inner for m in network.modules())

    discriminator = ARCHITECTURES[name].judge
    plain, labelled = make_generator(name, norm="batch"), make_generator(name, classes=5)
    assert norms(plain) == norms(labelled) > 0
    assert count(make_generator(name, norm="batch", classes=0)) == count(plain)
    channels = sum(m.num_features for m in plain.modules() if isinstance(m, nn.BatchNorm2d))
    # A scale and a shift for each of five classes where there was one.
    assert count(labelled) - count(plain) == 2 * channels * (5 - 1)
    head = make_discriminator(discriminator).get_submodule("head")
    assert isinstance(head, ProjectionHead)
    added = count(make_discriminator(discriminator, classes=5)) - count(
        make_discriminator(discriminator)
    )
    assert added == 5 * head.linear.in_features


@pytest.mark.parametrize("name", BASELINES)
def test_labels_reach_every_sample_of_their_class_only(name: str) -> None:
    network = make_generator(name, classes=3).eval()
    for layer in network.modules():
        if isinstance(layer, ConditionalBatchNorm):
            nn.init.normal_(layer.shift.weight, generator=torch.Generator().manual_seed(1))
    latents, labels = noise(1, 12).expand(3, -1), torch.tensor([0, 1, 1])
    pictures = network(latents, labels)
    assert torch.allclose(pictures[1], pictures[2], atol=1e-6)
    assert not torch.allclose(pictures[0], pictures[1], atol=1e-3)
    discriminator = make_discriminator(ARCHITECTURES[name].judge, classes=3).eval()
    logits = discriminator(pictures[:1].expand(3, -1, -1, -1), labels).logits
    assert logits[0] != logits[1] and torch.allclose(logits[1], logits[2], atol=1e-6)


# Growing


def growing_pair(norm: str = "pixel") -> tuple[nn.Module, nn.Module]:
    generator = make_generator("growing", norm=norm).eval()
    # stddev compares samples, which stay the same here.
    return generator, make_discriminator("growing_judge").eval()


@pytest.mark.parametrize("size", [8, 16, 32])
def test_growing_is_continuous_at_every_switch(size: int) -> None:
    generator, discriminator = growing_pair()
    latents = noise(4, 12)
    set_growth(generator, size // 2, 1.0)
    set_growth(discriminator, size // 2, 1.0)
    small = generator(latents)
    verdict = discriminator(small).logits
    enlarged = nn.functional.interpolate(small, scale_factor=2)
    set_growth(generator, size, 0.0)
    set_growth(discriminator, size, 0.0)
    assert torch.equal(generator(latents), enlarged)
    assert torch.equal(discriminator(enlarged).logits, verdict)
    set_growth(generator, size, 1e-3)
    set_growth(discriminator, size, 1e-3)
    assert 0 < (generator(latents) - enlarged).abs().max() < 1e-2
    assert 0 < (discriminator(enlarged).logits - verdict).abs().max() < 1e-2


def test_a_faded_in_level_no_longer_needs_the_layers_of_the_one_below() -> None:
    generator, discriminator = growing_pair()
    for network in (generator, discriminator):
        set_growth(network, 16, 1.0)
    before = discriminator(generator(noise(4, 12))).logits
    with torch.no_grad():
        generator.get_submodule("head.1").weight.fill_(9)  # pyright: ignore[reportArgumentType, reportCallIssue]
        discriminator.get_submodule("entrances.1.0").weight.fill_(9)  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert torch.equal(discriminator(generator(noise(4, 12))).logits, before)
    for network in (generator, discriminator):
        set_growth(network, 16, 0.5)
    assert not torch.equal(discriminator(generator(noise(4, 12))).logits, before)


def test_the_discriminator_mirrors_the_generator() -> None:
    generator = build_network("growing", {"width": 8, "size": 64})
    discriminator = build_network("growing_judge", {"width": 8, "size": 64})
    rgb = [
        m.in_channels
        for m in generator.modules()
        if isinstance(m, nn.Conv2d) and m.out_channels == 3
    ]
    entrances = [
        m.out_channels
        for m in discriminator.modules()
        if isinstance(m, nn.Conv2d) and m.in_channels == 3
    ]
    assert rgb == entrances == [128, 64, 32, 16, 8]


def test_pixel_norm_gives_unit_features() -> None:
    generator, _ = growing_pair()
    seen: list[Tensor] = []
    generator.get_submodule("levels.2").register_forward_hook(lambda *a: seen.append(a[2]))
    generator(noise(2, 12))
    assert torch.allclose(seen[0].square().mean(1), torch.ones(2, 16, 16), atol=1e-4)


def test_a_half_grown_network_comes_back_as_it_was() -> None:
    generator, _ = growing_pair()
    set_growth(generator, 16, 0.25)
    again = make_generator("growing").eval()
    again.load_state_dict(generator.state_dict())
    assert torch.equal(again(noise(2, 12)), generator(noise(2, 12)))
    assert again(noise(2, 12)).shape[-1] == 16
