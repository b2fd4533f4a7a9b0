"""Photos side by side: stages, devices, and files opened once."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from remend.app.batch.pipeline import BatchOptions, Pipeline, run_plan
from remend.app.batch.plan import Job, Plan
from remend.app.batch.requests import UpscaleRequest
from remend.app.batch.target_size import TargetSize
from remend.app.batch.upscale_work import UpscaleWork
from remend.app.batch.work import LoadedPhoto, RestoredPhoto
from remend.app.engine.model_pool import ModelPool
from remend.models.device import choose_placement
from remend.models.imaging.picture import Picture
from remend.models.progress import Progress
from tests.helpers.batches import make_tree, plan_in


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_models: Path) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("remend.app.engine.catalogue._OWN_FOLDER", tmp_path / "none")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path


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

    def close(self, job: Job) -> None:
        pass

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
    pipeline = Pipeline(work, BatchOptions(stop_on_error=True))  # pyright: ignore[reportArgumentType]
    assert pipeline.width == 1


def test_two_devices_work_at_the_same_time_and_give_the_same_bytes():
    make_tree(good=6, bad=0, side=60)
    placement = choose_placement("cpu", "fp32")

    def run(pool: ModelPool, out: str) -> dict[str, bytes]:
        work = UpscaleWork(pool, UpscaleRequest(TargetSize(scale=2)))
        plan = plan_in(out)
        work.prepare(plan)
        assert {result.status for result in run_plan(plan, work)} == {"done"}
        return {job.output.name: job.output.read_bytes() for job in plan.jobs}

    two = ModelPool([placement, placement])
    assert two.devices == 2
    assert run(two, "two") == run(ModelPool([placement]), "one")
