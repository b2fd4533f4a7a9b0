"""Batches that are killed, resumed, and two at once: real processes, real files.

The networks are small and random; what is looked at is that every photo is whole, made once, and told of.
"""

import json
import multiprocessing
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from remend.app.batch.manifest import MANIFEST_NAME, append_line
from remend.app.cli.main import main
from remend.models.storage.atomic import sweep, write_atomic
from tests.helpers.batches import make_tree, read_manifest


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_models: Path) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path


# Forked from a process that has imported these and done nothing: seconds less for each of them.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        "remend.app.batch.pipeline",
        "remend.app.cli.main",
        "remend.app.cli.printing.report",
        "remend.app.batch.upscale_work",
    ]
)


class Command:
    """The command in a process of its own, which can be killed."""

    def __init__(self, *words: str) -> None:
        self._said = [Path(f"{secrets.token_hex(4)}.{kind}").absolute() for kind in ("out", "err")]
        line = ["upscale", "in", "-r", "-o", "out", "-s", "4", *words]
        self.process = PROCESSES.Process(target=run, args=(line, Path.cwd(), *self._said))
        self.process.start()

    def wait(self, seconds: float = 300) -> tuple[int | None, str, str]:
        """Exit code, stdout and stderr."""
        self.process.join(seconds)
        out, err = (path.read_text() for path in self._said)
        return self.process.exitcode, out, err


def run(line: list[str], folder: Path, out: Path, err: Path) -> None:
    """What the process does."""
    os.chdir(folder)
    for path, stream in ((out, sys.stdout), (err, sys.stderr)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), stream.fileno())
    sys.exit(main(line))


def stamps() -> dict[str, int]:
    """When each output that the manifest calls done was made."""
    done = {str(entry["output"]) for entry in read_manifest() if entry["status"] == "done"}
    return {name: (Path("out") / name).stat().st_mtime_ns for name in done}


def check_whole(goods: list[Path], side: int = 120) -> None:
    for photo in goods:
        with Image.open(Path("out") / photo.relative_to("in")) as image:
            image.load()
            assert image.size == (4 * side, 4 * (side - 20))
    outputs = {path for path in Path("out").rglob("*") if path.is_file()}
    expected = {Path("out") / photo.relative_to("in") for photo in goods}
    assert outputs - expected == {Path("out", MANIFEST_NAME)}


def kill_and_resume(good: int, bad: int, kills: int) -> None:
    goods, bads = make_tree(good, bad)
    dice = random.Random(5)
    made: dict[str, int] = {}
    hits = 0
    for _ in range(kills):
        before = len(read_manifest())
        command = Command("--resume", "--quiet")
        end = time.monotonic() + 60
        # Into the work, wherever it is: after the record grew, at a moment that nothing chooses.
        while (
            len(read_manifest()) == before and command.process.is_alive() and time.monotonic() < end
        ):
            time.sleep(0.01)
        time.sleep(dice.random() * 0.1)
        command.process.kill()
        hits += command.wait()[0] == -signal.SIGKILL
        for name, stamp in stamps().items():
            assert made.setdefault(name, stamp) == stamp, f"{name} was done and made again"
    assert 2 * hits > kills, "most kills came when all was done"
    code, out, err = Command("--resume", "--json").wait()
    assert code == 1, err
    statuses = {entry["input"]: entry["status"] for entry in map(json.loads, out.splitlines())}
    assert {name for name, status in statuses.items() if status == "failed"} == set(map(str, bads))
    assert len(statuses) == good + bad
    for path in bads:
        assert str(path) in err
    for name, stamp in stamps().items():
        assert made.get(name, stamp) == stamp
    check_whole(goods)


def test_a_batch_that_is_killed_goes_on():
    kill_and_resume(good=14, bad=1, kills=1)


@pytest.mark.slow
def test_a_batch_that_is_killed_twenty_times_goes_on():
    kill_and_resume(good=54, bad=6, kills=20)


def test_two_batches_in_one_folder_do_not_harm_each_other():
    goods, _ = make_tree(good=6, bad=0)
    both = [Command("--quiet"), Command("--quiet")]
    for command in both:
        code, _, err = command.wait()
        assert code == 0, err
    check_whole(goods)
    lines = Path("out", MANIFEST_NAME).read_text().splitlines()
    assert [json.loads(line)["status"] for line in lines] == ["done"] * 12


def test_a_sweep_removes_what_the_dead_left_and_nothing_of_the_living(here: Path):
    code = (
        "import os, time\nfrom pathlib import Path\nfrom remend.models.storage import atomic\n"
        "os.fsync = lambda _: time.sleep(60)\n"
        "atomic.write_atomic(b'x' * 10, Path('photo.png'))"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        end = time.monotonic() + 30
        while not list(here.glob(".remend-*.tmp")):
            assert time.monotonic() < end
            time.sleep(0.02)
        time.sleep(0.1)
        assert sweep(here) == 0
    finally:
        process.kill()
        process.wait()
    assert len(list(here.glob(".remend-*.tmp"))) == 1
    assert sweep(here) == 1
    write_atomic(b"whole", here / "photo.png")
    assert [path.name for path in here.iterdir()] == ["photo.png"]


def test_a_line_after_a_torn_one_is_whole(here: Path):
    path = here / "record"
    path.write_bytes(b'{"cut": ')
    append_line(path, "{}")
    append_line(path, "[]")
    assert path.read_text() == '{"cut": \n{}\n[]\n'
