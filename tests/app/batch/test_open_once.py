"""A job opens its photo once and its mask once; behind a URL each opening is a request."""

import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image

from remend.app.batch.fill_work import FillWork
from remend.app.batch.inputs import find_inputs, match_masks
from remend.app.batch.pipeline import BatchOptions, run_plan
from remend.app.batch.plan import Naming, Plan, make_plan
from remend.app.batch.requests import FillRequest, UpscaleRequest
from remend.app.batch.restore_work import RestoreWork
from remend.app.batch.target_size import TargetSize
from remend.app.batch.upscale_work import UpscaleWork
from remend.app.batch.work import Work
from remend.app.engine.model_pool import ModelPool
from remend.models.storage.remote import to_path

MEMORY = 10**12  # as the command line does, which always looks at the memory


def encoded(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file in memory was opened or read, by its name."""
    counts: Counter[str] = Counter()
    open_file, cat_file = MemoryFileSystem._open, MemoryFileSystem.cat_file

    def counting(self: MemoryFileSystem, path: str, mode: str = "rb", *more: Any, **named: Any):
        if mode == "rb":
            counts[path.rpartition("/")[2]] += 1
        return open_file(self, path, mode, *more, **named)

    def counting_whole(self: MemoryFileSystem, path: str, *more: Any, **named: Any) -> bytes:
        counts[path.rpartition("/")[2]] += 1
        return cat_file(self, path, *more, **named)

    monkeypatch.setattr(MemoryFileSystem, "_open", counting)
    monkeypatch.setattr(MemoryFileSystem, "cat_file", counting_whole)
    return counts


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch, opened: Counter[str], tmp_path: Path) -> list[str]:
    """Photos and masks in a new storage; the photos' names. All networks are tiny ones."""
    monkeypatch.setattr("remend.app.engine.catalogue._OWN_FOLDER", tmp_path)
    monkeypatch.setattr(MemoryFileSystem, "store", {})
    storage = fsspec.filesystem("memory")
    dice = np.random.default_rng(1)
    mask = np.zeros((40, 50), np.uint8)
    mask[10:20, 10:30] = 255
    names = ["a", "b", "c"]
    for name in names:
        photo = dice.integers(0, 256, (40, 50, 3), dtype=np.uint8)
        storage.pipe_file(f"/in/{name}.png", encoded(photo))
        storage.pipe_file(f"/masks/{name}.mask.png", encoded(mask))
    opened.clear()
    return names


def test_the_count_counts(opened: Counter[str], names: list[str]):
    to_path("memory://in/a.png").read_bytes()
    with to_path("memory://in/a.png").open("rb"):
        pass
    assert opened == {"a.png": 2}


def plan_of(argument: str, out: str) -> Plan:
    inputs = find_inputs([argument], output=to_path(out))
    masks = match_masks([photo.path for photo in inputs.photos], to_path("memory://masks"))
    return make_plan(inputs, to_path(out), Naming(), masks)


def fill(pool: ModelPool) -> FillWork:
    return FillWork(pool, FillRequest(grow=1), memory_bytes=MEMORY)


def upscale(pool: ModelPool) -> UpscaleWork:
    return UpscaleWork(pool, UpscaleRequest(TargetSize(scale=2)), memory_bytes=MEMORY)


def upscale_to_width(pool: ModelPool) -> UpscaleWork:
    return UpscaleWork(pool, UpscaleRequest(TargetSize(width=100)), memory_bytes=MEMORY)


def restore(pool: ModelPool) -> RestoreWork:
    return RestoreWork(fill(pool), upscale_to_width(pool))


KINDS: dict[str, tuple[Callable[[ModelPool], Work], bool]] = {
    "fill": (fill, True),
    "upscale": (upscale, False),
    "upscale to a width": (upscale_to_width, False),
    "restore": (restore, True),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", [False, True])
def test_each_file_is_opened_once(
    kind: str, batch: bool, pool: ModelPool, names: list[str], opened: Counter[str]
):
    make, masked = KINDS[kind]
    if batch:
        plan = plan_of("memory://in", "memory://out")
    else:
        names = names[:1]
        plan = plan_of("memory://in/a.png", "memory://out/big.png")
    work = make(pool)
    work.prepare(plan)
    options = BatchOptions(memory_bytes=MEMORY)
    assert {result.status for result in run_plan(plan, work, options)} == {"done"}
    expected = {f"{name}.png": 1 for name in names}
    if masked:
        expected |= {f"{name}.mask.png": 1 for name in names}
    assert dict(opened) == expected


def test_a_dry_run_opens_each_file_once(pool: ModelPool, names: list[str], opened: Counter[str]):
    work = restore(pool)
    plan = plan_of("memory://in", "memory://out")
    work.prepare(plan)
    results = list(run_plan(plan, work, BatchOptions(dry_run=True)))
    assert {result.status for result in results} == {"planned"}
    assert set(opened.values()) == {1}
    assert len(opened) == 2 * len(names)
