"""Facts about the shapes that holes are made of: they lie where geometry says."""

import math

import pytest
import torch

from remend.training.data.shapes import (
    PAGE,
    PAGES,
    curves,
    distance,
    grid,
    refine,
    stamp,
    text_pages,
    trace,
)


def test_a_capsule_is_where_geometry_says():
    size, step = 64, 4
    begin = torch.tensor([[[12.3, 20.7], [40.0, 50.0]]])
    along = torch.tensor([[[30.0, 10.0], [1e-3, 0.0]]])
    radius, grow = torch.tensor([[6.0, 9.0]]), torch.tensor([[0.0, 0.0]])
    drawn = refine(distance(begin, along, radius, grow, size, step), size, step)
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    px, py = x - 12.3, y - 20.7
    t = ((px * 30 + py * 10) / 1000).clamp(0, 1)
    exact = torch.minimum(
        torch.hypot(px - 30 * t, py - 10 * t) - 6, torch.hypot(x - 40, y - 50) - 9
    )
    assert (drawn[0, 0][exact < -0.5] == 1).all()
    assert (drawn[0, 0][exact > 0.5] == 0).all()


def test_a_coarse_grid_lies_on_the_pixels():
    plane = grid(50, 4, torch.device("cpu")) - 20.25
    drawn = refine(plane.expand(1, len(plane), -1), 50, 4)
    assert drawn.shape == (1, 1, 50, 50)
    assert drawn[0, 0].sum(dim=1).eq(21).all()  # pixels 0 to 20


@pytest.mark.parametrize("width", range(1, 7))
def test_a_pen_is_as_wide_as_it_says(width: int):
    hole = trace(torch.tensor([[[10.0, 12.0]]]), torch.tensor([[width]]), 24)[0, 0]
    assert hole.any(0).sum() == width and hole.any(1).sum() == width
    assert abs(hole.sum() - math.pi * width**2 / 4) <= 4
    assert hole[12, 10] == 1
    assert max(pen for _, _, pen in stamp(6)) == 6


def test_a_pen_at_the_edge_is_cut_and_one_outside_draws_nothing():
    points = torch.tensor([[[0.0, 0.0]], [[-50.0, 3.0]], [[23.0, 40.0]]])
    holes = trace(points, torch.tensor([[5], [5], [5]]), 24)
    assert holes[0].sum() == 8  # the quarter of a disc of 21 px that is inside, axes included
    assert holes[1:].sum() == 0


def test_a_curve_without_sway_is_a_straight_line_of_its_length():
    line = curves(
        torch.tensor([[[30.0, 40.0]]]),
        torch.tensor([[math.atan2(3, 4)]]),
        torch.tensor([[50.0]]),
        torch.zeros(1, 1, 2),
        points=11,
    )[0, 0]
    assert torch.allclose(line[0], torch.tensor([10.0, 25.0]), atol=1e-4)
    assert torch.allclose(line[5], torch.tensor([30.0, 40.0]), atol=1e-4)
    assert torch.allclose(line[10], torch.tensor([50.0, 55.0]), atol=1e-4)


def test_pages_hold_ink_and_paper_everywhere():
    pages = text_pages(torch.device("cpu"))
    assert pages.shape == (PAGES, PAGE, PAGE) and pages.dtype == torch.bool
    ink = pages.float().view(PAGES, 4, PAGE // 4, 4, PAGE // 4).mean((2, 4))
    assert ink.min() > 0.005 and ink.max() < 0.4
    half = PAGES // 2
    assert ink[half:].mean() > 2 * ink[:half].mean()  # lines after single words
