"""Damaged prints: the truth is where the damage is, and nowhere else."""

import torch

from remend.models.generators.damage import GROUPS
from remend.training.data.damage_kinds import DAMAGE
from remend.training.data.damage_layers import Layer
from remend.training.data.damaged_print import (
    DamageConfig,
    damage_prints,
    draw_kinds,
    lay,
    what_shows,
)

CROPS = (torch.rand(8, 3, 12, 12, generator=torch.Generator().manual_seed(5)) * 255).byte()
CROPS = torch.nn.functional.interpolate(CROPS.float(), 96, mode="bilinear").byte()


def prints(seed: int = 0, **fields: object):
    config = DamageConfig(**fields)  # type: ignore[arg-type]
    return damage_prints(CROPS, config, torch.Generator().manual_seed(seed))


def test_clean_crops_have_no_damage_and_that_is_certain():
    made = prints(clean_share=1.0, frame_share=1.0)
    assert not made.truth.any()
    assert bool(made.certain.all())
    assert made.scans.dtype == torch.uint8
    assert made.scans.shape == CROPS.shape


def test_a_seed_decides_everything():
    first, again, other = prints(1), prints(1), prints(2)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.scans, other.scans)


def test_each_kind_is_true_in_its_own_group_alone():
    for name, kind in DAMAGE.items():
        made = prints(3, shares={name: 1.0}, clean_share=0.0, frame_share=0.0)
        group = GROUPS.index(kind.group)
        assert made.truth[:, group].any(), name
        others = [number for number in range(len(GROUPS)) if number != group]
        assert not made.truth[:, others].any(), name


def test_damage_of_one_group_on_the_other_counts_for_neither_as_wrong():
    made = prints(4, shares={"scratches": 1.0, "flakes": 1.0}, clean_share=0.0)
    lines, patches, _ = made.truth.bool().unbind(1)
    certain = made.certain.bool()
    assert (lines & ~patches).any()
    assert not certain[:, 1][lines & ~patches].any()
    assert not certain[:, 0][patches & ~lines].any()


def test_faint_damage_is_neither():
    made = prints(5, shares={"stains": 1.0}, clean_share=0.0, frame_share=0.0)
    stains = GROUPS.index("stains")
    uncertain = ~made.certain[:, stains].bool()
    assert uncertain.any()
    assert not made.truth[:, stains][uncertain].any()


def test_paper_of_the_photos_own_colour_may_be_marked_but_need_not_be():
    photo = torch.full((1, 3, 32, 32), 100.0)
    photo[..., 16:] = 200.0
    flake = Layer(torch.ones(1, 1, 32, 32), torch.full((1, 3, 1, 1), 200.0))
    marked, noticed = what_shows(photo, lay(photo, flake), flake, "patches")
    assert bool(marked[0, :, :12].all()) and not marked[0, :, 20:].any()
    assert bool(noticed.all())


def test_a_line_that_drowns_in_texture_need_not_be_found():
    stripes = torch.tensor([60.0, 180.0]).repeat(16).expand(1, 3, 32, 32).clone()
    stripes[:, :, 16:] = 120.0  # plain below
    opacity = torch.zeros(1, 1, 32, 32)
    opacity[..., 9] = 1
    line = Layer(opacity, torch.full((1, 3, 1, 1), 150.0))
    marked, noticed = what_shows(stripes, lay(stripes, line), line, "lines")
    assert bool(marked[0, 24:, 9].all()) and not marked[0, :8].any()
    assert bool(noticed[0, :, 9].all()) and int(noticed.sum()) == 32


def test_damage_lies_alone_as_often_as_is_asked_for():
    kinds = len(DamageConfig().shares)
    for lone_share in (0.0, 1.0):
        config = DamageConfig(lone_share=lone_share)
        has = draw_kinds(config, 4000, torch.Generator().manual_seed(6))
        assert has.shape == (kinds, 4000)
        found, shares = has.float().mean(1), torch.tensor([*config.shares.values()])
        expected = shares / shares.sum() if lone_share else shares
        assert torch.allclose(found, expected, atol=0.03)
        assert bool((has.sum(0) == 1).all()) == bool(lone_share)
    nothing = DamageConfig(shares={"stains": 0.0})
    assert not draw_kinds(nothing, 5, torch.Generator()).any()
