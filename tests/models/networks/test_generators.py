"""Contracts of the generators: what they keep, what they may not look at, what receives gradients."""

import dataclasses
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from remend.models.checkpoints.lora import add_lora
from remend.models.errors import RequestError
from remend.models.generators.inpaint import Inpaint, InpaintConfig
from remend.models.generators.upscale import Upscale, UpscaleConfig, remove_checkerboard
from remend.models.layers.gated import GATES, Gate
from remend.models.layers.harmonic import harmonic_fill
from remend.models.layers.norm import NORMS, Norm
from remend.models.layers.resample import UPSAMPLERS, Upsample
from remend.training.engine.pretrained import freeze


def small(**changes: Any) -> InpaintConfig:
    least = InpaintConfig(
        coarse_width=16, coarse_blocks=4, width=16, half_blocks=1, quarter_blocks=1
    )
    return dataclasses.replace(least, **changes)


def photo(size: int = 64, batch: int = 1) -> torch.Tensor:
    return torch.rand(batch, 3, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def hole(size: int = 64, batch: int = 1) -> torch.Tensor:
    mask = torch.zeros(batch, 1, size, size)
    mask[..., size // 4 : size // 2, size // 4 : size // 2] = 1
    return mask


def test_fill_keeps_known_pixels_and_does_not_look_under_the_mask() -> None:
    torch.manual_seed(0)
    network = Inpaint(small()).eval()
    image, mask = photo(), hole()
    fill = network(image, mask)
    assert fill.coarse.shape == (1, 3, 16, 16) and fill.refined.shape == (1, 3, 64, 64)
    assert torch.equal(fill.refined * (1 - mask), image * (1 - mask))
    spoilt = torch.where(mask > 0, torch.tensor(0.7), image)
    assert torch.equal(network(spoilt, mask).refined, fill.refined)
    assert not torch.equal(fill.refined, harmonic_fill(image, mask))


def test_both_stages_of_the_fill_receive_gradients() -> None:
    network = Inpaint(small(attention=False))
    network(photo(), hole()).refined.square().sum().backward()
    missing = [n for n, p in network.named_parameters() if p.grad is None]
    # The coarse head's bias reaches the refined picture too: refine sees the coarse picture.
    assert missing == []


def test_without_refine_the_fill_is_the_coarse_picture() -> None:
    network = Inpaint(small(refine=False))
    image, mask = photo(), hole()
    fill = network(image, mask)
    enlarged = torch.nn.functional.interpolate(fill.coarse, scale_factor=4.0, mode="bilinear")
    assert torch.allclose(fill.refined, torch.where(mask > 0, enlarged, image))


def test_texture_is_a_difference_that_can_be_dialled() -> None:
    torch.manual_seed(0)
    network = Inpaint(small(texture=True)).eval()
    image, mask = photo(), hole()
    untaught = network(image, mask).refined
    assert torch.equal(untaught, network.at_detail(0.0)(image, mask).refined)
    assert network.texture is not None
    for difference in network.texture.parameters():
        torch.nn.init.normal_(difference, std=0.05)
    plain, half, whole = (network.at_detail(x)(image, mask) for x in (0.0, 0.5, 1.0))
    assert torch.equal(plain.refined, untaught)
    assert torch.equal(whole.refined, network(image, mask).refined)
    assert not torch.equal(half.refined, plain.refined)
    assert not torch.equal(half.refined, whole.refined)
    assert torch.equal(plain.coarse, whole.coarse)
    network.config = dataclasses.replace(network.config, detail=0.0)
    assert torch.equal(network(image, mask).refined, untaught)


def test_texture_is_refused_where_sums_of_weights_mean_nothing() -> None:
    with pytest.raises(RequestError, match=r"generator\.spectral"):
        Inpaint(small(texture=True, spectral=True))
    network = Inpaint(small(texture=True))
    add_lora(network, 2)
    with pytest.raises(RequestError, match="adapter"):
        network(photo(), hole())
    network.config = dataclasses.replace(network.config, detail=0.0)
    assert network(photo(), hole()).refined.isfinite().all()


def test_only_the_texture_learns_where_the_rest_is_frozen() -> None:
    network = Inpaint(small(texture=True))
    freeze(network, ["coarse", "refine"])
    network(photo(), hole()).refined.square().sum().backward()
    learning = {name.split(".")[0] for name, p in network.named_parameters() if p.grad is not None}
    assert learning == {"texture"}
    assert network.texture is not None
    assert all(p.grad is not None for p in network.texture.parameters())


def test_a_narrower_refine_stage_fits_the_upscaler() -> None:
    config = UpscaleConfig(2, 16, 1, refine=True, refine_blocks=1, refine_width=8)
    network = Upscale(config)
    coarse, refined = network(photo(16))
    assert coarse.shape == refined.shape == (1, 3, 32, 32)
    assert not torch.equal(coarse, refined)


@pytest.mark.parametrize("gate", GATES)
def test_every_gate_fits_the_fill(gate: Gate) -> None:
    assert Inpaint(small(gate=gate))(photo(), hole()).refined.isfinite().all()


@pytest.mark.parametrize("norm", NORMS)
def test_every_norm_fits_both_generators(norm: Norm) -> None:
    fill = Inpaint(small(norm=norm))(photo(), hole())
    assert fill.refined.isfinite().all()
    assert Upscale(UpscaleConfig(2, 16, 2, norm=norm))(photo(16)).refined.isfinite().all()


@pytest.mark.parametrize("upsample", UPSAMPLERS)
@pytest.mark.parametrize("kernel", [1, 3, 9])
def test_every_upsampler_and_output_kernel_fits(upsample: Upsample, kernel: int) -> None:
    config = small(upsample=upsample, output_kernel=kernel)
    assert Inpaint(config)(photo(), hole()).refined.shape == (1, 3, 64, 64)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_upscaler_multiplies_the_size_and_starts_close_to_bilinear(scale: int) -> None:
    torch.manual_seed(0)
    image = photo(12)
    out = Upscale(UpscaleConfig(scale, 16, 2))(image)
    assert out.refined is out.coarse
    assert out.coarse.shape == (1, 3, 12 * scale, 12 * scale)
    bilinear = torch.nn.functional.interpolate(image, scale_factor=float(scale), mode="bilinear")
    assert (out.coarse - bilinear).abs().mean() < 0.1


def test_what_the_refine_stage_adds_has_no_colour() -> None:
    network = Upscale(UpscaleConfig(2, 16, 2, refine=True, refine_blocks=1))
    assert network.refine is not None
    image = photo(32)
    before = network(image)
    bias = network.refine["head"].get_parameter("bias")
    with torch.no_grad():
        bias += torch.tensor([0.5, -0.2, 0.1]).repeat_interleave(4)
    tinted = network(image)
    assert not torch.equal(before.coarse, before.refined)
    assert torch.allclose(tinted.refined, before.refined, atol=1e-5)


def test_a_zero_refine_head_leaves_the_coarse_picture() -> None:
    network = Upscale(UpscaleConfig(2, 16, 2, refine=True, refine_blocks=1))
    assert network.refine is not None
    for parameter in network.refine["head"].parameters():
        torch.nn.init.zeros_(parameter)
    out = network(photo(12))
    assert torch.equal(out.coarse, out.refined)


def test_at_detail_0_the_refine_stage_is_not_computed() -> None:
    network = Upscale(UpscaleConfig(2, 16, 1, refine=True, refine_blocks=1))
    whole, plain = network(photo(16)), network.at_detail(0.0)
    assert plain.refine is None and network.refine is not None
    faithful = plain(photo(16))
    assert faithful.refined is faithful.coarse and torch.equal(faithful.coarse, whole.coarse)
    assert network.at_detail(0.5) is network


def test_refining_sends_no_gradient_into_the_coarse_stage() -> None:
    network = Upscale(UpscaleConfig(2, 16, 2, refine=True, refine_blocks=1))
    out = network(photo(12))
    (out.refined - out.coarse).square().sum().backward()
    assert network.refine is not None
    assert all(p.grad is not None for p in network.refine.parameters())
    gradient = network.stem.weight.grad
    assert gradient is None or gradient.abs().max() < 1e-6


@pytest.mark.parametrize("no_checkerboard", [False, True])
def test_receptive_radius_is_exact(no_checkerboard: bool) -> None:
    torch.manual_seed(0)
    config = UpscaleConfig(2, 8, 2, refine=True, refine_blocks=1, no_checkerboard=no_checkerboard)
    network = Upscale(config).double().eval()
    image = photo(64).double()
    changed = image.clone()
    changed[..., 32, 32] += 1
    difference = (network(changed).refined - network(image).refined).abs().sum((0, 1))
    for axis in (0, 1):
        seen = difference.sum(axis).nonzero().flatten() // 2
        assert int((seen - 32).abs().max()) == network.receptive_radius


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_phases_alternate_nowhere_along_a_line_that_stays_the_same(scale: int) -> None:
    line = torch.randn(1, 3 * scale**2, 9, 1).expand(-1, -1, -1, 24)
    for phases in (line, line.mT):
        made = F.pixel_shuffle(remove_checkerboard(phases.contiguous(), scale), scale)
        along, across = (3, 2) if phases is line else (2, 3)
        assert made.std(along).max() < 1e-5  # each line has one value
        assert made.std(across).min() > 0.01  # and is not the next one's


def test_plain_places_beside_a_pattern_stay_plain() -> None:
    phases = torch.zeros(1, 12, 21, 21)
    phases[..., :10] = torch.randn(1, 12, 21, 1)
    cleaned = remove_checkerboard(phases, 2)
    assert not cleaned[..., 10:].any()
    assert (cleaned[..., :10].std() < 0.9 * phases[..., :10].std()).item()


def test_detail_of_one_cell_is_kept_for_the_most_part() -> None:
    phases = torch.zeros(1, 12, 21, 21)
    phases[..., 10, 10] = torch.randn(12)
    kept = remove_checkerboard(phases, 2)
    assert (kept - phases).abs().max() < 0.25 * phases.abs().max()


def test_a_new_noise_input_changes_nothing_until_it_is_trained() -> None:
    torch.manual_seed(0)
    network = Upscale(UpscaleConfig(2, 8, 2, denoise=True)).eval()
    small = torch.rand(2, 3, 9, 7)
    keep, take = torch.zeros(2), torch.ones(2)
    assert torch.equal(network(small, keep).refined, network(small).refined)
    assert network.kept_noise is not None
    torch.nn.init.normal_(network.kept_noise)
    assert torch.equal(network(small, take).refined, network(small).refined)
    assert not torch.equal(network(small, keep).refined, network(small).refined)
