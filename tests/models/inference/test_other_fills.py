"""Networks of other makers fill with our crops at the sizes they like, and beside ours."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from remend.models.checkpoints.card import Card
from remend.models.device import Placement
from remend.models.imaging.picture import Mask, Picture
from remend.models.inference.contracts import FillTraits
from remend.models.inference.inpainter import FillOptions, Inpainter
from remend.models.inference.known.texture_transfer import transfer_texture
from remend.models.inference.regions import WorkSizes, plan_regions
from remend.models.inference.spandrel_adapter import LAMA, Outputs

FP32 = Placement(torch.device("cpu"), torch.float32, "tests are exact")


class Painter(nn.Module):
    """Fills holes with one colour and remembers how large they were."""

    multiple, copies_texture = 1, False

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value, self.seen = value, list[tuple[int, int, int]]()

    def at_detail(self, _detail: float) -> "Painter":
        return self

    def forward(self, image: Tensor, mask: Tensor) -> Outputs:
        rows = int((mask[0, 0].amax(1) > 0).sum())
        self.seen.append((image.shape[-2], image.shape[-1], rows))
        filled = torch.where(mask > 0, self.value, image)
        return Outputs(filled, filled)


def inpainter(value: float, name: str, traits: FillTraits | None = None) -> Inpainter:
    card = Card("fill", "painter", {}, name=name)
    return Inpainter(Painter(value), card, FP32, *([traits] if traits else []))


def photo(height: int, width: int) -> Picture:
    dice = np.random.default_rng(0)
    return Picture(dice.integers(0, 256, (height, width, 3), dtype=np.uint8))


def test_a_network_sees_holes_at_the_size_it_likes():
    values = np.zeros((1400, 4200), np.uint8)
    values[200:1200, 1600:2600] = 255
    ours, theirs = inpainter(0.0, "ours"), inpainter(0.0, "theirs", LAMA)
    for restorer in (ours, theirs):
        restorer.fill_patches(photo(1400, 4200), Mask(values), FillOptions(detail=0))
    (small,), (large,) = ours.network.seen, theirs.network.seen  # pyright: ignore[reportAttributeAccessIssue]
    assert max(small[:2]) <= 512 and small[2] == pytest.approx(128, rel=0.06)
    assert max(large[:2]) <= 768 and large[2] == pytest.approx(300, rel=0.06)


@pytest.mark.parametrize("sizes", [WorkSizes(512, 128), WorkSizes(768, 300), WorkSizes(512, 200)])
def test_every_region_fits(sizes: WorkSizes):
    values = np.zeros((3000, 4000), np.uint8)
    values[100:2900, 1000:1030] = 255  # a scratch
    values[500:2100, 1500:3600] = 255  # a large hole
    values[2500:2520, 200:220] = 255  # a speck
    for thick in (None, sizes):
        regions = plan_regions(Mask(values), sizes, thick)
        assert all(region.fits for region in regions)
        covered = sum(int((values[region.hole.slices] > 0).sum()) for region in regions)
        assert covered == int((values > 0).sum())


def test_thick_holes_go_to_the_other_network():
    values = np.zeros((600, 900), np.uint8)
    values[40:560, 100:106] = 255
    values[200:400, 500:700] = 255
    thin, thick = inpainter(-1.0, "fill"), inpainter(1.0, "big-lama", LAMA)
    filled = thin.restore(photo(600, 900), Mask(values), FillOptions(detail=0), thick=thick)
    assert (filled.rgb[200:400, 500:700] == 255).all()
    assert (filled.rgb[40:560, 100:106] == 0).all()
    assert (filled.rgb[values == 0] == photo(600, 900).rgb[values == 0]).all()
    (note,) = filled.meta.notes
    assert note.startswith("Filled: 1 thick hole by big-lama and ") and note.endswith("by fill.")


def test_texture_of_its_own_stays_and_what_the_reduction_took_is_copied():
    torch.manual_seed(0)
    whole = torch.rand(1, 3, 120, 120) * 2 - 1
    hole = torch.zeros(1, 1, 120, 120)
    hole[..., 30:90, 30:90] = 1
    fill = torch.rand(1, 3, 120, 120) * 2 - 1
    kept = transfer_texture(whole, hole, fill, hole, has_texture=True)
    assert torch.equal(kept, fill)
    replaced = transfer_texture(whole, hole, fill, hole)
    assert (replaced - fill).abs().max() > 0.5
    whole, hole = torch.rand(1, 3, 240, 240) * 2 - 1, torch.zeros(1, 1, 240, 240)
    hole[..., 150:210, 150:210] = 1
    small, small_hole = torch.zeros(1, 3, 120, 120), hole[..., ::2, ::2]
    plain = transfer_texture(whole, hole, small, small_hole, 0, has_texture=True)
    copied = transfer_texture(whole, hole, small, small_hole, 1, has_texture=True)
    assert plain.std() == 0 and copied[..., 150:210, 150:210].std() > 0.3
