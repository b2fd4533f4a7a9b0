"""Which photos and masks are meant: files, folders, patterns, lists."""

from pathlib import Path

import pytest

from remend.app.batch.inputs import find_inputs, match_masks
from remend.app.batch.plan import (
    Naming,
    make_plan,
)
from remend.models.errors import RequestError
from tests.helpers.batches import pairs, plan_of, touch


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_one_photo_to_a_file_or_into_a_folder():
    touch("a.jpg")
    assert pairs(plan_of("a.jpg", out="b.png")) == {"a.jpg": "b.png"}
    assert pairs(plan_of("a.jpg", out="out")) == {"a.jpg": "out/a.jpg"}
    Path("c.png").mkdir()
    assert pairs(plan_of("a.jpg", out="c.png")) == {"a.jpg": "c.png/a.jpg"}


def test_a_folder_keeps_its_tree():
    touch("in/a.jpg", "in/deep/b.png", "in/deep/a.jpg", "in/notes.txt", "in/._a.jpg")
    assert pairs(plan_of("in")) == {"in/a.jpg": "out/a.jpg"}
    assert pairs(plan_of("in", recursive=True)) == {
        "in/a.jpg": "out/a.jpg",
        "in/deep/a.jpg": "out/deep/a.jpg",
        "in/deep/b.png": "out/deep/b.png",
    }


def test_a_named_file_is_tried_whatever_its_name():
    touch("scan", "notes.txt")
    assert pairs(plan_of("scan", "notes.txt")) == {
        "scan": "out/scan.png",
        "notes.txt": "out/notes.png",
    }


def test_patterns_match_pictures_only():
    touch("in/a.jpg", "in/b.png", "in/notes.txt", "in/[1].jpg")
    assert set(pairs(plan_of("in/*"))) == {"in/a.jpg", "in/b.png", "in/[1].jpg"}
    assert set(pairs(plan_of("in/[1].jpg"))) == {"in/[1].jpg"}
    assert plan_of("in/*.png").is_batch
    with pytest.raises(RequestError, match=r"in/\*\.tif matches no picture"):
        plan_of("in/*.tif")


def test_a_list_names_files_and_folders():
    touch("a.jpg", "with space.png", "in/b.jpg")
    listed = ["a.jpg\n", "with space.png\r\n", "\n", "in"]
    assert pairs(plan_of("-", listed=listed)) == {
        "a.jpg": "out/a.jpg",
        "with space.png": "out/with space.png",
        "in/b.jpg": "out/b.jpg",
    }
    with pytest.raises(RequestError, match="There is no input"):
        plan_of("-")
    with pytest.raises(RequestError, match=r"\*\.jpg does not exist"):
        plan_of("-", listed=["*.jpg"])


def test_a_photo_named_twice_is_done_once(here: Path):
    touch("a.jpg")
    assert len(plan_of("a.jpg", "./a.jpg", str(here / "a.jpg"), "*.jpg").jobs) == 1
    touch("in/b.jpg")
    assert len(plan_of("in", "in/b.jpg", "in").jobs) == 1


def test_what_is_missing_or_empty_is_refused():
    touch("in/notes.txt", "in/deep/a.jpg")
    with pytest.raises(RequestError, match=r"none\.jpg does not exist"):
        plan_of("none.jpg")
    with pytest.raises(RequestError, match=r"in holds no pictures; .* search its subfolders too"):
        plan_of("in")
    assert len(plan_of("in", recursive=True).jobs) == 1


def test_outputs_inside_the_input_folder_are_not_read_again():
    touch("in/a.jpg", "in/out/a.jpg")
    assert pairs(plan_of("in", out="in/out", recursive=True)) == {"in/a.jpg": "in/out/a.jpg"}


def test_a_suffix_marks_what_an_earlier_run_made_beside_its_inputs():
    touch("in/a.jpg", "in/a-big.jpg")
    assert pairs(plan_of("in", out="in", suffix="-big")) == {"in/a.jpg": "in/a-big.jpg"}


def masks_of(mask: str, *photos: str) -> dict[str, str | None]:
    matched = match_masks([Path(photo) for photo in photos], Path(mask))
    return {photo.as_posix(): mask and mask.as_posix() for photo, mask in matched.items()}


def test_masks_match_by_stem():
    touch("in/a.jpg", "in/b.jpg", "in/c.jpg", "in/d.jpg")
    touch("m/a.png", "m/b.mask.png", "m/b.png", "m/c.tif", "m/c.png", "m/e.png")
    assert masks_of("m", "in/a.jpg", "in/b.jpg", "in/c.jpg", "in/d.jpg") == {
        "in/a.jpg": "m/a.png",
        "in/b.jpg": "m/b.mask.png",
        "in/c.jpg": "m/c.png",
        "in/d.jpg": None,
    }
    assert masks_of("m/a.png", "in/a.jpg", "in/b.jpg") == dict.fromkeys(
        ["in/a.jpg", "in/b.jpg"], "m/a.png"
    )


def test_a_mask_with_the_whole_name_of_its_photo_comes_first():
    touch("in/a.jpg", "in/a.png", "m/a.png", "m/a.png.png")
    assert masks_of("m", "in/a.jpg", "in/a.png") == {
        "in/a.jpg": "m/a.png",
        "in/a.png": "m/a.png.png",
    }


def test_masks_beside_their_photos():
    touch("in/a.jpg", "in/a.mask.png", "in/b.png", "in/c.jpg", "in/c.png", "in/m.png")
    found = find_inputs(["in"], output=Path("out"), mask=Path("in/m.png"))
    names = [photo.as_posix() for photo, _ in found.photos]
    assert names == ["in/a.jpg", "in/b.png", "in/c.jpg", "in/c.png"]
    assert masks_of("in", *names) == {
        "in/a.jpg": "in/a.mask.png",
        "in/b.png": None,
        "in/c.jpg": None,
        "in/c.png": None,
    }


def test_no_mask_at_all_is_refused():
    touch("a.jpg", "m/b.png")
    with pytest.raises(RequestError, match=r"m/none\.png does not exist"):
        masks_of("m/none.png", "a.jpg")
    with pytest.raises(RequestError, match=r"no mask for a\.jpg; .* a\.mask\.png, or a\.png in"):
        masks_of("m", "a.jpg")


def test_a_mask_is_not_written_over():
    touch("a.jpg", "m/a.png")
    found = find_inputs(["a.jpg"], output=Path("m/a.png"))
    with pytest.raises(RequestError, match=r"m/a\.png is an input"):
        make_plan(found, Path("m/a.png"), Naming(), match_masks([Path("a.jpg")], Path("m")))
