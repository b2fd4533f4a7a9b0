"""Real pairs: which pictures belong together, how they are laid pixel on pixel, and crops of both."""

import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from remend.models.checkpoints.registry import build_network
from remend.models.errors import RequestError
from remend.models.imaging.picture import Pixels
from remend.training.data.audit import Audit
from remend.training.data.pairs.aligning import Pair, align, details, find_transform
from remend.training.data.pairs.matching import LowPhotos
from remend.training.data.photo_store import PhotoStore
from remend.training.data.sources import PhotoLocation, locate_photos
from remend.training.engine.run_card import generator_card
from remend.training.engine.run_state import RunState
from remend.training.engine.tasks.upscale import UpscaleTask
from remend.training.recipe.contradictions import advice
from remend.training.recipe.parse import parse_recipe

UPSCALE = {"task": "upscale", "architecture": "upscale", "images": 8}


def scene(seed: int, height: int = 240, width: int = 320) -> Pixels:
    """Something to see at all sizes: clouds of coloured cells."""
    random = torch.Generator().manual_seed(seed)
    total = torch.zeros(1, 3, height, width)
    for cells in (6, 24, 96):
        grid = torch.randn(1, 3, cells, cells, generator=random)
        total += F.interpolate(grid, (height, width), mode="bicubic")
    return (128 + 40 * total[0].permute(1, 2, 0)).clamp(0, 255).byte().numpy()


