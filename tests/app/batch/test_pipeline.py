"""Batches under stress: killed and resumed, two at once, little memory; real processes, real files.

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
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from remend.app.batch.estimate import PROGRAM_BYTES
from remend.app.batch.manifest import MANIFEST_NAME, append_line
from remend.app.batch.pipeline import BatchOptions, Pipeline, run_plan
from remend.app.batch.plan import Job, Naming, Plan, find_inputs, make_folder, make_plan
from remend.app.batch.target_size import TargetSize
from remend.app.batch.work import EncodeOptions, LoadedPhoto, RestoredPhoto, UpscaleWork
from remend.app.cli.main import main
from remend.app.engine.memory import free_bytes, parse_size
from remend.app.engine.model_pool import ModelPool
from remend.models.device import choose_placement
from remend.models.errors import InputError, RequestError
from remend.models.imaging.picture import Picture
from remend.models.progress import NO_PROGRESS, Progress
from remend.models.storage.atomic import sweep, write_atomic


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_models: Path) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path


def noise(width: int, height: int, seed: int) -> Image.Image:
    dice = np.random.default_rng(seed)
    return Image.fromarray(dice.integers(0, 256, (height, width, 3), dtype=np.uint8))


def make_tree(good: int, bad: int, side: int = 120) -> tuple[list[Path], list[Path]]:
    """Photos in a tree, and among them files that are none."""
    goods, bads = [], []
    for index in range(good + bad):
        path = Path("in", f"album {index % 3}", f"{index:03}.{('jpg', 'png', 'webp')[index % 3]}")
        path.parent.mkdir(parents=True, exist_ok=True)
        noise(side, side - 20, index).save(path)
        if index % 10 == 7 and len(bads) < bad:
            whole = path.read_bytes()
            path.write_bytes((whole[: len(whole) // 2], b"", b"no picture")[index // 10 % 3])
            bads.append(path)
        else:
            goods.append(path)
    return goods, bads


# Forked from a process that has imported these and done nothing: seconds less for each of them.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        "remend.app.batch.pipeline",
        "remend.app.cli.main",
        "remend.app.cli.report",
        "remend.app.batch.work",
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


def ledger() -> list[dict[str, object]]:
    path = Path("out", MANIFEST_NAME)
    entries = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            entries.append(json.loads(line))
        except ValueError:
            continue  # what a kill cut short
    return entries


def stamps() -> dict[str, int]:
    """When each output that the ledger calls done was made."""
    done = {str(entry["output"]) for entry in ledger() if entry["status"] == "done"}
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
        before = len(ledger())
        command = Command("--resume", "--quiet")
        end = time.monotonic() + 60
        # Into the work, wherever it is: after the record grew, at a moment that nothing chooses.
        while len(ledger()) == before and command.process.is_alive() and time.monotonic() < end:
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


# What is half-written


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


# Side by side


class Timed:
    """Work that notes how many of it are in each stage, and takes its time."""

    devices = 1

    def __init__(self) -> None:
        self.inside = {"read": 0, "restore": 0, "write": 0}
        self.most = dict(self.inside)
        self.overlapped = False
        self._lock = threading.Lock()

    def stage(self, name: str) -> None:
        with self._lock:
            self.inside[name] += 1
            self.most[name] = max(self.most[name], self.inside[name])
            self.overlapped |= sum(1 for number in self.inside.values() if number) > 1
        time.sleep(0.02)
        with self._lock:
            self.inside[name] -= 1

    def read(self, job: Job) -> LoadedPhoto:
        self.stage("read")
        return LoadedPhoto(Picture(np.zeros((1, 1, 3), np.uint8)))

    def restore(self, material: LoadedPhoto, progress: Progress) -> RestoredPhoto:
        self.stage("restore")
        return RestoredPhoto(material.picture)

    def write(self, made: RestoredPhoto, job: Job) -> tuple[str, ...]:
        self.stage("write")
        return ()


def test_reading_network_and_writing_overlap_within_their_bounds():
    work = Timed()
    jobs = tuple(Job(Path(f"{index}.png"), Path(f"out/{index}.png")) for index in range(20))
    plan = Plan(jobs, Path("out"), is_batch=False, to_folder=False)
    results = list(run_plan(plan, work, BatchOptions(readers=1, writers=2)))  # pyright: ignore[reportArgumentType]
    assert [result.job for result in results] == list(jobs)
    assert work.overlapped
    assert work.most["read"] == work.most["restore"] == 1
    assert work.most["write"] <= 2
    line = Pipeline(work, BatchOptions(stop_on_error=True))  # pyright: ignore[reportArgumentType]
    assert line.width == 1


def test_two_devices_work_at_the_same_time_and_give_the_same_bytes():
    make_tree(good=6, bad=0, side=60)
    placement = choose_placement("cpu", "fp32")

    def run(pool: ModelPool, out: str) -> dict[str, bytes]:
        work = UpscaleWork(pool, None, TargetSize(scale=2), saving=EncodeOptions())
        plan = plan_in(out)
        work.prepare(plan)
        assert {result.status for result in run_plan(plan, work)} == {"done"}
        return {job.output.name: job.output.read_bytes() for job in plan.jobs}

    two = ModelPool([placement, placement])
    assert two.devices == 2
    assert run(two, "two") == run(ModelPool([placement]), "one")


def plan_in(out: str, pattern: str = "in") -> Plan:
    found = find_inputs([pattern], recursive=True, output=Path(out))
    if not Path(out).suffix:
        make_folder(Path(out))
    return make_plan(found, Path(out), Naming())


# Memory


def test_sizes_of_memory_as_people_write_them():
    assert [parse_size(text) for text in ("2G", "500M", "1.5gb", "8 GiB", "7")] == [
        2 * 10**9, 500 * 10**6, 15 * 10**8, 8 * 10**9, 7,
    ]  # fmt: skip
    for text in ("much", "-1G", "0", ""):
        with pytest.raises(RequestError, match="--max-memory"):
            parse_size(text)


def test_the_least_of_machine_and_container_is_free(here: Path):
    (here / "proc").mkdir()
    (here / "proc/meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    1000 kB\n")
    assert free_bytes(here) == int(1_024_000 * 0.8)
    (here / "sys/fs/cgroup").mkdir(parents=True)
    (here / "sys/fs/cgroup/memory.max").write_text("700000\n")
    (here / "sys/fs/cgroup/memory.current").write_text("200000\n")
    assert free_bytes(here) == 400_000
    (here / "sys/fs/cgroup/memory.max").write_text("max\n")
    assert free_bytes(here) == int(1_024_000 * 0.8)


def upscaling(memory: int | None) -> UpscaleWork:
    pool = ModelPool([choose_placement("cpu", "fp32")])
    return UpscaleWork(pool, None, TargetSize(), saving=EncodeOptions(), memory_bytes=memory)


def test_what_cannot_fit_is_refused_before_its_pixels_are_read():
    make_tree(good=2, bad=0)
    Path("in/album 0/large.png").write_bytes(large_png(20_000, 15_000))
    plan = plan_in("out")
    work = upscaling(2 * 10**9)
    work.prepare(plan)
    results = {result.job.source.name: result for result in run_plan(plan, work)}
    failed = results.pop("large.png")
    assert failed.status == "failed"
    assert "80000 x 60000" in failed.reason and "--max-memory" in failed.reason
    assert {result.status for result in results.values()} == {"done"}
    with pytest.raises(RequestError, match="80000 x 60000"):
        upscaling(2 * 10**9).prepare(plan_in("out/large.png", "in/album 0/large.png"))


def large_png(width: int, height: int) -> bytes:
    """A PNG whose header says so and whose pixels are missing: reading them would fail otherwise."""
    import struct
    import zlib

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"\0")


def test_little_memory_makes_tiles_smaller_and_the_record_says_so():
    Path("in").mkdir()
    noise(300, 280, 1).save("in/a.png")
    plan = plan_in("out")
    (job,) = plan.jobs
    plenty = upscaling(10**12).cost(job)
    assert plenty.tile_px is None
    limit = plenty.memory_bytes + PROGRAM_BYTES - 3_000_000
    work = upscaling(limit)
    work.prepare(plan)
    (result,) = run_plan(plan, work)
    assert result.status == "done"
    assert "Tiles of " in result.notes[0] and "smaller" in result.notes[0]
    (entry,) = ledger()
    assert entry["notes"] == list(result.notes)
    with pytest.raises(InputError, match="may be used"):
        upscaling(PROGRAM_BYTES + 1).cost(job)
    assert work.perform(job, NO_PROGRESS) == result.notes


@pytest.mark.skipif(os.name != "posix", reason="resource is a module of Unix")
@pytest.mark.slow
def test_a_thousand_small_photos_take_no_more_memory_than_a_hundred():
    code = (
        "import resource, sys\nfrom remend.app.cli.main import main\n"
        "code = main(['upscale', 'in/' + sys.argv[1], '-s', '2', '-o', 'out', '--quiet'])\n"
        "print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    Path("in").mkdir()
    for index in range(1000):
        noise(24, 24, index).save(f"in/{index:03}.png")
    peaks = []
    for pattern in ("0*.png", "*.png"):
        command = [sys.executable, "-c", code, pattern]
        code_and_peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert code_and_peak.split()[0] == "0"
        peaks.append(int(code_and_peak.split()[1]))
    assert peaks[1] < 1.1 * peaks[0]
