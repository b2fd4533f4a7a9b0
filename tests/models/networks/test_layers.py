"""Facts about the building blocks: statistics, degenerate cases, checkerboards."""

import pytest
import torch
from torch import nn

from remend.models.layers.attention import MaskedAttention
from remend.models.layers.blocks import GatedResidual, Residual
from remend.models.layers.gated import GATES, Gate, GatedConv
from remend.models.layers.harmonic import harmonic_fill
from remend.models.layers.minibatch import (
    MINIBATCH,
    Minibatch,
    MinibatchDiscrimination,
    choose_group,
)
from remend.models.layers.norm import NORMS, Norm, SwitchableNorm, layer_norm
from remend.models.layers.resample import UPSAMPLERS, Upsample, initialise_icnr
from remend.models.layers.spectral import normalise_spectrally


def sample(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 3 + 2


@pytest.mark.parametrize(
    ("name", "axes"), [("instance", (2, 3)), ("layer", (1, 2, 3)), ("batch", (0, 2, 3))]
)
def test_norms_centre_and_scale_over_their_axes(name: Norm, axes: tuple[int, ...]) -> None:
    y = NORMS[name](6)(sample(4, 6, 8, 8))
    assert y.mean(axes).abs().max() < 1e-5
    assert (y.var(axes, unbiased=False) - 1).abs().max() < 1e-3


def test_pixel_norm_gives_unit_mean_square_per_pixel() -> None:
    y = NORMS["pixel"](6)(sample(2, 6, 5, 5))
    assert (y.square().mean(1) - 1).abs().max() < 1e-5


def test_pixel_norms_own_gradient_is_that_of_its_formula_and_can_be_derived_again() -> None:
    norm, x = NORMS["pixel"](3), sample(2, 3, 2, 2).requires_grad_()

    def formula(x: torch.Tensor) -> torch.Tensor:
        return x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()

    weights = torch.arange(24.0).view_as(x)
    slopes = [
        torch.autograd.grad((weights * one(x)).sum(), x, create_graph=True)[0]
        for one in (norm, formula)
    ]
    assert torch.allclose(slopes[0], slopes[1], atol=1e-5) and slopes[0].abs().max() > 0.5
    bends = [torch.autograd.grad(slope.square().sum(), x)[0] for slope in slopes]
    assert torch.allclose(bends[0], bends[1], rtol=1e-3, atol=1e-3) and bends[1].abs().max() > 0.5
    with torch.no_grad():
        assert torch.equal(norm(x), norm(x.detach()))


def test_pixel_norm_keeps_sixteen_bits() -> None:
    assert NORMS["pixel"](6)(sample(1, 6, 2, 2).bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("position", "reference"),
    [(0, nn.InstanceNorm2d(6)), (1, layer_norm(6)), (2, nn.BatchNorm2d(6))],
)
def test_switchable_norm_with_one_hot_weights_is_that_norm(
    position: int, reference: nn.Module
) -> None:
    norm = SwitchableNorm(6)
    with torch.no_grad():
        norm.mean_logits[position] = norm.var_logits[position] = 50
    x = sample(4, 6, 7, 5)
    assert torch.allclose(norm(x), reference(x), atol=1e-5)


def test_switchable_norm_uses_running_statistics_in_evaluation() -> None:
    norm = SwitchableNorm(3, momentum=1.0)
    with torch.no_grad():
        norm.mean_logits[2] = norm.var_logits[2] = 50
    x = sample(4, 3, 6, 6)
    trained = norm(x)
    assert torch.allclose(norm.eval()(x), trained, atol=1e-5)


@pytest.mark.parametrize("name", NORMS)
def test_every_norm_keeps_the_shape(name: Norm) -> None:
    assert NORMS[name](4)(sample(2, 4, 6, 5)).shape == (2, 4, 6, 5)


@pytest.mark.parametrize("gate", [name for name in GATES if name != "none"])
def test_an_open_gate_is_the_plain_convolution_and_a_closed_one_is_zero(gate: Gate) -> None:
    conv = GatedConv(4, 6, 3, stride=2, gate=gate)
    x = sample(2, 4, 8, 8)
    plain = torch.relu(conv.feature(x))
    assert conv.gate is not None
    last = [m for m in conv.gate.modules() if isinstance(m, nn.Conv2d)][-1]
    assert last.bias is not None
    nn.init.zeros_(last.weight)
    nn.init.constant_(last.bias, 50)
    assert torch.allclose(conv(x), plain)
    nn.init.constant_(last.bias, -200)
    assert conv(x).abs().max() == 0


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("dilation", [1, 2])
def test_gated_convolutions_keep_or_halve_the_size(gate: Gate, dilation: int) -> None:
    x = sample(1, 4, 8, 6)
    assert GatedConv(4, 6, dilation=dilation, gate=gate)(x).shape == (1, 6, 8, 6)
    assert GatedConv(4, 6, stride=2, dilation=dilation, gate=gate)(x).shape == (1, 6, 4, 3)


def checkerboard(layer: nn.Module) -> float:
    """Amplitude of the pattern that a constant input leaves, relative to the response."""
    with torch.no_grad():
        y = layer(torch.ones(1, 8, 12, 12))[..., 4:-4, 4:-4]
    pattern = y - y.mean((2, 3), keepdim=True)
    return float(pattern.square().mean().sqrt() / y.square().mean().sqrt())


@pytest.mark.parametrize("name", UPSAMPLERS)
def test_upsamplers_double_the_size(name: Upsample) -> None:
    assert UPSAMPLERS[name](8, 5)(sample(1, 8, 6, 7)).shape == (1, 5, 12, 14)


def test_only_upsamplers_with_an_even_start_answer_a_constant_with_a_constant() -> None:
    torch.manual_seed(0)
    without_icnr = nn.Sequential(nn.Conv2d(8, 32, 3, padding=1), nn.PixelShuffle(2))
    assert checkerboard(UPSAMPLERS["nearest"](8, 8)) < 1e-5
    assert checkerboard(UPSAMPLERS["pixelshuffle"](8, 8)) < 1e-5
    assert checkerboard(UPSAMPLERS["transposed"](8, 8)) > 0.1
    assert checkerboard(without_icnr) > 0.3


def test_icnr_start_is_a_nearest_neighbour_enlargement() -> None:
    conv = nn.Conv2d(3, 4 * 9, 3, padding=1)
    initialise_icnr(conv, 3)
    y = nn.PixelShuffle(3)(conv(sample(1, 3, 5, 5)))
    assert torch.equal(y[..., ::3, ::3], y[..., 1::3, 2::3])


def test_residual_blocks_start_near_the_identity() -> None:
    x = sample(1, 16, 8, 8)
    for block in (GatedResidual(16), Residual(16)):
        assert block(x).shape == x.shape
    block = GatedResidual(16)
    nn.init.zeros_(block.scale)
    assert torch.equal(block(x), x)


def test_attention_changes_hole_cells_only_and_reads_known_cells_only() -> None:
    torch.manual_seed(0)
    attention = MaskedAttention(8, depth=4)
    nn.init.normal_(attention.head.weight)
    mask = torch.zeros(2, 1, 16, 16)
    mask[:, :, 4:9, 4:12] = 1
    cells = torch.nn.functional.max_pool2d(mask, 2) > 0
    x = sample(2, 8, 8, 8)
    y = attention(x, mask)
    changed = (y != x).any(1, keepdim=True)
    assert torch.equal(changed, cells)
    # Another hole cell's content must not matter.
    other = x.clone()
    other[..., 3, 3] += 5
    differs = (attention(other, mask) != y).any(1)[0]
    assert differs.sum() == 1 and differs[3, 3]


def test_attention_asks_for_hole_rows_only_without_changing_the_answer() -> None:
    torch.manual_seed(0)
    attention = MaskedAttention(8)
    nn.init.normal_(attention.head.weight)
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., 2:5, 3:6] = 1
    x = sample(1, 8, 8, 8)
    trained = attention.train()(x, mask)
    assert torch.allclose(attention.eval()(x, mask), trained, atol=1e-5)


