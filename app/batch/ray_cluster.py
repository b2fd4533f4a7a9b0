"""The same jobs on a Ray cluster: actors hold the networks, this process keeps the plan and the record.

Every machine of the cluster has Remend installed and sees the same folders under the same paths: by a
shared disk, or behind URLs. When a worker or its machine is lost, Ray starts the actor again elsewhere and
gives it the photo anew; outputs appear whole or not at all, so doing one twice harms nothing.
"""

import importlib
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from remend.app.batch.manifest import Result
from remend.app.batch.plan import Job
from remend.app.batch.work import Work
from remend.models.errors import RequestError

_ATTEMPTS = 5  # at a photo, before it counts as one that kills its workers


def perform_on_cluster(address: str, work: Work) -> Callable[[Sequence[Job]], Iterator[Result]]:
    """Join a cluster.

    Args:
        address: Of the head node, ``host:port``; ``auto`` = the one that runs here.
        work: What is done to each photo; its networks are loaded on the workers.

    Returns:
        What does jobs on the cluster and tells of each as it ends, in any order.

    Raises:
        RequestError: Ray is not installed, or no cluster answers there.
    """
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError as error:
        raise RequestError(
            "--cluster needs the package ray; install it with: pip install 'remend[cluster]'"
        ) from error
    if not ray.is_initialized():
        try:
            ray.init(address, log_to_driver=False, logging_level="ERROR")
        except Exception as error:  # each kind of wrong address has its own
            raise RequestError(
                f"No Ray cluster answers at --cluster {address} ({error})."
            ) from error
    return lambda jobs: _perform(jobs, work, ray)


def _perform(jobs: Sequence[Job], work: Work, ray: Any) -> Iterator[Result]:
    nodes = [node for node in ray.nodes() if node["Alive"]]
    cpus = [int(node["Resources"].get("CPU", 0)) for node in nodes]
    gpus = int(ray.cluster_resources().get("GPU", 0))
    # A GPU serves one actor; without any, a node serves one, whose network uses all its cores.
    share = (
        {"num_gpus": 1, "num_cpus": 0} if gpus else {"num_cpus": max(1, min(filter(None, cpus)))}
    )
    count = min(len(jobs), gpus or sum(1 for number in cpus if number))
    actor = ray.remote(max_restarts=-1, max_task_retries=_ATTEMPTS - 1, **share)(_worker_class())
    held = pickle.dumps(work)
    actors = [actor.remote(held) for _ in range(count)]
    waiting = iter(jobs)
    running: dict[Any, tuple[Any, Job, float]] = {}

    def give(to: Any) -> None:
        if (job := next(waiting, None)) is not None:
            running[to.perform.remote(pickle.dumps(_absolute(job)))] = (to, job, time.monotonic())

    try:
        for each in actors:
            give(each)
        while running:
            (ended,), _ = ray.wait(list(running), num_returns=1)
            worker, job, begin = running.pop(ended)
            try:
                yield replace(ray.get(ended), job=job)
            except ray.exceptions.RayError as error:
                reason = f"Its workers were lost {_ATTEMPTS} times ({type(error).__name__})."
                yield Result(job, "failed", time.monotonic() - begin, (), reason)
            give(worker)
    finally:
        for each in actors:
            ray.kill(each)


def _absolute(job: Job) -> Job:
    """The same files for a process that runs in another folder."""
    mask = job.mask and job.mask.absolute()
    return Job(job.source.absolute(), job.output.absolute(), mask)


def _worker_class() -> type:
    """The actor's class; made here so that it travels by value and finds Remend where it is installed."""

    class Worker:
        def __init__(self, pickled: bytes) -> None:
            self._work = pickle.loads(pickled)

        def perform(self, pickled: bytes) -> Any:
            pipeline = importlib.import_module("remend.app.batch.pipeline")
            return pipeline.Pipeline(self._work, pipeline.BatchOptions()).perform(
                pickle.loads(pickled)
            )

    return Worker
