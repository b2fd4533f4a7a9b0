"""The audit on real files: what is broken, small or there twice is found, what only looks alike is kept."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from remend.models.errors import RequestError
from remend.training.data.audit import Audit
from remend.training.data.photo_store import PhotoStore


def load(folder: Path, min_side: int = 64) -> tuple[Audit, PhotoStore]:
    audit = Audit(min_side)
    return audit, PhotoStore.load([folder], min_side=min_side, inspect=audit)


@pytest.fixture
def album(tmp_path: Path, photo_files: Sequence[Path]) -> Path:
    """Five photos, reduced."""
    folder = tmp_path / "album"
    folder.mkdir()
    for file in photo_files[1:]:
        with Image.open(file) as photo:
            photo.convert("RGB").resize((240, 180)).save(folder / f"{file.stem}.png")
    return folder


def test_good_photos_are_counted_and_kept(album: Path) -> None:
    audit, photos = load(album)
    assert len(photos) == 5 and photos.skipped == []
    assert audit.summary == "5 of 5 pictures can be used, shorter side 180 to 180 px (median 180)."
    audit.refuse_too_few()


def test_each_kind_of_bad_picture_is_left_out_and_named(album: Path) -> None:
    first, second, third, *_ = sorted(album.glob("*.png"))
    (album / "x-broken.png").write_bytes(first.read_bytes()[:2000])
    (album / "x-copy.png").write_bytes(first.read_bytes())
    with Image.open(second) as photo:
        photo.resize((120, 90)).save(album / "x-near.jpg", quality=70)
    with Image.open(third) as photo:
        photo.resize((40, 30)).save(album / "x-tiny.png")
    Image.new("RGB", (100, 100), (7, 8, 9)).save(album / "x-blank.png")
    (album / "notes.txt").write_text("no picture")
    audit, photos = load(album)
    assert len(photos) == 5
    assert audit.summary.startswith("5 of 10 pictures can be used")
    assert audit.summary.endswith(
        "left out: 1 unreadable, 1 too small, 1 copy, 1 near copy, 1 of one colour."
    )
    for name, reason in (
        ("x-broken.png", "damaged"),
        ("x-copy.png", f"same pixels as {first}"),
        ("x-near.jpg", f"nearly the same picture as {second}"),
        ("x-tiny.png", "30 px"),
        ("x-blank.png", "single colour"),
    ):
        assert sum(name in line and reason in line for line in photos.skipped) == 1, name


def test_neighbours_of_a_scene_and_pages_of_text_are_no_copies(tmp_path: Path, album: Path) -> None:
    folder = tmp_path / "alike"
    folder.mkdir()
    with Image.open(next(album.glob("*.png"))) as photo:
        for left in (0, 20, 40):
            photo.crop((left, 0, left + 200, 180)).save(folder / f"pan-{left}.png")
    random = np.random.default_rng(0)
    for number in range(3):
        page = Image.new("RGB", (200, 260), "white")
        for line in range(10, 250, 14):
            words = " ".join("".join(random.choice([*"abemnor"], 5)) for _ in range(6))
            ImageDraw.Draw(page).text((10, line), words, "black")
        page.save(folder / f"page-{number}.png")
    audit, photos = load(folder)
    assert len(photos) == 6, photos.skipped
    assert audit.copies == audit.near_copies == 0


def test_too_few_are_hopeless(album: Path) -> None:
    files = sorted(album.glob("*.png"))
    for file in files[3:]:
        file.write_bytes(files[0].read_bytes())
    audit, _ = load(album)
    with pytest.raises(RequestError, match=r"Too few photos.*3 of 5 .*2 copies.*At least 4"):
        audit.refuse_too_few()
