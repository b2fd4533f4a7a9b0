"""Texture that the fill network sees: copied from what is known, with how well it matches."""

import dataclasses

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from remend.models.errors import RequestError
from remend.models.generators.inpaint import Inpaint, InpaintConfig
from remend.models.layers.copying import copy_texture
from remend.models.layers.harmonic import harmonic_fill

SMALL = InpaintConfig(coarse_width=16, coarse_blocks=4, width=16, half_blocks=1, quarter_blocks=1)


def stripes(size: int = 96, period: float = 3.0) -> Tensor:
    """Fine vertical stripes in the left half, none in the right one."""
    wave = 0.4 * torch.sin(torch.arange(size) * 2 * torch.pi / period)
    return torch.where(torch.arange(size) < size // 2, wave, 0.0).expand(1, 3, size, size).clone()


def hole(size: int = 96, top: int = 32, left: int = 8, side: int = 24) -> Tensor:
    mask = torch.zeros(1, 1, size, size)
    mask[..., top : top + side, left : left + side] = 1
    return mask


def copied(picture: Tensor, mask: Tensor) -> Tensor:
    coarse = F.avg_pool2d(harmonic_fill(picture, mask), 4)
    return copy_texture(picture, mask, coarse)


def power(values: Tensor, mask: Tensor) -> float:
    return float((values.square() * mask).sum() / (3 * mask.sum()))


def test_rough_surroundings_are_continued_with_their_strength_and_smooth_ones_stay_smooth() -> None:
    picture = stripes()
    for left, wanted in ((8, 0.08), (64, 0.0)):
        mask = hole(left=left)
        found = copied(picture, mask)
        assert power(found[:, :3], mask) == pytest.approx(wanted, abs=0.03)


def test_what_lies_in_the_hole_is_not_looked_at_and_known_texture_is_given() -> None:
    dice = torch.Generator().manual_seed(0)
    picture, mask = torch.rand(1, 3, 96, 96, generator=dice) - 0.5, hole()
    coarse = F.avg_pool2d(harmonic_fill(picture, mask), 4)
    one, two = (copy_texture(x, mask, coarse) for x in (picture, picture.where(mask == 0, 0.9)))
    assert torch.equal(one, two)
    assert (one[:, 3][mask[:, 0] == 0] == 1).all()
    inside = one[:, 3][mask[:, 0] == 1]
    assert inside.min() > 0 and inside.max() < 1
    assert power(one[:, :3], 1 - mask) > 0.03


def test_a_source_that_is_alike_matches_better() -> None:
    flat, dice = torch.zeros(1, 3, 96, 96), torch.Generator().manual_seed(0)
    wild = F.interpolate(torch.rand(1, 3, 12, 12, generator=dice) * 2 - 1, 96, mode="bilinear")
    one, other = (float(copied(x, hole())[:, 3][hole()[:, 0] == 1].mean()) for x in (flat, wild))
    assert one > 0.99
    assert other < 0.8 * one


def test_a_batch_is_its_pictures_one_by_one() -> None:
    dice = torch.Generator().manual_seed(1)
    pictures = torch.rand(3, 3, 64, 96, generator=dice) - 0.5
    masks = torch.zeros(3, 1, 64, 96)
    masks[0, :, 20:40, 30:60] = 1
    masks[1, :, :, 5:90] = 1  # no window is known
    together = copied(pictures, masks)
    single = [copied(pictures[i : i + 1], masks[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(together, torch.cat(single))
    assert not together[1][:, masks[1, 0] == 1].any()
    assert (together[2, 3] == 1).all()


def test_weights_of_before_fill_as_before() -> None:
    torch.manual_seed(0)
    before = Inpaint(dataclasses.replace(SMALL, texture=True)).eval()
    after = Inpaint(dataclasses.replace(SMALL, texture=True, copied=True)).eval()
    missing = after.load_state_dict(before.state_dict(), strict=False)
    assert not missing.unexpected_keys
    assert {name.split(".")[1] for name in missing.missing_keys} == {"copied"}
    picture, mask = stripes(), hole()
    assert torch.equal(after(picture, mask).refined, before(picture, mask).refined)
    assert after.copies_texture and not before.copies_texture


def test_texture_alone_learns_to_use_what_is_copied() -> None:
    torch.manual_seed(0)
    network = Inpaint(dataclasses.replace(SMALL, texture=True, copied=True))
    network.coarse.requires_grad_(False)
    assert network.refine is not None and network.texture is not None
    network.refine.requires_grad_(False)
    picture, mask = stripes(), hole()
    learning = list(network.texture.parameters())
    optimiser = torch.optim.Adam(learning, lr=5e-3)
    errors: list[float] = []
    for _ in range(60):
        loss = ((network(picture, mask).refined - picture).square() * mask).sum() / mask.sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        errors.append(float(loss.detach()))
    assert network.texture.copied is not None
    assert network.texture.copied.weight.abs().max() > 1e-3
    assert errors[-1] < 0.7 * errors[0]
    # And the detail that was learned is there in a single set of weights.
    merged = network.at_detail(1.0)
    torch.testing.assert_close(
        merged(picture, mask).refined, network(picture, mask).refined, atol=1e-5, rtol=1e-4
    )


def test_a_spectral_norm_of_zero_is_refused() -> None:
    with pytest.raises(RequestError, match=r"generator\.copied"):
        Inpaint(dataclasses.replace(SMALL, copied=True, spectral=True))
