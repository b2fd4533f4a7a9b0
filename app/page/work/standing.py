"""Where a piece of work stands, in a visitor's words: how long it waits and for what, how long it takes."""

from typing import Any

from remend.app.page.i18n import MESSAGES, format_message, spell_seconds
from remend.app.page.work.jobs import Job, Jobs
from remend.app.page.work.listening import find_waits

Message = dict[str, Any]


class Standing:
    """What the status line can ask while it follows a job.

    Args:
        jobs: What is running.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def standing(self, message: Message) -> Message:
        """Where the job of a number stands: ``text`` is empty where it is not known, or was given up."""
        language = str(message.get("language"))
        language = language if language in MESSAGES else "en"
        number, waited_s = int(message["job"]), float(message.get("waited", 0))
        return {"text": self._describe(number, waited_s, language)}

    def _describe(self, number: int, waited_s: float, language: str) -> str:
        before: list[Job] = []
        for job in self._jobs.running:
            if job.number != number:
                before.append(job)
            elif job.is_given_up:
                return ""
            elif job.is_waiting:
                return _describe_wait([one.seconds_left for one in before], waited_s, language)
            else:
                return _describe_work(job, language)
        waits = find_waits(number)
        if waits is None:
            return ""
        seconds = [job.seconds_left for job in before if not job.is_waiting]
        return _describe_wait([*seconds, *waits], waited_s, language)


def _describe_work(job: Job, language: str) -> str:
    left = job.seconds_left
    kind, seconds = ("so_far", job.seconds) if left is None else ("left", left)
    return format_message(language, f"{job.kind}_{kind}", seconds=spell_seconds(seconds, language))


def _describe_wait(before: list[float | None], waited_s: float, language: str) -> str:
    known = [seconds for seconds in before if seconds is not None]
    is_known = len(known) == len(before)
    key = "waiting_left" if is_known else "waiting_so_far"
    seconds = spell_seconds(sum(known) if is_known else waited_s, language)
    return format_message(language, key, count=max(1, len(before)), seconds=seconds)
