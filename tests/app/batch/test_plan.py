"""Plans and batches: which file becomes which, what is refused before any work, what a record is worth."""

import errno
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from remend.app.batch.estimate import Cost
from remend.app.batch.manifest import MANIFEST_NAME, Result
from remend.app.batch.pipeline import BatchOptions, run_plan
from remend.app.batch.plan import (
    Job,
    Naming,
    Plan,
    find_inputs,
    make_folder,
    make_plan,
    match_masks,
)
from remend.app.batch.target_size import TargetSize
from remend.app.batch.work import LoadedPhoto, RestoredPhoto
from remend.models.errors import InputError, RequestError
from remend.models.imaging.picture import Metadata, Picture
from remend.models.progress import Progress


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*names: str) -> None:
    """Make files; a plan goes by names and never looks into them."""
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)


def plan_of(
    *arguments: str,
    out: str = "out",
    listed: Iterable[str] = (),
    recursive: bool = False,
    file_format: str = "auto",
    suffix: str = "",
) -> Plan:
    found = find_inputs(
        arguments, listed=listed, recursive=recursive, output=Path(out), suffix=suffix
    )
    return make_plan(found, Path(out), Naming(file_format, suffix))


def pairs(plan: Plan) -> dict[str, str]:
    return {job.source.as_posix(): job.output.as_posix() for job in plan.jobs}


# Names


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
    with pytest.raises(RequestError, match="--format gif"):
        Naming("gif")
    with pytest.raises(RequestError, match=r"--suffix /\.\./x"):
        Naming(suffix="/../x")


# Inputs and outputs


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
    with pytest.raises(RequestError, match=r"in holds no pictures \(-r looks"):
        plan_of("in")
    assert len(plan_of("in", recursive=True).jobs) == 1


def test_outputs_inside_the_input_folder_are_not_read_again():
    touch("in/a.jpg", "in/out/a.jpg")
    assert pairs(plan_of("in", out="in/out", recursive=True)) == {"in/a.jpg": "in/out/a.jpg"}


def test_a_suffix_marks_what_an_earlier_run_made_beside_its_inputs():
    touch("in/a.jpg", "in/a-big.jpg")
    assert pairs(plan_of("in", out="in", suffix="-big")) == {"in/a.jpg": "in/a-big.jpg"}


# What is refused before any work


def test_two_inputs_to_one_output():
    touch("one/a.jpg", "two/a.jpg", "in/a.bmp", "in/a.png")
    with pytest.raises(RequestError, match=r"one/a\.jpg and two/a\.jpg would both .* out/a\.jpg"):
        plan_of("one", "two")
    with pytest.raises(RequestError, match=r"in/a\.bmp and in/a\.png would both"):
        plan_of("in")


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
        with pytest.raises(RequestError, match="name a folder"):
            plan_of(*many, out="out.png")
    with pytest.raises(RequestError, match=r"\.bmp files are not written"):
        plan_of("a.jpg", out="out.bmp")
    with pytest.raises(RequestError, match="contradict"):
        plan_of("a.jpg", out="out.png", file_format="jpg")
    assert pairs(plan_of("a.jpg", out="out.jpeg", file_format="jpg")) == {"a.jpg": "out.jpeg"}
    with pytest.raises(RequestError, match="--suffix -big"):
        plan_of("a.jpg", out="out.png", suffix="-big")


def test_a_folder_that_cannot_be_written(here: Path):
    touch("file")
    for folder in (here / "file", here / "file" / "below", Path("/proc/remend")):
        with pytest.raises(RequestError, match=r"cannot be written .*; name another -o"):
            make_folder(folder)
    make_folder(here / "new" / "deep")
    assert list((here / "new" / "deep").iterdir()) == []


# Masks


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


# Sizes


def test_sizes():
    assert TargetSize().size_for((30, 20)) == (120, 80)
    assert TargetSize(scale=1.5).size_for((1, 1)) == (2, 2)
    assert TargetSize(width=60).size_for((30, 20)) == (60, 40)
    assert TargetSize(height=60).size_for((30, 20)) == (90, 60)
    assert TargetSize(width=60, height=50).size_for((30, 20)) == (60, 40)
    width, height = TargetSize(megapixels=2).size_for((1000, 500))
    assert abs(width * height - 2e6) < 2e3
    assert TargetSize().fixed_scale == 4
    assert TargetSize(width=9).fixed_scale is None


