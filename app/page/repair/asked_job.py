"""Work that the browser asked for with a number, so that it can stop it: run, and answered whatever comes."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from remend.app.page.guards.messages import Message as CheckedMessage
from remend.app.page.status import explain
from remend.app.page.work.jobs import Job, Jobs
from remend.app.page.work.listening import find_listener
from remend.models.progress import Cancelled

Message = dict[str, Any]


def run_asked(
    jobs: Jobs,
    kind: str,
    event: gr.EventData,
    request: gr.Request,
    work: Callable[[Message, Job], Message],
) -> Message:
    """Do the work of an event's message as a job.

    Args:
        jobs: What is running.
        kind: What the job is called.
        event: Its message has the ``job``'s number, the key of the ``photo`` and the ``language``.
        request: Tells whose work it is.
        work: Is given the message and the job; gives what the browser is told.

    Returns:
        That and the ``job``'s number; instead of it ``stopped``, or an ``error`` as a sentence.
    """
    message: Message = event._data if isinstance(event._data, dict) else {}
    result: Message = {"job": message.get("job")}
    try:
        message = CheckedMessage(message)
        visitor = {"session": request.session_hash or "", "is_awaited": find_listener()}
        with jobs.run(kind, message["photo"], int(message["job"]), **visitor) as job:
            result |= work(message, job)
    except Cancelled:
        result["stopped"] = True
    except Exception as error:
        result["error"] = explain(error, str(message.get("language")))
    return result