def reduce(picture: Pixels, scale: int) -> Pixels:
    """Means of scale x scale pixels."""
    size = picture.shape[1] // scale, picture.shape[0] // scale
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def other_camera(picture: Pixels, scale: int, shift: tuple[float, float], degrees: float) -> Pixels:
    """The same thing by a process that no recipe knows: moved, turned, blurred, darker, yellower."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    matrix[:, 2] += shift
    moved = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    small = reduce(np.asarray(cv2.GaussianBlur(moved, (0, 0), 1.5), np.uint8), scale) / 255
    return (255 * small**1.2 * (0.95, 0.9, 0.7)).round().astype(np.uint8)


def save(path: Path, picture: Pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)


def test_a_shift_by_whole_pixels_of_the_photo_is_cut_and_not_resampled() -> None:
    whole = scene(0, 260, 340)
    high, low = (
        whole[4:244, 12:332],
        reduce(whole[:240, 6:326], 2),
    )  # 6 right and 4 down of its place
    pair = align(high, low, 2)
    assert isinstance(pair, Pair)
    assert pair.low.shape == (118, 157, 3) and pair.high.shape == (236, 314, 3)
    assert np.array_equal(pair.low, low[2:, 3:])
    assert np.array_equal(pair.low, reduce(pair.high, 2))


@pytest.mark.parametrize("degrees", [0.0, 0.3])
def test_another_camera_is_laid_on_the_photo_to_a_tenth_of_a_pixel(degrees: float) -> None:
    high = scene(1)
    pair = align(high, other_camera(high, 2, (-5.3, 8.7), degrees), 2)
    assert isinstance(pair, Pair)
    height, width = pair.low.shape[:2]
    assert pair.high.shape == (2 * height, 2 * width, 3) and min(height, width) > 100
    matrix = find_transform(details(reduce(pair.high, 2), 1), details(pair.low, 1))
    assert not isinstance(matrix, str)
    corners = np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
    assert np.abs(matrix @ corners - corners[:2]).max() < 0.15


def test_what_cannot_be_laid_on_each_other_is_refused_with_the_reason() -> None:
    high = scene(2)
    other, flat = reduce(scene(3), 2), np.full((120, 160, 3), 90, np.uint8)
    for low in (other, flat):
        found = align(high, low, 2)
        assert isinstance(found, str) and "do not show the same thing" in found
    whole = scene(4, 400, 400)
    found = align(whole[:320, :320], reduce(whole[:320, 70:390], 2), 2)
    assert isinstance(found, str) and "they lie 35 px apart, and at most 32 px" in found


def test_pairs_are_matched_by_name_as_masks_are(tmp_path: Path) -> None:
    names = (
        "a.png",
        "a.jpg",
        "b.jpg.png",
        "b.png",
        "c.jpg",
        "dx2.png",
        "e_x2.webp",
        "s/f.png",
        "t/f.png",
    )
    for name in names:
        save(tmp_path / "low" / name, np.zeros((8, 8, 3), np.uint8))
    lows = LowPhotos(tmp_path / "low", 2)

    def found(name: str, folder: str = "high") -> str:
        partner = lows.find(PhotoLocation(tmp_path / folder / name, name, ""))
        if isinstance(partner, str):
            return partner
        return str(partner.file.relative_to(tmp_path / "low"))

    photos = ("a.webp", "b.jpg", "b.webp", "c.png", "d.png", "e.jpg")
    assert [found(name) for name in photos] == [
        "a.png",
        "b.jpg.png",
        "b.png",
        "c.jpg",
        "dx2.png",
        "e_x2.webp",
    ]
    assert found("f.png", "high/t") == "t/f.png"
    assert "could both be its; leave one of them out" in found("f.png")
    assert found("z.jpg").endswith("has no low-resolution picture for it; call it z.png")
    (tmp_path / "none").mkdir()
    with pytest.raises(RequestError, match="holds no pictures; give the folder of the low-res"):
        LowPhotos(tmp_path / "none", 2)


def test_a_folder_with_bad_pairs_names_each_and_goes_on(tmp_path: Path) -> None:
    for number, name in enumerate("abcd"):
        save(tmp_path / "high" / f"{name}.png", scene(number))
    save(tmp_path / "low" / "a.png", reduce(scene(0), 2))
    save(tmp_path / "low" / "b.png", reduce(scene(1), 4))
    save(tmp_path / "low" / "c.png", reduce(scene(0), 2))
    audit = Audit(64)
    lows = LowPhotos(tmp_path / "low", 2)
    store = PhotoStore.load([tmp_path / "high"], min_side=64, lows=lows, inspect=audit)
    assert store.names == ["a"]
    sizes, other, missing = store.skipped
    assert "b.png was left out: it has 320x240 px and " in sizes
    assert "low/b.png 80x60 px; that is x4.00, and x2 is trained" in sizes
    assert "c.png does not lie on it: they do not show the same thing" in other
    assert "has no low-resolution picture for it; call it d.png." in missing
    assert audit.summary.startswith("1 of 4 pictures") and "3 without a partner." in audit.summary
    (tmp_path / "high" / "a.png").unlink()
    with pytest.raises(
        RequestError, match=r"None of the 3 pictures .* can be used; the first: .*x4.00"
    ):
        PhotoStore.load([tmp_path / "high"], min_side=64, lows=lows)


@pytest.fixture
def paired(tmp_path: Path) -> PhotoStore:
    """Three photos with pictures of half their size that are off by nothing but a tint."""
    for number, name in enumerate("abc"):
        high = scene(number, 200 + 8 * number, 160)
        save(tmp_path / "high" / f"{name}.png", high)
        save(tmp_path / "low" / f"{name}.png", reduce(high, 2) // 2)
    lows = LowPhotos(tmp_path / "low", 2)
    return PhotoStore.load([tmp_path / "high"], min_side=64, lows=lows)


def test_crops_of_a_pair_are_of_one_place_and_turned_alike(paired: PhotoStore) -> None:
    kept, held = paired.split(1, seed=0)
    assert (
        held.scale == 2 and paired.nbytes == sum(200 + 8 * n for n in range(3)) * 160 * 3 * 5 // 4
    )
    for store in (kept, held):
        high, low = store.pair_crops(32, 48, torch.Generator().manual_seed(3))
        assert high.shape == (32, 3, 48, 48) and low.shape == (32, 3, 24, 24)
        assert (F.avg_pool2d(high.float(), 2) / 2 - low).abs().max() <= 1
        assert len({tuple(crop.flatten()[:9].tolist()) for crop in high}) == 32


def test_other_low_pictures_are_another_training_set(paired: PhotoStore, tmp_path: Path) -> None:
    before = paired.fingerprint()
    save(tmp_path / "low" / "b.png", reduce(scene(1, 208, 160), 2))
    lows = LowPhotos(tmp_path / "low", 2)
    after = PhotoStore.load([tmp_path / "high"], min_side=64, lows=lows)
    assert after.names == paired.names and after.fingerprint() != before


@pytest.mark.parametrize("denoise", [False, True])
def test_the_task_takes_its_inputs_from_the_pairs(paired: PhotoStore, *, denoise: bool) -> None:
    generator = {"scale": 2, "denoise": denoise, "blocks": 1}
    data = {"pairs": "some/where/low", "crop": 48, "batch": 4}
    recipe = parse_recipe({**UPSCALE, "generator": generator, "data": data})
    batch = UpscaleTask(recipe).draw(paired, torch.Generator().manual_seed(0), 48)
    tinted = (F.avg_pool2d(batch.target, 2) + 1) / 2 - 1
    assert (batch.inputs[0] - tinted).abs().max() < 0.02
    assert len(batch.inputs) == 1 + denoise and batch.kept_noise is None
    assert "data.pairs; [degradation] and data.half_share change nothing" in advice(recipe)[0]
    network = build_network("upscale", recipe.generator)
    card = generator_card(
        recipe, RunState(8), network, torch.device("cpu"), sources={}, class_names=()
    )
    assert card.run["recipe"]["data"]["pairs"] == "low"  # and no folder of this machine


def test_pairs_are_for_upscaling() -> None:
    with pytest.raises(
        RequestError, match=r"data\.pairs = 'low' is for the task upscale, and fill"
    ):
        parse_recipe(
            {"task": "fill", "architecture": "inpaint", "images": 8, "data": {"pairs": "low"}}
        )


def test_pictures_in_a_shard_are_pairs_too(paired: PhotoStore, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "low.tar", "w") as archive:
        archive.add(tmp_path / "low", "low")
    (location, *_) = locate_photos([tmp_path / "high"])
    pair = LowPhotos(tmp_path / "low.tar", 2).decode(location)
    assert isinstance(pair, Pair) and pair.low.shape == (100, 80, 3)
    assert len(paired) == 3
