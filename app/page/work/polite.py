"""Work that gives way to any other, such as measuring how quick a model is."""

from remend.app.page.work.jobs import Job, Jobs
from remend.models.progress import Cancelled, Progress


class Polite(Progress):
    """Of work that gives way to any other."""

    def __init__(self, job: Job, jobs: Jobs) -> None:
        self._job, self._jobs = job, jobs

    def update(self, done: float, total: float, note: str = "") -> None:
        """Raise `Cancelled` where something else is to be done, or nobody waits."""
        self.wait()
        self._job.update(done, total, note)

    def wait(self) -> None:
        """The same before it has begun."""
        if any(job.kind != self._job.kind for job in self._jobs.running):
            raise Cancelled
        self._job.wait()
