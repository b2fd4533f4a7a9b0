"""The disk that visitors may fill: budgets, sweeping, uploads that break off, servers that were killed."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from remend.app.engine.model_pool import ModelPool
from remend.app.engine.private_folder import private_folder, sweep_folders
from remend.app.page.guards.disk import PHOTOS, DiskBudget, measure
from remend.app.page.guards.limits import Limits
from remend.app.page.server import running_page
from remend.models.errors import RequestError
from tests.helpers.calling import ask, call, half_open, multipart, upload

MB = 1_000_000


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary folder for this test."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def fill_up(path: Path) -> None:
    """Write until the disk has no byte left."""
    with path.open("wb") as file, pytest.raises(OSError, match="No space"):
        while True:
            os.write(file.fileno(), b"x" * 4096)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# The budget


def test_one_visitor_has_half_and_all_together_the_whole(tmp_path: Path):
    budget = DiskBudget(tmp_path, total_bytes=10 * MB)
    budget.reserve("ada", 5 * MB)
    with pytest.raises(RequestError, match="5 MB for one visitor"):
        budget.reserve("ada", 1)
    budget.reserve("ben", 4 * MB)
    with pytest.raises(RequestError, match="10 MB for all"):
        budget.reserve("cleo", 2 * MB)
    budget.release("ada", 5 * MB)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "photo").write_bytes(b"x" * 3 * MB)
    budget.charge("ada", tmp_path / "a")
    assert 3 * MB <= budget.count("ada") == measure(tmp_path / "a") < 3.1 * MB
    with pytest.raises(RequestError, match="for one visitor"):
        budget.reserve("ada", 2 * MB)
    shutil.rmtree(tmp_path / "a")
    assert budget.count("ada") == 0


def test_tiny_files_count_so_that_they_cannot_become_too_many(tmp_path: Path):
    for number in range(100):
        (tmp_path / str(number)).write_bytes(b"x")
    assert measure(tmp_path) == 101 * 65_536


@pytest.mark.parametrize(("filled_mb", "left"), [(0, {"new", "used"}), (9, {"new", "full"})])
def test_what_is_old_goes_sooner_when_the_folder_is_nearly_full(
    tmp_path: Path, filled_mb: int, left: set[str]
):
    budget = DiskBudget(tmp_path, 10 * MB, lifetime_s=1000, crowded_s=100)
    ages = {"new": 0, "used": 500, "old": 2000, "full": 0 if filled_mb else 2000}
    for name, age in ages.items():
        folder = tmp_path / PHOTOS / name
        folder.mkdir(parents=True)
        file = folder / "file"
        file.write_bytes(b"x" * (filled_mb * MB if name == "full" else 10))
        for path in (file, folder):
            os.utime(path, (time.time() - age, time.time() - age))
        budget.charge("ada", folder)
    budget.sweep()
    assert {path.name for path in (tmp_path / PHOTOS).iterdir()} == left
    assert budget.count("ada") == sum(measure(tmp_path / PHOTOS / name) for name in left)


# A server


@pytest.fixture
def small_disk(pool: ModelPool, free_port: int, temporary: Path) -> Iterator[str]:
    limits = Limits(disk_bytes=4 * MB, sweep_s=0.2, keep_s=2)
    with running_page(pool, port=free_port, limits=limits) as address:
        yield address
    assert list(temporary.iterdir()) == []


def test_a_visitor_fills_their_share_no_more_and_it_is_emptied(small_disk: str, temporary: Path):
    assert upload(small_disk, "a.png", b"a" * MB).status == 200
    refused = upload(small_disk, "b.png", b"b" * MB)
    assert refused.status == 507
    assert "for one visitor" in refused.sentence
    assert "访客" in upload(small_disk, "b.png", b"b" * MB, accept_language="zh").sentence
    other = {"x_forwarded_for": "10.0.0.7"}  # as a proxy on this computer says it
    assert upload(small_disk, "b.png", b"b" * MB, **other).status == 200
    wait_until(lambda: not files_in(temporary))
    assert upload(small_disk, "b.png", b"b" * MB).status == 200


def test_results_and_masks_count_and_go_too(small_disk: str, temporary: Path, tmp_path: Path):
    Image.effect_noise((120, 100), 60).convert("RGB").save(tmp_path / "photo.png")
    (path,) = upload(small_disk, "photo.png", (tmp_path / "photo.png").read_bytes()).json
    photo = call(small_disk, "open_photo", {"path": path}).json["photo"]
    paint = {"photo": photo, "mask": path, "left": 0, "top": 0}
    mask = Path(call(small_disk, "save_mask", paint).json["path"])
    saved = Path(call(small_disk, "save", {"photo": photo, "format": "auto"}).json["path"])
    assert mask.is_file() and saved.is_file()
    assert upload(small_disk, "rest", b"x" * (2 * MB - 60_000 - measure(mask.parent))).status == 507
    wait_until(lambda: not files_in(temporary))
    assert call(small_disk, "save", {"photo": photo, "format": "auto"}).json["name"]


def test_what_broke_off_leaves_nothing(small_disk: str, temporary: Path):
    whole = multipart("a.png", b"a" * 900_000, ends=False)
    for path in ("/gradio_api/upload", "/gradio_api/component_server"):
        connection = half_open(small_disk, path, whole, 1_200_000)
        if path.endswith("upload"):
            wait_until(lambda: bool(files_in(temporary)))
        connection.close()
        wait_until(lambda: not files_in(temporary), 2)
    unknown = ask(small_disk, "/gradio_api/component_server", whole)
    assert unknown.status == 400 and not files_in(temporary)


def test_a_full_disk_is_a_sentence(pool: ModelPool, free_port: int, temporary: Path):
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", temporary], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no small disk can be made here")
    try:
        with running_page(pool, port=free_port, limits=Limits(disk_bytes=100 * MB)) as address:
            assert upload(address, "a.png", b"a" * MB).status == 200
            full = upload(address, "b.png", b"b" * 3 * MB)
            assert full.status == 507
            (temporary / "others").write_bytes(b"x" * 900_000)
            fill_up(temporary / "more")
            for name in ("c.png", "d.png"):
                full = upload(address, name, b"c" * 10_000)
                assert full.status == 507 and full.sentence.endswith(".")
    finally:
        subprocess.run(["umount", "-l", temporary], check=True)


# Servers that were killed

HOLDING = """
import sys, time
from remend.app.engine.private_folder import private_folder
with private_folder("remend-test-") as folder:
    (folder / "photo").write_bytes(b"x")
    print(folder, flush=True)
    time.sleep(60)
