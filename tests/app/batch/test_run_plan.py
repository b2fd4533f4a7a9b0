"""Doing plans: failures, records, stopping and going on, with work that only copies."""

import errno
import json
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
    Plan,
    make_folder,
)
from remend.app.batch.work import LoadedPhoto, RestoredPhoto
from remend.models.errors import InputError, RequestError
from remend.models.imaging.picture import Metadata, Picture
from remend.models.progress import Progress
from tests.helpers.batches import plan_of, touch


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Copying:
    """Work that copies; a file holding ``bad`` is a failed input, one holding a word of Python's raises."""

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self.seen: list[str] = []
        self.closed: list[str] = []

    def prepare(self, plan: Plan) -> None:
        pass

    def close(self, job: Job) -> None:
        self.closed.append(job.source.name)

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
    assert work.seen == [] and set(work.closed) == {"a.jpg", "b.jpg", "c.jpg"}
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


def test_a_record_that_is_a_link_is_not_followed(
    here: Path, tmp_path_factory: pytest.TempPathFactory
):
    theirs = tmp_path_factory.mktemp("theirs") / "notes.txt"
    theirs.write_text("mine\n")
    touch("in/a.png")
    (here / "out").mkdir()
    (here / "out" / MANIFEST_NAME).symlink_to(theirs)
    work = Copying()
    with pytest.raises(RequestError, match="is a link"):
        list(run_plan(plan_of("in"), work))
    assert theirs.read_text() == "mine\n" and work.seen == []