@pytest.mark.parametrize("scale", [0, 1.49, 8.01, 20, -2, float("nan"), float("inf")])
def test_a_scale_out_of_range_is_refused(scale: float):
    with pytest.raises(RequestError, match=r"choose 1\.5 to 8"):
        TargetSize(scale=scale)


def test_sizes_that_no_photo_or_not_this_one_can_have():
    with pytest.raises(RequestError, match="--width 0"):
        TargetSize(width=0)
    with pytest.raises(RequestError, match="--megapixels inf"):
        TargetSize(megapixels=float("inf"))
    with pytest.raises(RequestError, match="Only one of"):
        TargetSize(scale=2, height=100)
    with pytest.raises(InputError, match=r"100 x 50 pixels would have to become 0\.5 times"):
        TargetSize(width=50).size_for((100, 50))
    with pytest.raises(InputError, match=r"8\.1 times"):
        TargetSize(width=810).size_for((100, 50))


# Doing it


class Copying:
    """Work that copies; a file holding ``bad`` is a failed input, one holding a word of Python's raises."""

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self.seen: list[str] = []

    def prepare(self, plan: Plan) -> None:
        pass

    def settings(self, job: Job) -> Mapping[str, Any]:
        return self._settings

    @property
    def devices(self) -> int:
        return 1

    def cost(self, job: Job, *, timed: bool = False) -> Cost:
        return Cost((2, 1), 0.0, 1000, 6)

    def read(self, job: Job) -> LoadedPhoto:
        """A dot that carries the text of the file."""
        self.seen.append(job.source.name)
        text = job.source.read_bytes().decode()
        if text == "bad":
            raise InputError("It is bad.")
        if text == "full":
            raise OSError(errno.ENOSPC, "No space left on device")
        if text == "large":
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        if text == "odd":
            raise ZeroDivisionError("by nought")
        if text == "stop":
            raise KeyboardInterrupt
        return LoadedPhoto(Picture(np.zeros((1, 1, 3), np.uint8), meta=Metadata(notes=(text,))))

    def restore(self, material: LoadedPhoto, progress: Progress) -> RestoredPhoto:
        return RestoredPhoto(material.picture)

    def write(self, made: RestoredPhoto, job: Job) -> tuple[str, ...]:
        Path(job.output).write_text(made.picture.meta.notes[0])
        return ("Copied.",)


def statuses(results: Iterable[Result]) -> dict[str, str]:
    return {result.job.source.name: result.status for result in results}


@pytest.fixture
def batch() -> Plan:
    touch("in/a.jpg", "in/b.jpg", "in/c.jpg")
    make_folder(Path("out"))
    return plan_of("in")


def manifest() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("out", MANIFEST_NAME).read_text().splitlines()]


def test_every_failure_is_recorded_and_the_rest_goes_on(batch: Plan):
    touch("in/d.jpg", "in/e.jpg", "in/f.jpg")
    for name, text in (("a", "bad"), ("b", "full"), ("c", "odd"), ("d", "large")):
        Path(f"in/{name}.jpg").write_text(text)
    results = list(run_plan(plan_of("in"), Copying()))
    assert [result.status for result in results] == ["failed"] * 4 + ["done"] * 2
    reasons = [result.reason or "" for result in results[:4]]
    assert reasons[:2] + reasons[3:] == [
        "It is bad.",
        f"{Path('out/b.jpg')} cannot be read or written (No space left on device).",
        "There is not enough memory for it; close other programs or try a smaller picture.",
    ]
    assert reasons[2].startswith("Unexpected ZeroDivisionError: by nought; the report is ")
    assert results[4].notes == ("Copied.",)
    lines = manifest()
    assert [line["status"] for line in lines] == [result.status for result in results]
    assert [line["reason"] for line in lines] == [result.reason for result in results]
    stat = Path("in/e.jpg").stat()
    assert lines[4] == lines[4] | {
        "input": str(Path("in/e.jpg").absolute()),
        "input_bytes": stat.st_size,
        "input_mtime_ns": stat.st_mtime_ns,
        "output": "e.jpg",
        "reason": "",
    }
    assert lines[4]["seconds"] >= 0
    assert len(lines[4]["settings"]) == 16