"""


def test_the_folder_of_a_killed_process_goes_and_that_of_a_living_one_stays(temporary: Path):
    holding = [
        subprocess.Popen([sys.executable, "-c", HOLDING], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    folders = []
    for process in holding:
        assert process.stdout
        folders.append(Path(process.stdout.readline().strip()))
        process.stdout.close()
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir()
    (temporary / "remend-test-link").symlink_to(elsewhere)
    assert sweep_folders("remend-test-") == 0
    holding[0].send_signal(signal.SIGKILL)
    holding[0].wait()
    assert (folders[0] / "photo").is_file()
    with private_folder("remend-test-") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert not folders[0].exists()
        assert (folders[1] / "photo").is_file() and elsewhere.is_dir()
        assert sweep_folders("remend-test-") == 0
    assert not folder.exists()
    holding[1].kill()
    holding[1].wait()


def test_the_page_starts_where_gradios_own_folder_is_somebody_elses(
    pool: ModelPool, free_port: int, temporary: Path, monkeypatch: pytest.MonkeyPatch
):
    # Gradio reads the variable when it is imported, which was before this test.
    theirs = temporary / "gradio"
    theirs.write_text("nothing can be made below")
    monkeypatch.setattr("gradio.routes.DEFAULT_TEMP_DIR", str(theirs))
    with running_page(pool, port=free_port) as address:
        assert ask(address, "/").status == 200
    assert [path.name for path in temporary.iterdir()] == ["gradio"]
