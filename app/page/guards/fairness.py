"""A fair share of the queue for each client, and an end of work for which nobody waits.

Gradio has no public name for what waits in its queue; what is looked at of it stands in ``Lanes``.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from remend.app.page.guards.answers import client_of, refuse
from remend.app.page.guards.routes import CALLS, JOIN

PLACES, PLACES_OF_ONE = 64, 4
"""How many calls may wait: of all clients, of one."""

_CLIENTS_KEPT = 1000
_LOOKS = 10  # at who listens, until patience is over
_STREAM = re.compile(r"/gradio_api/(?:queue/data|call/(?:v2/)?[^/]+/(?P<event>[^/]+))/?")


class Lanes:
    """Gradio's queue: which calls wait and run, whose they are."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue
        self._in_order: dict[str, str] = {}
        """By call, in the order of the queue when it was last shared out: its client."""
        self._turns = itertools.count(1)
        self._last_turn: dict[str, int] = {}
        """By client: when it last had a turn."""

    def count_waiting(self, client: str) -> int:
        """How many calls of a client wait."""
        events = (event for lane in self._lanes() for event in lane.queue)
        return sum(client_of(event.request.scope) == client for event in events)

    def share_out(self) -> None:
        """Let clients take turns: the first call of each, then the second of each.

        Among the first ones, that of the client whose last turn was longest ago comes first.
        """
        waiting = {event._id for lane in self._lanes() for event in lane.queue}
        for call, client in self._in_order.items():
            if call not in waiting:
                self._last_turn.pop(client, None)
                self._last_turn[client] = next(self._turns)
        for client in list(self._last_turn)[:-_CLIENTS_KEPT]:
            del self._last_turn[client]
        self._in_order = {}
        for lane in self._lanes():
            lane.queue.sort(key=lambda event: event.enqueue_time)
            asked: Counter[str] = Counter()
            keys = {}
            for event in lane.queue:
                client = client_of(event.request.scope)
                asked[client] += 1
                keys[event._id] = (asked[client], self._last_turn.get(client, 0))
            lane.queue.sort(key=lambda event: keys[event._id])
            self._in_order |= {event._id: client_of(event.request.scope) for event in lane.queue}

    def calls(self) -> dict[str, str]:
        """By the name of a call that waits or runs: that of its session."""
        events = list(self._queue.event_ids_to_events.values())
        return {event._id: event.session_hash for event in events}

    async def drop(self, call: str) -> None:
        """Take a waiting call away, and note of a running one that nobody waits for it."""
        await self._queue.clean_events(event_id=call)

    def _lanes(self) -> Iterable[Any]:
        return self._queue.event_queue_per_concurrency_id.values()


class QueueGuard:
    """Refuses calls of a client that has enough of them waiting, and knows who listens for answers.

    Args:
        app: What comes next.
        lanes: The queue.
        patience_s: Seconds for which a call stays while nobody listens for its answer.
    """

    def __init__(self, app: ASGIApp, lanes: Lanes, patience_s: float) -> None:
        self._app, self._lanes = app, lanes
        self.pause_s = patience_s / _LOOKS
        """Patience is counted by looks, not by the clock: who was not served could not listen meanwhile."""
        self._listening: Counter[str] = Counter()
        """By session and by call: how many connections wait for an answer."""
        self._unheard: dict[str, int] = {}
        """By call: at how many looks in a row nobody listened for it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse a call with 429."""
        path = scope.get("path", "").rstrip("/")
        if scope["type"] == "http" and scope["method"] == "POST" and is_call(path):
            await self._queue_up(scope, receive, send)
        elif scope["type"] == "http" and (name := _listens_for(scope)):
            self._listening[name] += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._listening[name] -= 1
                self._listening += Counter()  # forgets for whom nobody listens
        else:
            await self._app(scope, receive, send)

    async def _queue_up(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._lanes.count_waiting(client_of(scope)) >= PLACES_OF_ONE:
            sentence = f"{PLACES_OF_ONE} calls of yours wait already; send the next when one of them is done."
            await refuse(scope, receive, send, 429, sentence)
            return
        await self._app(scope, receive, send)
        self._lanes.share_out()

    async def drop_unheard(self) -> None:
        """Drop the calls for which nobody has listened for a while; to be called each ``pause_s``."""
        calls = self._lanes.calls()
        before, self._unheard = self._unheard, {}
        for call, session in calls.items():
            if not (self._listening[call] or self._listening[session]):
                self._unheard[call] = before.get(call, 0) + 1
                if self._unheard[call] > _LOOKS:
                    await self._lanes.drop(call)


def is_call(path: str) -> bool:
    """Whether a post to an address puts a call into the queue."""
    return path == JOIN or path.startswith(CALLS)


def _listens_for(scope: Scope) -> str:
    """The session or call for whose answers a request asks; "" = for none."""
    found = _STREAM.fullmatch(scope["path"]) if scope["method"] == "GET" else None
    if found is None:
        return ""
    asked = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    return found["event"] or asked.get("session_hash", [""])[0]