def test_stop_on_error_leaves_the_rest(batch: Plan):
    Path("in/b.jpg").write_text("bad")
    results = statuses(run_plan(batch, Copying(), BatchOptions(stop_on_error=True)))
    assert results == {"a.jpg": "done", "b.jpg": "failed"}


def test_a_dry_run_touches_nothing(batch: Plan):
    work = Copying()
    assert set(statuses(run_plan(batch, work, BatchOptions(dry_run=True))).values()) == {"planned"}
    assert work.seen == []
    assert list(Path("out").iterdir()) == []


def test_an_interrupt_ends_it_with_what_was_finished_on_record(batch: Plan):
    Path("in/b.jpg").write_text("stop")
    with pytest.raises(KeyboardInterrupt):
        list(run_plan(batch, Copying()))
    recorded = [line["output"] for line in manifest()]
    assert recorded in (["a.jpg"], ["a.jpg", "c.jpg"])  # c may have been in hand beside b
    Path("in/b.jpg").write_text("fine")
    work = Copying()
    assert set(statuses(run_plan(batch, work, BatchOptions(resume=True)))) == {
        "a.jpg",
        "b.jpg",
        "c.jpg",
    }
    assert sorted(work.seen) == [name for name in ("b.jpg", "c.jpg") if name not in recorded]


def test_resume_skips_only_whole_outputs_of_unchanged_inputs_and_settings(batch: Plan):
    list(run_plan(batch, Copying(scale=2)))
    assert set(statuses(run_plan(batch, Copying(scale=2), BatchOptions(resume=True))).values()) == {
        "skipped"
    }

    Path("in/a.jpg").write_text("a changed photo")
    Path("out/b.jpg").write_text("cut")
    work = Copying(scale=2)
    list(run_plan(batch, work, BatchOptions(resume=True)))
    assert sorted(work.seen) == ["a.jpg", "b.jpg"]

    Path("out/c.jpg").unlink()
    work = Copying(scale=2)
    list(run_plan(batch, work, BatchOptions(resume=True)))
    assert work.seen == ["c.jpg"]

    work = Copying(scale=3)
    list(run_plan(batch, work, BatchOptions(resume=True)))
    assert sorted(work.seen) == ["a.jpg", "b.jpg", "c.jpg"]


def test_a_failed_input_is_tried_again(batch: Plan):
    Path("in/a.jpg").write_text("bad")
    list(run_plan(batch, Copying()))
    work = Copying()
    list(run_plan(batch, work, BatchOptions(resume=True)))
    assert work.seen == ["a.jpg"]


def test_a_record_that_a_crash_cut_short_is_mended(batch: Plan):
    list(run_plan(batch, Copying()))
    path = Path("out", MANIFEST_NAME)
    path.write_text(path.read_text()[:-20])
    work = Copying()
    list(run_plan(batch, work, BatchOptions(resume=True)))
    assert work.seen == ["c.jpg"]
    assert set(statuses(run_plan(batch, Copying(), BatchOptions(resume=True))).values()) == {
        "skipped"
    }


def test_skip_existing_asks_for_no_record(batch: Plan):
    touch("out/b.jpg")
    work = Copying()
    assert statuses(run_plan(batch, work, BatchOptions(skip_existing=True)))["b.jpg"] == "skipped"
    assert sorted(work.seen) == ["a.jpg", "c.jpg"]
    assert Path("out/b.jpg").read_text() == "out/b.jpg"


def test_one_photo_leaves_no_record():
    touch("a.jpg")
    make_folder(Path("out"))
    list(run_plan(plan_of("a.jpg"), Copying()))
    assert [path.name for path in Path("out").iterdir()] == ["a.jpg"]


def test_a_record_that_cannot_be_written_is_said(batch: Plan):
    Path("out", MANIFEST_NAME).mkdir()
    results = list(run_plan(batch, Copying()))
    assert {result.status for result in results} == {"done"}
    assert f"{MANIFEST_NAME} cannot be written" in results[0].notes[-1]
