"""Plans: which file becomes which, and what is refused before any work."""

import os
from pathlib import Path

import pytest

from remend.app.batch.plan import (
    Naming,
    check_folder,
    make_folder,
)
from remend.models.errors import RequestError
from tests.helpers.batches import pairs, plan_of, touch


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("source", "file_format", "suffix", "name"),
    [
        ("a.jpg", "auto", "", "a.jpg"),
        ("IMG_1.JPG", "auto", "", "IMG_1.JPG"),
        ("a.tif", "auto", "-big", "a-big.tif"),
        ("a.webp", "auto", "", "a.webp"),
        ("a.bmp", "auto", "", "a.png"),
        ("a.heic", "auto", "", "a.png"),
        ("scan", "auto", "", "scan.png"),
        ("a.b.jpg", "png", "", "a.b.png"),
        ("a.jpeg", "jpg", "", "a.jpg"),
        ("a.jpeg", "jpeg", "", "a.jpg"),
        ("a.png", "tiff", "_x4", "a_x4.tiff"),
    ],
)
def test_outputs_are_named_after_inputs(source: str, file_format: str, suffix: str, name: str):
    assert Naming(file_format, suffix).name_for(Path(source)) == name


def test_impossible_names_are_refused():
    with pytest.raises(RequestError, match="file_format=gif is not written; choose auto"):
        Naming("gif")
    with pytest.raises(RequestError, match=r"suffix=/\.\./x holds a path"):
        Naming(suffix="/../x")


def test_two_inputs_to_one_output():
    touch("one/a.jpg", "two/a.jpg", "in/a.bmp", "in/a.png")
    with pytest.raises(RequestError, match=r"one/a\.jpg and two/a\.jpg would both .* out/a\.jpg"):
        plan_of("one", "two")
    with pytest.raises(RequestError, match=r"in/a\.bmp and in/a\.png would both"):
        plan_of("in")


def test_all_clashes_are_named_at_once():
    touch(*(f"{folder}/{name}.jpg" for folder in ("one", "two", "six") for name in "abc"))
    with pytest.raises(RequestError) as caught:
        plan_of("one", "two", "six")
    for name in "abc":
        clash = f"one/{name}.jpg, two/{name}.jpg and six/{name}.jpg would all be written to out/"
        assert clash in str(caught.value)
    assert "choose suffix" in str(caught.value)
    touch(*(f"{folder}/{number}.png" for folder in ("one", "two") for number in range(30)))
    with pytest.raises(RequestError, match="photos of 23 more outputs"):
        plan_of("one", "two", "six")


def test_clashing_names_are_numbered_where_that_is_asked_for():
    touch("in/a.bmp", "in/a.gif", "in/a.png", "in/a-2.jpg", "in/b.png", "two/b.png")
    assert pairs(plan_of("in", "two", file_format="png", on_clash="suffix")) == {
        "in/a.bmp": "out/a.png",
        "in/a.gif": "out/a-3.png",
        "in/a.png": "out/a-4.png",
        "in/a-2.jpg": "out/a-2.png",
        "in/b.png": "out/b.png",
        "two/b.png": "out/b-2.png",
    }
    with pytest.raises(RequestError, match=r"in/a\.png is an input.*\(2 outputs are inputs\)"):
        plan_of("in", out="in", file_format="png", on_clash="suffix")


def test_writing_over_an_input(here: Path):
    touch("in/a.jpg", "in/b.png")
    for arguments, out in ((["in/a.jpg"], "in/a.jpg"), (["in"], "in"), (["in/a.jpg"], "in")):
        with pytest.raises(RequestError, match="is an input, and inputs are never written over"):
            plan_of(*arguments, out=out)
    os.link("in/a.jpg", "hard.jpg")
    os.symlink(here / "in", "link")
    for out in ("hard.jpg", "link/a.jpg"):
        with pytest.raises(RequestError, match="never written over"):
            plan_of("in/a.jpg", out=out)
    touch("other/b.png", "b.bmp")
    with pytest.raises(RequestError, match=r"other/b\.png is an input"):
        plan_of("b.bmp", "other/b.png", out="other")


def test_a_file_for_many_a_format_that_is_not_written_and_contradictions():
    touch("a.jpg", "b.jpg", "in/a.jpg")
    for many in (["a.jpg", "b.jpg"], ["in"], ["a*.jpg"]):
        with pytest.raises(RequestError, match=r"is the name of one picture.*choose a folder"):
            plan_of(*many, out="out.png")
    with pytest.raises(RequestError, match=r"\.bmp file, which is not written"):
        plan_of("a.jpg", out="out.bmp")
    with pytest.raises(RequestError, match="contradicts"):
        plan_of("a.jpg", out="out.png", file_format="jpg")
    assert pairs(plan_of("a.jpg", out="out.jpeg", file_format="jpg")) == {"a.jpg": "out.jpeg"}
    with pytest.raises(RequestError, match="suffix=-big is for files in a folder"):
        plan_of("a.jpg", out="out.png", suffix="-big")


def test_a_folder_that_cannot_be_written(here: Path):
    touch("file")
    for folder in (here / "file", here / "file" / "below", Path("/proc/remend")):
        with pytest.raises(RequestError, match=r"cannot be written .*; name another"):
            make_folder(folder)
    with pytest.raises(RequestError, match=r"cannot be written .*; name another"):
        check_folder(here / "file" / "below")
    check_folder(here / "new" / "deep")
    assert not (here / "new").exists()
    make_folder(here / "new" / "deep")
    assert list((here / "new" / "deep").iterdir()) == []
