"""Batches with little memory: what cannot fit, smaller tiles, no growth."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from remend.app.batch.estimate import PROGRAM_BYTES
from remend.app.batch.pipeline import run_plan
from remend.app.batch.requests import UpscaleRequest
from remend.app.batch.target_size import TargetSize
from remend.app.batch.upscale_work import UpscaleWork
from remend.app.engine.model_pool import ModelPool
from remend.models.device import choose_placement
from remend.models.errors import InputError, RequestError
from remend.models.progress import NO_PROGRESS
from tests.helpers.batches import make_tree, noise, plan_in, read_manifest


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_models: Path) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path


def upscaling(memory: int | None) -> UpscaleWork:
    pool = ModelPool([choose_placement("cpu", "fp32")])
    return UpscaleWork(pool, UpscaleRequest(TargetSize()), memory_bytes=memory)


def test_what_cannot_fit_is_refused_before_its_pixels_are_read():
    make_tree(good=2, bad=0)
    Path("in/album 0/large.png").write_bytes(large_png(20_000, 15_000))
    plan = plan_in("out")
    work = upscaling(2 * 10**9)
    work.prepare(plan)
    results = {result.job.source.name: result for result in run_plan(plan, work)}
    failed = results.pop("large.png")
    assert failed.status == "failed"
    assert "80000 x 60000" in failed.reason and "allow more memory" in failed.reason
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
    rich = upscaling(10**12)
    plenty = rich.cost(job)
    rich.close(job)
    assert plenty.tile_px is None
    limit = plenty.memory_bytes + PROGRAM_BYTES - 3_000_000
    work = upscaling(limit)
    work.prepare(plan)
    (result,) = run_plan(plan, work)
    assert result.status == "done"
    assert "Tiles of " in result.notes[0] and "smaller" in result.notes[0]
    (entry,) = read_manifest()
    assert entry["notes"] == list(result.notes)
    poor = upscaling(PROGRAM_BYTES + 1)
    with pytest.raises(InputError, match="may be used"):
        poor.cost(job)
    poor.close(job)
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