def test_attention_survives_a_mask_that_covers_everything() -> None:
    attention = MaskedAttention(8)
    nn.init.normal_(attention.head.weight)
    assert attention(sample(1, 8, 4, 4), torch.ones(1, 1, 4, 4)).isfinite().all()


def test_harmonic_fill_keeps_known_pixels_and_ignores_the_hole() -> None:
    image = sample(2, 3, 40, 33)
    mask = torch.zeros(2, 1, 40, 33)
    mask[:, :, 10:30, 5:20] = 1
    filled = harmonic_fill(image, mask)
    assert torch.equal(filled * (1 - mask), image * (1 - mask))
    spoilt = torch.where(mask > 0, torch.tensor(1e6), image)
    assert torch.equal(harmonic_fill(spoilt, mask), filled)


def test_harmonic_fill_obeys_the_maximum_principle() -> None:
    image = sample(1, 3, 64, 64)
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 20:50, 8:40] = 1
    filled = harmonic_fill(image, mask)
    assert filled.min() >= image.min() and filled.max() <= image.max()


def test_harmonic_fill_continues_a_ramp() -> None:
    ramp = torch.linspace(-1, 1, 64).expand(1, 1, 64, 64)
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 20:44, 20:44] = 1
    assert (harmonic_fill(ramp, mask) - ramp).abs().max() < 0.05


