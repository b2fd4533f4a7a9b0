"""What is said of a photo that failed: the sentence that a person reads and that the manifest keeps."""

from collections.abc import Callable

from remend.app.batch.plan import Job
from remend.app.engine.crash_report import explain_unexpected
from remend.models.errors import RemendError
from remend.models.inference.upscaler import is_out_of_memory

Explain = Callable[[Exception, Job], str]
"""Makes the sentence for what went wrong with a job, in the words of a face."""


def explain_failure(error: Exception, job: Job) -> str:
    """The sentence for whatever went wrong with a job."""
    if isinstance(error, RemendError):
        return str(error)
    if is_out_of_memory(error):
        return "There is not enough memory for it; close other programs or try a smaller picture."
    if isinstance(error, OSError):
        what = error.filename or job.output
        return f"{what} cannot be read or written ({error.strerror or error})."
    return explain_unexpected(error, [str(job.source)])
