"""What is made of a damage network's logits: masks, pieces, counts; tiles agree with the whole."""

import dataclasses
import itertools

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from remend.models.checkpoints.card import Card
from remend.models.checkpoints.registry import build_network
from remend.models.device import Placement
from remend.models.generators.damage import GROUPS, Group
from remend.models.imaging.picture import Picture
from remend.models.inference import damage as module
from remend.models.inference.damage import DamageFinder, DamageMap
from remend.models.progress import Cancelled, Progress

FP32 = Placement(torch.device("cpu"), torch.float32, "")
CARD = Card("damage", "damage", {})


class Bright(nn.Module):
    """Takes white pixels for lines, black ones for patches and red ones for stains."""

    multiple = 32

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, image: Tensor) -> Tensor:
        self.seen.append(image)
        light, red = image.mean(1, keepdim=True), image[:, :1] - image[:, 1:2]
        return torch.cat((40 * (light - 0.8), 40 * (-0.8 - light), 40 * (red - 0.8)), 1)


def map_of(values: np.ndarray, group: Group = "lines") -> DamageMap:
    """A map in which only damage of one group is probable."""
    probabilities = np.zeros((len(GROUPS), *values.shape), np.uint8)
    probabilities[GROUPS.index(group)] = values
    return DamageMap(values.shape[::-1], probabilities)


def test_each_group_is_found_in_a_photo_of_any_size():
    pixels = np.full((70, 101, 3), 120, np.uint8)
    pixels[10:12, 5:90], pixels[40:54, 20:40] = 255, 0
    pixels[20:30, 60:80] = (230, 40, 40)
    mask = DamageFinder(Bright(), CARD, FP32).look(Picture(pixels)).mask(0.5).values > 0
    assert mask.shape == (70, 101)
    assert mask[10:12, 5:90].all()
    assert mask[40:54, 20:40].all()
    assert mask[20:30, 60:80].all()
    assert mask.mean() < 0.18


def test_the_mirror_image_is_looked_at_too():
    pixels = np.random.default_rng(4).integers(0, 256, (24, 41, 3), np.uint8)
    network = Bright()
    DamageFinder(network, CARD, FP32).look(Picture(pixels))
    plain, mirrored = network.seen[:2]
    assert plain.shape[-2:] == (32, 64)
    assert torch.equal(mirrored.flip(3), plain)


def test_what_is_seen_in_both_looks_is_averaged():
    class Left(Bright):
        def forward(self, image: Tensor) -> Tensor:
            logits = torch.full((1, 3, *image.shape[-2:]), -4.0)
            logits[..., : image.shape[3] // 2] = 6.0
            return logits

    pixels = np.zeros((32, 64, 3), np.uint8)
    found = DamageFinder(Left(), CARD, FP32).look(Picture(pixels)).probabilities
    assert np.ptp(found[0]) == 0
    assert found[0, 0, 0] == pytest.approx(255 * 0.731, abs=1)  # a logit of 1 everywhere


def test_tiles_agree_with_the_whole(monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(0)
    network = build_network("damage", {"norm": "none"}).eval()
    picture = Picture(np.random.default_rng(0).integers(0, 256, (352, 448, 3), np.uint8))
    finder = DamageFinder(network, CARD, FP32)  # type: ignore[arg-type]
    whole = finder.look(picture).probabilities
    monkeypatch.setattr(module, "_CORE_PX", 96)
    tiled = finder.look(picture).probabilities
    assert np.abs(whole.astype(int) - tiled).max() <= 1


def test_a_large_photo_is_looked_at_reduced_and_masked_in_full(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "LOOK_PX", 100)
    pixels = np.full((150, 200, 3), 120, np.uint8)
    pixels[50:60] = 255
    found = DamageFinder(Bright(), CARD, FP32).look(Picture(pixels))
    assert found.probabilities.shape == (3, 75, 100)
    mask = found.mask(0.5).values > 0
    assert mask.shape == (150, 200)
    assert mask[50:60].all()


def test_sixteen_bits_give_the_same_mask():
    pixels = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    finder = DamageFinder(Bright(), CARD, FP32)
    deep = Picture(pixels.astype(np.uint16) * np.uint16(257))
    assert np.array_equal(
        finder.look(Picture(pixels)).mask(0.5).values, finder.look(deep).mask(0.5).values
    )


def test_a_more_sensitive_mask_holds_the_less_sensitive_one():
    values = np.random.default_rng(2).integers(0, 256, (60, 60)).astype(np.uint8)
    masks = [map_of(values).mask(level).values > 0 for level in (0.0, 0.3, 0.5, 0.8, 1.0)]
    for less, more in itertools.pairwise(masks):
        assert not (less & ~more).any()
    assert masks[0].sum() < masks[-1].sum()


def test_a_faint_end_is_followed_and_faint_things_alone_are_not():
    values = np.zeros((50, 80), np.uint8)
    values[10, 5:30], values[10, 30:60] = 250, 60
    values[40, 5:60] = 60
    mask = map_of(values).mask(0.5).values > 0
    assert mask[10, 5:60].all()
    assert not mask[40].any()


def test_pieces_are_counted_and_found_by_a_point():
    lines = np.zeros((100, 200), np.uint8)
    cv2.line(lines, (10, 10), (180, 60), 255, 1)
    lines[80:83, 20:23] = lines[90:92, 150:152] = 255
    found = map_of(lines)
    count = found.mask_and_count(0.5)[1]
    assert (count.scratches, count.spots) == (1, 2)
    assert count.share == pytest.approx(np.count_nonzero(lines) / lines.size)
    scratch = found.piece_at(95, 36).values > 0
    assert scratch[10, 10]
    assert scratch[60, 180]
    assert not scratch[80:, :].any()
    assert found.piece_at(199, 99).is_empty


def test_a_patch_that_takes_much_of_the_photo_is_no_damage():
    for side, is_found in ((10, True), (50, False)):
        patches = np.zeros((100, 100), np.uint8)
        patches[:side, :side] = 255
        assert map_of(patches, "patches").mask(0.5).is_empty != is_found


def test_nothing_is_found_in_nothing():
    empty = map_of(np.zeros((1, 1), np.uint8))
    assert empty.mask(1.0).is_empty
    assert dataclasses.astuple(empty.mask_and_count(1.0)[1]) == (0, 0, 0.0)
    assert (
        DamageFinder(Bright(), CARD, FP32)
        .look(Picture(np.full((1, 1, 3), 120, np.uint8)))
        .mask(0.5)
        .is_empty
    )


def test_looking_can_be_cancelled():
    class Stop(Progress):
        def update(self, done: float, total: float, note: str = "") -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        DamageFinder(Bright(), CARD, FP32).look(
            Picture(np.zeros((8, 8, 3), np.uint8)), progress=Stop()
        )
