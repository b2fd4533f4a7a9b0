"""The jobs of a batch on a real Ray cluster of two nodes on this machine, one of whose workers is killed."""

import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from remend.app.batch.inputs import find_inputs
from remend.app.batch.manifest import Manifest
from remend.app.batch.pipeline import BatchOptions, run_plan
from remend.app.batch.plan import Naming, Plan, make_folder, make_plan
from remend.app.batch.requests import UpscaleRequest
from remend.app.batch.target_size import TargetSize
from remend.app.batch.upscale_work import UpscaleWork
from remend.app.engine.model_pool import ModelPool
from remend.models.device import choose_placement
from remend.models.errors import RequestError
from remend.models.progress import NO_PROGRESS
from tests.helpers.paths import ROOT

MARK = secrets.token_hex(8)


@pytest.fixture
def work(tiny_models: Path) -> UpscaleWork:
    pool = ModelPool([choose_placement("cpu", "fp32")])
    return UpscaleWork(pool, UpscaleRequest(TargetSize(scale=2)))


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head node and a second one, each with one core."""
    import ray
    from ray.cluster_utils import Cluster

    root = str(ROOT)
    monkeypatch.setenv("PYTHONPATH", root)
    monkeypatch.setenv("REMEND_TEST_CLUSTER", MARK)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    node: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    cluster.add_node(**node)
    cluster.wait_for_nodes()
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def worker_pids() -> list[int]:
    """Processes of this test's actors: by their name, and by what its cluster's processes inherit."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_worker = (process / "cmdline").read_bytes().startswith(b"ray::Worker")
            if is_worker and MARK.encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
    return found


def make_photos(number: int) -> Plan:
    for index in range(number):
        dice = np.random.default_rng(index)
        photo = Image.fromarray(dice.integers(0, 256, (90, 100, 3), dtype=np.uint8))
        Path("in").mkdir(exist_ok=True)
        photo.save(f"in/{index:02}.png")
    Path("in/bad.png").write_bytes(b"no picture")
    found = find_inputs(["in"], output=Path("out"))
    make_folder(Path("out"))
    return make_plan(found, Path("out"), Naming())


@pytest.mark.slow
def test_a_lost_worker_loses_no_photo(
    cluster: Any, work: UpscaleWork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import ray

    from remend.app.batch.ray_cluster import RayExecutor

    monkeypatch.chdir(tmp_path)
    plan = make_photos(40)
    executor = RayExecutor(cluster.address, work)
    killed: list[int] = []

    def kill_one() -> None:
        end = time.monotonic() + 200
        while not killed and time.monotonic() < end:
            if len(list(Path("out").glob("*.png"))) >= 3:
                pid = worker_pids()[0]
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
            time.sleep(0.02)

    killer = threading.Thread(target=kill_one)
    killer.start()
    results = list(run_plan(plan, work, BatchOptions(), executor))
    killer.join()
    assert killed
    assert len(ray.nodes()) == 2
    by_name = {result.job.source.name: result for result in results}
    assert len(results) == len(by_name) == 41
    assert by_name.pop("bad.png").status == "failed"
    assert {result.status for result in by_name.values()} == {"done"}
    manifest = Manifest(Path("out"), work)
    assert all(manifest.is_done(job) for job in plan.jobs if job.source.name != "bad.png")
    local = tmp_path / "local.png"
    first = plan.jobs[0]
    work.write(work.restore(work.read(first), NO_PROGRESS), type(first)(first.source, local))
    assert local.read_bytes() == first.output.read_bytes()


def test_an_address_where_nobody_answers_is_refused(work: UpscaleWork):
    from remend.app.batch.ray_cluster import RayExecutor

    with pytest.raises(RequestError, match=r"cluster=nowhere is the address of no Ray cluster"):
        RayExecutor("nowhere", work)


def test_without_ray_its_extra_is_named(work: UpscaleWork, monkeypatch: pytest.MonkeyPatch):
    from remend.app.batch.ray_cluster import RayExecutor

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RequestError, match=r"remend\[cluster\]"):
        RayExecutor("auto", work)
