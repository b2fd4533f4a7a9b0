"""Holes from mask files: where they come from, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from remend.models.checkpoints.registry import build_network
from remend.models.errors import RequestError
from remend.training.data.holes.mask_files import load_mask_files
from remend.training.engine.run_card import generator_card
from remend.training.engine.run_state import RunState
from remend.training.recipe.parse import parse_recipe


def save(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(values.astype(np.uint8)).save(path)


def test_a_hole_is_a_window_of_a_mask_and_never_empty(tmp_path: Path) -> None:
    bars = np.zeros((90, 120))
    bars[:, ::30] = 255  # vertical lines, one pixel wide
    save(tmp_path / "dust" / "a.png", bars)
    random = torch.Generator().manual_seed(0)
    holes = load_mask_files(str(tmp_path / "dust")).sample(64, 32, random)
    assert holes.shape == (64, 1, 32, 32) and set(holes.unique().tolist()) == {0.0, 1.0}
    assert (holes.mean((1, 2, 3)) > 0).all()
    for hole in holes[:, 0]:
        columns = hole.any(0).nonzero().flatten()
        assert len(columns) in (1, 2) and (len(columns) == 1 or columns[1] - columns[0] == 30)
        rows = hole[:, columns[0]]
        assert (
            rows.sum() > 0 and (rows.diff() > 0).sum() <= 1
        )  # whole lines, cut at the mask's edge alone
    again = load_mask_files(str(tmp_path / "dust")).sample(64, 32, torch.Generator().manual_seed(0))
    assert torch.equal(holes, again)


def test_masks_that_will_not_do(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="holds no masks"):
        load_mask_files(str(tmp_path))
    save(tmp_path / "full" / "a.png", np.full((40, 40), 255))
    with pytest.raises(RequestError, match="marks 100% of its pixels"):
        load_mask_files(str(tmp_path / "full"))
    save(tmp_path / "empty" / "a.png", np.zeros((40, 40)))
    with pytest.raises(RequestError, match="marks 0% of its pixels"):
        load_mask_files(str(tmp_path / "empty"))


def test_a_card_names_the_masks_and_no_folder_of_this_machine() -> None:
    recipe = parse_recipe(
        {
            "task": "fill",
            "architecture": "inpaint",
            "images": 8,
            "holes": {"masks": "some/where/dust"},
        }
    )
    generator = build_network("inpaint", {"width": 8, "coarse_width": 8})
    card = generator_card(
        recipe, RunState(8), generator, torch.device("cpu"), sources={}, class_names=[]
    )
    assert card.run["recipe"]["holes"]["masks"] == "dust"
