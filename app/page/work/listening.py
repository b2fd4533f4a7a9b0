"""What Gradio's queue knows: whether a visitor still waits for an answer, and how many are before them.

Gradio has no public name for this; all that reaches into its queue is here.
"""

from collections.abc import Callable
from typing import Any

from gradio.context import LocalContext

from remend.app.page import MODEL_QUEUE


def find_listener() -> Callable[[], bool]:
    """A function that says whether somebody still waits for the answer of the call that runs here.

    A visitor who closes or reloads the page, presses Stop, or ends their program waits no longer.
    """
    queue, event_id = _queue(), LocalContext.event_id.get(None)
    if queue is None or event_id not in queue.event_ids_to_events:
        return lambda: True

    def is_awaited() -> bool:
        event = queue.event_ids_to_events.get(event_id)
        return event is not None and event.alive

    return is_awaited


def find_waits(number: int) -> list[float | None] | None:
    """The seconds that each call will take which waits before the one of that number.

    Returns:
        None where no call of that number waits; a call's seconds are None where none was made before.
    """
    queue = _queue()
    lane = queue and queue.event_queue_per_concurrency_id.get(MODEL_QUEUE)
    before: list[float | None] = []
    for event in list(lane.queue) if lane else ():
        if number in _numbers(event.data):
            return before
        known = queue.process_time_per_fn.get(event.fn)
        before.append(known.avg_time if known else None)
    return None


def _queue() -> Any:
    page = LocalContext.blocks.get(None)
    return None if page is None else page._queue


def _numbers(body: Any) -> list[Any]:
    """The values of a call that can be the number of its job."""
    values = list(body.data or ()) if body is not None else []
    data = getattr(body, "event_data", None)
    return [*values, data.get("job")] if isinstance(data, dict) else values
