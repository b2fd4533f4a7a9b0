"""The same jobs on a Ray cluster: actors hold the networks, this process keeps the plan and the record.

Every machine of the cluster has Remend installed and sees the same folders under the same paths: by a
shared disk, or behind URLs. When a worker or its machine is lost, Ray starts the actor again elsewhere and
gives it the photo anew; outputs appear whole or not at all, so doing one twice harms nothing.
"""

import importlib
import pickle
import queue
import time
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from remend.app.batch.failures import Explain, explain_failure
from remend.app.batch.manifest import Result
from remend.app.batch.plan import Job
from remend.app.batch.work import Work
from remend.models.errors import OptionError, RequestError

_ATTEMPTS = 5  # at a photo, before it counts as one that kills its workers


class RayExecutor:
    """Carries out jobs on a cluster, for ``app.batch.pipeline``; results come in any order.

    Args:
        address: Of the head node, ``host:port``; ``auto`` = the one that runs here.
        work: What is done to each photo; its networks are loaded on the workers.
        explain: See `Explain`; a function of a module, which the workers import.

    Raises:
        RequestError: Ray is not installed, or no cluster answers there.
    """

    in_order = False
    memory_bytes: int | None = None  # each machine has its own

    def __init__(self, address: str, work: Work, explain: Explain = explain_failure) -> None:
        self._ray, self._work = _join(address), work
        nodes = [node for node in self._ray.nodes() if node["Alive"]]
        cpus = [int(node["Resources"].get("CPU", 0)) for node in nodes]
        gpus = int(self._ray.cluster_resources().get("GPU", 0))
        # A GPU serves one actor; without any, a node serves one, whose network uses all its cores.
        share = (
            {"num_gpus": 1, "num_cpus": 0}
            if gpus
            else {"num_cpus": max(1, min(filter(None, cpus)))}
        )
        self.width = gpus or sum(1 for number in cpus if number)
        restarts = {"max_restarts": -1, "max_task_retries": _ATTEMPTS - 1}
        self._actor_class = self._ray.remote(**restarts, **share)(_worker_class())
        self._pickled = pickle.dumps((work, explain))
        self._actors: list[Any] = []
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._outcomes: set[Future[Result]] = set()

    def submit(self, job: Job) -> "Future[Result]":
        """Give a job to an actor that is idle, or to a new one."""
        self._work.close(job)  # the actor opens the photo where it is
        try:
            actor = self._idle.get_nowait()
        except queue.Empty:
            actor = self._actor_class.remote(self._pickled)
            self._actors.append(actor)
        begin = time.monotonic()
        outcome: Future[Result] = Future()

        def end(task: "Future[Result]") -> None:
            self._idle.put(actor)
            self._outcomes.discard(outcome)
            if not outcome.set_running_or_notify_cancel():
                return
            if (error := task.exception()) is None:
                outcome.set_result(replace(task.result(), job=job))
            elif isinstance(error, self._ray.exceptions.RayError):
                reason = f"Its workers were lost {_ATTEMPTS} times ({type(error).__name__})."
                seconds = time.monotonic() - begin
                outcome.set_result(Result(job, "failed", seconds, (), reason))
            else:
                outcome.set_exception(error)

        self._outcomes.add(outcome)
        actor.perform.remote(pickle.dumps(_absolute(job))).future().add_done_callback(end)
        return outcome

    def close(self) -> None:
        """End all actors, and what they work on."""
        for outcome in list(self._outcomes):
            outcome.cancel()
        while self._actors:
            self._ray.kill(self._actors.pop())


def _join(address: str) -> Any:
    """Join a cluster; returns the package ray."""
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError as error:
        raise RequestError(
            "A cluster needs the package ray; install it with: pip install 'remend[cluster]'"
        ) from error
    if not ray.is_initialized():
        try:
            ray.init(address, log_to_driver=False, logging_level="ERROR")
        except Exception as error:  # each kind of wrong address has its own
            problem = f"is the address of no Ray cluster that answers ({error})"
            raise OptionError("cluster", address, problem) from error
    return ray


def _absolute(job: Job) -> Job:
    """The same files for a process that runs in another folder."""
    mask = job.mask and job.mask.absolute()
    return Job(job.source.absolute(), job.output.absolute(), mask)


def _worker_class() -> type:
    """The actor's class; made here so that it travels by value and finds Remend where it is installed."""

    class Worker:
        def __init__(self, pickled: bytes) -> None:
            pipeline = importlib.import_module("remend.app.batch.pipeline")
            work, explain = pickle.loads(pickled)
            self._pipeline = pipeline.Pipeline(work, explain=explain)

        def perform(self, pickled: bytes) -> Any:
            return self._pipeline.perform(pickle.loads(pickled))

    return Worker
