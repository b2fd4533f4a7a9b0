"""Every kind of damage: in its range, from its seed alone, and visible."""

import pytest
import torch

from remend.models.generators.damage import GROUPS
from remend.training.data.damage_kinds import DAMAGE
from remend.training.data.damaged_print import VISIBLE, lay


def draw(name: str, seed: int, batch: int = 6, size: int = 96):
    return DAMAGE[name].draw(batch, size, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", DAMAGE)
def test_a_layer_fits_its_batch_and_its_ranges(name: str):
    layer = draw(name, 0)
    assert layer.opacity.shape == (6, 1, 96, 96)
    assert layer.opacity.min() >= 0
    assert layer.opacity.max() <= 1
    assert layer.colour.shape[:2] == (6, 3)
    assert torch.broadcast_shapes(layer.colour.shape, layer.opacity.shape) == (6, 3, 96, 96)
    assert DAMAGE[name].group in GROUPS


@pytest.mark.parametrize("name", DAMAGE)
def test_a_seed_decides_everything(name: str):
    first, again, other = draw(name, 1), draw(name, 1), draw(name, 2)
    assert torch.equal(first.opacity, again.opacity)
    assert torch.equal(first.colour, again.colour)
    assert not torch.equal(first.opacity, other.opacity)


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_seen_and_leaves_most_of_the_photo(name: str):
    photo = torch.full((24, 3, 96, 96), 110.0)
    changed = (lay(photo, draw(name, 3, batch=24)) - photo).abs().amax(1) >= VISIBLE
    assert changed.flatten(1).any(1).float().mean() > 0.5
    assert 0.001 < changed.float().mean() < 0.6


def test_lines_are_thin_and_all_else_is_wide():
    """An erosion by 9 px leaves nothing of lines and something of all else, over many draws."""
    photo = torch.full((16, 3, 96, 96), 110.0)
    for name, kind in DAMAGE.items():
        changed = ((lay(photo, draw(name, 4, batch=16)) - photo).abs().amax(1) >= VISIBLE).float()
        core = 1 - torch.nn.functional.max_pool2d(1 - changed, 17, 1, 8)
        share = float(core.sum() / changed.sum())
        assert share < 0.2 if kind.group == "lines" else share > 0.02, (name, share)


def test_a_tear_needs_no_shadow_no_frayed_rim_and_no_ground_of_black_or_white():
    """A network that learned one of them as the sign missed torn corners without it."""
    tears = draw("tears", 5, batch=64)
    flat = torch.as_tensor(tears.light).abs().flatten(1).amax(1) < 0.5
    assert 0.3 < flat.float().mean() < 0.7
    colour = tears.colour.flatten(2).mean(1)
    ground = colour.amin(1)  # fibres are paler
    assert ((ground > 80) & (ground < 165)).float().mean() > 0.05
    smooth = colour.diff(dim=1).abs().quantile(0.9, 1) < 1e-4
    assert 0.2 < smooth.float().mean() < 0.6
