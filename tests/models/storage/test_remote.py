"""Photos behind URLs through the real commands; the storage is fsspec's own in memory, no network."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image

from remend.app.batch.inputs import find_inputs
from remend.app.batch.manifest import MANIFEST_NAME, Manifest
from remend.app.batch.pipeline import run_plan
from remend.app.batch.plan import Naming, make_plan
from remend.app.batch.requests import UpscaleRequest
from remend.app.batch.target_size import TargetSize
from remend.app.batch.upscale_work import UpscaleWork
from remend.app.engine.model_pool import ModelPool
from remend.models.device import choose_placement
from remend.models.errors import RequestError
from remend.models.storage.remote import RemotePath, to_path
from tests.helpers.commands import Remend


@pytest.fixture(autouse=True)
def storage(tiny_models: Path) -> Iterator[MemoryFileSystem]:
    """The one storage in memory, empty before and after."""
    store = MemoryFileSystem()
    store.rm("/", recursive=True) if store.ls("/") else None
    yield store
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


def photo(seed: int = 0, name: str = "PNG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, name)
    return stream.getvalue()


def put(url: str, content: bytes) -> None:
    path = to_path(url)
    assert isinstance(path, RemotePath)
    path.write_atomic(content)


def size_at(url: str) -> tuple[int, int]:
    return Image.open(io.BytesIO(to_path(url).read_bytes())).size


def test_a_tree_behind_a_url_becomes_another_and_goes_on(
    remend: Remend, storage: MemoryFileSystem, tmp_path: Path
):
    put("memory://in/a.png", photo(1))
    put("memory://in/deep/b.jpg", photo(2, "JPEG"))
    put("memory://in/bad.png", b"no picture")
    put("memory://in/notes.txt", b"ignored")
    command = "upscale memory://in -r -o memory://out -s 2 --json --resume"
    code, out, err = remend(command)
    assert code == 1
    entries = {entry["input"]: entry for entry in map(json.loads, out.splitlines())}
    assert {name: entry["status"] for name, entry in entries.items()} == {
        "memory://in/a.png": "done",
        "memory://in/bad.png": "failed",
        "memory://in/deep/b.jpg": "done",
    }
    assert entries["memory://in/a.png"]["output"] == "memory://out/a.png"
    assert "memory://in/bad.png is not a picture" in err
    assert sorted(storage.find("/out")) == [
        "/out/a.png", "/out/deep/b.jpg", f"/out/{MANIFEST_NAME}",
    ]  # fmt: skip
    assert size_at("memory://out/a.png") == size_at("memory://out/deep/b.jpg") == (60, 40)

    code, out, _ = remend(command)
    assert [json.loads(line)["status"] for line in out.splitlines()] == [
        "skipped", "failed", "skipped",
    ]  # fmt: skip
    put("memory://in/a.png", photo(3))
    put("memory://out/deep/b.jpg", b"cut")
    code, out, _ = remend(command)
    assert [json.loads(line)["status"] for line in out.splitlines()] == ["done", "failed", "done"]
    record = to_path(f"memory://out/{MANIFEST_NAME}").read_bytes().splitlines()
    assert len([line for line in record if json.loads(line)["status"] != "skipped"]) == 3 + 1 + 3

    disk = tmp_path / "a.png"
    disk.write_bytes(photo(3))
    assert remend(f"upscale {disk} -o {tmp_path / 'b.png'} -s 2")[0] == 0
    assert (tmp_path / "b.png").read_bytes() == to_path("memory://out/a.png").read_bytes()


def test_from_a_url_to_a_disk_and_back(remend: Remend, tmp_path: Path):
    put("memory://in/a.png", photo(1))
    put("memory://in/b.webp", photo(2, "WEBP"))
    assert remend(f"upscale memory://in/*.png -o {tmp_path} -s 2")[0] == 0
    assert (tmp_path / "a.png").is_file()
    assert remend(f"upscale {tmp_path}/a.png -o memory://back/c.jpg -s 2")[0] == 0
    assert size_at("memory://back/c.jpg") == (120, 80)
    assert remend(f"upscale file://{tmp_path}/a.png -o {tmp_path}/d.png -s 2")[0] == 0


def test_masks_behind_urls(remend: Remend):
    hole = np.zeros((20, 30), np.uint8)
    hole[5:9, 5:20] = 255
    stream = io.BytesIO()
    Image.fromarray(hole).save(stream, "PNG")
    put("memory://in/a.png", photo(1))
    put("memory://masks/a.png", stream.getvalue())
    command = "memory://in --mask memory://masks -o memory://{} --resume"
    assert remend("fill " + command.format("filled"))[0] == 0
    assert size_at("memory://filled/a.png") == (30, 20)
    assert remend("restore " + command.format("restored") + " -s 2")[0] == 0
    assert size_at("memory://restored/a.png") == (60, 40)
    empty = io.BytesIO()
    Image.fromarray(hole * 0).save(empty, "PNG")
    put("memory://masks/a.png", empty.getvalue())
    assert remend("fill " + command.format("filled"))[0] == 0
    assert to_path("memory://filled/a.png").read_bytes() == photo(1)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("upscale memory://none -o memory://out", "memory://none does not exist"),
        ("upscale memory://in/*.gif -o memory://out", "matches no picture"),
        ("upscale memory://in -o memory://in", "is an input, and inputs are never written over"),
        ("upscale memory://in/a.png -o memory://in/a.png", "is an input"),
        ("upscale xyz://in -o out", "xyz:// is no storage that fsspec knows"),
        ("upscale memory://in -o unreachable://out", "unreachable://out cannot be reached"),
        ("upscale unreachable://in -o out", "unreachable://in cannot be reached"),
        ("upscale memory://in -o absent://out", "absent:// needs a package that is not installed"),
    ],
)
def test_what_cannot_be_is_refused(remend: Remend, words: str, sentence: str):
    class Unreachable(MemoryFileSystem):
        protocol = "unreachable"

        def info(self, path: str, **_: object) -> dict[str, object]:
            raise ConnectionError("nobody answers")

        def isdir(self, path: str) -> bool:
            return self.info(path) is not None

        def makedirs(self, path: str, exist_ok: bool = False) -> None:
            self.info(path)

        def exists(self, path: str, **_: object) -> bool:
            if path.endswith("out"):
                return False
            return self.info(path) is not None

    fsspec.register_implementation("unreachable", Unreachable, clobber=True)
    fsspec.register_implementation(
        "absent", "package_that_is_not_there.Files", clobber=True, errtxt="Install absentfs"
    )
    put("memory://in/a.png", photo())
    code, _, err = remend(words)
    assert code == 2, err
    assert sentence in err
    assert len(err.splitlines()) == 1


def test_without_fsspec_it_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(RequestError, match="needs the package fsspec"):
        to_path("memory://in")


def test_where_files_grow_they_are_renamed_when_they_are_whole(monkeypatch: pytest.MonkeyPatch):
    class Disk(MemoryFileSystem):
        protocol = "otherdisk"
        full = False
        seen: list[str] = []  # noqa: RUF012 - one for all

        def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **_: object):
            self.seen.append(path.rpartition("/")[2])
            super().pipe_file(path, value)
            if self.full:
                raise OSError(28, "No space left on device")

    fsspec.register_implementation("otherdisk", Disk, clobber=True)
    path = to_path("otherdisk://out/a.png")
    assert isinstance(path, RemotePath)
    path.write_atomic(b"whole")
    assert Disk.seen[0].startswith(".remend-")
    assert path.read_bytes() == b"whole"
    monkeypatch.setattr(Disk, "full", True)
    with pytest.raises(OSError, match="No space left"):
        path.write_atomic(b"other")
    assert [found.name for found in path.parent.files(recursive=True)] == ["a.png"]
    assert path.read_bytes() == b"whole"


def test_a_storage_without_times_is_never_trusted(monkeypatch: pytest.MonkeyPatch):
    put("memory://in/a.png", photo())
    found = find_inputs(["memory://in"], output=to_path("memory://out"))
    plan = make_plan(found, to_path("memory://out"), Naming())
    pool = ModelPool([choose_placement("cpu", "fp32")])
    work = UpscaleWork(pool, UpscaleRequest(TargetSize(scale=2)))
    assert [result.status for result in run_plan(plan, work)] == ["done"]
    assert Manifest(plan.folder, work).is_done(plan.jobs[0])

    def no_time(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(MemoryFileSystem, "modified", no_time)
    assert not Manifest(plan.folder, work).is_done(plan.jobs[0])