def test_harmonic_fill_of_nothing_known_is_zero() -> None:
    assert harmonic_fill(sample(1, 3, 8, 8), torch.ones(1, 1, 8, 8)).abs().max() == 0


@pytest.mark.parametrize("name", MINIBATCH)
def test_minibatch_layers_append_what_they_say(name: Minibatch) -> None:
    layer = MINIBATCH[name](6)
    x = sample(4, 6, 3, 3)
    y = layer(x)
    assert y.shape == (4, 6 + layer.added, 3, 3)
    assert torch.equal(y[:, :6], x)


def test_stddev_channel_is_zero_for_equal_samples_and_one_for_plus_minus_one() -> None:
    layer = MINIBATCH["stddev"](2)
    equal = sample(1, 2, 4, 4).expand(4, -1, -1, -1)
    assert layer(equal)[:, 2].abs().max() < 2e-4
    signs = torch.ones(4, 2, 4, 4)
    signs[::2] = -1
    assert torch.allclose(layer(signs)[:, 2], torch.ones(4, 4, 4))


def test_stddev_compares_groups_of_four_as_published() -> None:
    layer = MINIBATCH["stddev"](1)
    # Samples 0, 2, 4 and 6 are one group and differ by a sign, the others are all alike.
    x = torch.tensor([1.0, 5, -1, 5, 1, 5, -1, 5]).view(8, 1, 1, 1)
    assert torch.allclose(layer(x)[:, 1].flatten(), torch.tensor([1.0, 1e-4] * 4), atol=1e-4)
    # So the channel is that of four samples, however many more there are.
    four = layer(x[::2])[:, 1]
    assert torch.allclose(layer(x[::2].repeat(3, 1, 1, 1))[:4, 1], four)
    # Batches that 4 does not divide: groups of 3 or 2, or all of it.
    for batch, spread in ((6, 3), (10, 2), (7, 7), (1, 1)):
        assert choose_group(batch) == spread
        assert layer(torch.randn(batch, 1, 2, 2)).shape == (batch, 2, 2, 2)


def test_minibatch_discrimination_counts_equal_samples_and_forgets_distant_ones() -> None:
    torch.manual_seed(0)
    layer = MinibatchDiscrimination(6)
    equal = sample(1, 6).expand(6, -1)
    assert torch.allclose(layer.closeness(equal), torch.full((6, 16), 5.0))
    assert layer.closeness(sample(6, 6) * 1000).max() < 1e-3


def test_spectral_normalisation_reaches_every_layer() -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3), nn.ConvTranspose2d(8, 4, 4), nn.Linear(36, 5)]
    network = nn.Sequential(*layers)
    normalise_spectrally(network)
    for layer in layers:
        weight = [layer.weight for _ in range(60)][-1]  # each look is one power iteration
        matrix = weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else weight
        assert abs(torch.linalg.matrix_norm(matrix.flatten(1), 2).item() - 1) < 1e-3
