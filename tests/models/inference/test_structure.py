"""Structure across thick holes: what is continued, where, and when it is left to the network."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from remend.models.inference.known.patch_search import PATCH_PX, PatchSearch
from remend.models.inference.known.structure import (
    DEEP_PX,
    MOST,
    _trust_texture,
    complete_structure,
    find_thick,
)


def square_hole(side: int, start: int, stop: int) -> Tensor:
    hole = torch.zeros(1, 1, side, side)
    hole[..., start:stop, start:stop] = 1
    return hole


def smeared(truth: Tensor, hole: Tensor) -> Tensor:
    """As a network fills that does not know: the truth, blurred by a third of the hole."""
    soft = F.interpolate(F.avg_pool2d(truth, 16), truth.shape[-2:], mode="bilinear")
    return torch.where(hole > 0, soft, truth)


def horizon(side: int = 160) -> Tensor:
    """A light sky with grain over dark land with grain."""
    truth = torch.full((1, 3, side, side), 0.5)
    truth[..., side // 2 :, :] = -0.4
    grain = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    return truth + 0.03 * grain


def fence(side: int = 160) -> Tensor:
    """Bars of 6 px every 18 px on a ground that grows lighter to the right."""
    ground = torch.linspace(-0.5, 0.1, side).expand(1, 3, side, side).clone()
    for left in range(3, side, 18):
        ground[..., left : left + 6] += 0.6
    return ground


def error(picture: Tensor, truth: Tensor, where: Tensor) -> float:
    return float(((picture - truth).square() * where).sum() / (3 * where.sum())) ** 0.5


@pytest.mark.parametrize("truth", [horizon(), fence()], ids=["horizon", "fence"])
def test_structure_crosses_a_thick_hole(truth: Tensor) -> None:
    hole = square_hole(160, 56, 104)
    fill = smeared(truth, hole)
    found = complete_structure(fill, hole)
    assert found is not None
    completed, share = found
    assert error(fill, truth, hole) > 0.14
    assert error(completed, truth, hole) < 0.4 * error(fill, truth, hole)
    assert share[..., 60:100, 60:100].min() == share.max() == MOST
    assert (completed == fill)[(hole == 0).expand_as(fill)].all()
    assert not share[hole == 0].any()


def test_the_same_fill_is_completed_in_the_same_way() -> None:
    truth, hole = fence(), square_hole(160, 56, 104)
    one, two = (complete_structure(smeared(truth, hole), hole) for _ in range(2))
    assert one is not None and two is not None
    assert (one[0] == two[0]).all() and (one[1] == two[1]).all()


def test_only_thick_parts_are_completed() -> None:
    thin = square_hole(160, 60, 60 + int(DEEP_PX))
    assert find_thick(thin) is None
    assert complete_structure(fence(), thin) is None
    both = square_hole(160, 30, 70)
    both[..., 48:52, 70:150] = 1  # a scratch that ends in it
    share = find_thick(both)
    assert share is not None
    assert share[..., 35:65, 35:65].min() == 1
    assert not share[..., 85:].any()
    assert not share[both == 0].any()


@pytest.mark.parametrize("hole", [square_hole(64, 4, 60), square_hole(160, 10, 150)])
def test_what_knows_too_little_is_left_to_the_network(hole: Tensor) -> None:
    assert complete_structure(torch.zeros(1, 3, *hole.shape[-2:]), hole) is None


def test_a_completion_unlike_the_networks_colours_does_not_count() -> None:
    truth, hole = horizon(), square_hole(160, 56, 104)
    red = torch.tensor([0.9, -0.9, -0.9]).view(1, 3, 1, 1)
    found = complete_structure(torch.where(hole > 0, red, truth), hole)
    assert found is not None
    assert found[1][..., 70:90, 70:90].max() < 0.1


def test_no_letters_are_put_on_a_blank_wall() -> None:
    dice = torch.Generator().manual_seed(0)
    wall = 0.3 + 0.02 * torch.randn(1, 3, 160, 160, generator=dice)
    hole, blank = square_hole(160, 20, 90), torch.full((1, 3, 160, 160), 0.3)
    letters = wall.clone()
    letters[..., 40:70, 40:70] += 0.8 * torch.ones(15, 15).tril().repeat(2, 2)
    trust = _trust_texture(wall, hole, letters)
    assert trust[48:62, 48:62].max() < 0.1
    assert trust[22:30, 22:88].min() > 0.9
    # A fence that goes on is as loud as the one beside the hole; a blank wall needs nothing.
    assert _trust_texture(fence(), hole, fence())[20:90, 20:90].min() > 0.9
    assert not _trust_texture(blank, hole, blank)[20:90, 20:90].any()


def test_a_patch_that_is_known_in_the_mirror_alone_is_found() -> None:
    picture = 0.1 * torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(1))
    slope = torch.linspace(-1, 1, PATCH_PX).expand(1, 3, PATCH_PX, PATCH_PX)
    picture[..., 4:12, 4:12] = slope
    picture[..., 28:36, 28:36] = slope.flip(-1)
    hole = torch.zeros(1, 1, 48, 48)
    hole[..., 28:36, 28:36] = 1
    search = PatchSearch(picture, hole, picture)
    targets = search.cut_targets(picture)
    number = (search.corners == torch.tensor([28, 28])).all(1).nonzero().item()
    match = search.search_all(targets)[int(number)]
    assert match.tolist() == [1, 4, 48 - PATCH_PX - 4]
    part = torch.tensor([number])
    assert float(search.compare(targets[part], match[None], part)) == pytest.approx(0, abs=1e-5)


def test_neighbours_are_continued_to_where_they_fit() -> None:
    truth, hole = fence(96), square_hole(96, 36, 60)
    search = PatchSearch(truth, hole, truth)
    targets = search.cut_targets(truth)
    all_wrong = torch.zeros(len(targets), 3, dtype=torch.long)
    best = search.search_all(targets)
    seed = all_wrong.clone()
    seed[len(seed) // 2] = best[len(seed) // 2]
    before = search.compare(targets, all_wrong, torch.arange(len(targets)))
    matches, after = search.improve(targets, seed)
    assert (after <= 1.3 * before + 1e-6).all()
    assert float(after.mean()) < 0.6 * float(before.mean())
    inside = search.is_source[tuple(matches.T)]
    assert inside.all()
