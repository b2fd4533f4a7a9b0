"""All guards of the page's server, in the order in which a request meets them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from remend.app.page.guards.bodies import BodyGuard
from remend.app.page.guards.disk import DiskBudget
from remend.app.page.guards.fairness import Lanes, QueueGuard
from remend.app.page.guards.faults import FaultGuard
from remend.app.page.guards.hosts import AllowedHosts, HostGuard
from remend.app.page.guards.limits import Limits
from remend.app.page.guards.origins import OriginGuard
from remend.app.page.guards.passwords import PasswordGuard
from remend.app.page.guards.routes import RouteGuard
from remend.app.page.guards.silent import SilentConnections
from remend.app.page.guards.uploads import UploadGuard

_log = logging.getLogger(__name__)


def guard(
    app: ASGIApp, queue: QueueGuard, hosts: AllowedHosts, budget: DiskBudget, limits: Limits
) -> ASGIApp:
    """Put the guards before an application, the innermost of which is ``queue``."""
    guarded: ASGIApp = UploadGuard(queue, budget)
    guarded = BodyGuard(guarded, limits.body)
    guarded = PasswordGuard(guarded)
    guarded = FaultGuard(guarded)
    guarded = RouteGuard(guarded)
    guarded = OriginGuard(guarded)
    guarded = HostGuard(guarded, hosts)

    async def pick(scope: Scope, receive: Receive, send: Send) -> None:
        await (guarded if scope["type"] in ("http", "websocket") else app)(scope, receive, send)

    return pick


def guarding_lifespan(
    hosts: AllowedHosts, budget: DiskBudget, limits: Limits
) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """A lifespan that puts guards outside all that Gradio has, before the first request is served.

    Gradio puts its own middleware outside of what it is given, and would answer other origins there.
    """

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        inner, page = app.middleware_stack, app.get_blocks()
        queue = QueueGuard(inner, Lanes(page._queue), limits.patience_s)
        app.middleware_stack = guard(inner, queue, hosts, budget, limits)
        sweep = partial(_sweep, budget, SilentConnections(page))
        watching = [
            asyncio.create_task(_repeat(sweep, limits.sweep_s)),
            asyncio.create_task(_repeat(queue.drop_unheard, queue.pause_s)),
        ]
        try:
            yield
        finally:
            for task in watching:
                task.cancel()

    return lifespan


async def _sweep(budget: DiskBudget, connections: SilentConnections) -> None:
    """Remove what no visitor needs any more."""
    connections.close_old()
    budget.remove_dead_uploads()
    await run_in_threadpool(budget.sweep)


async def _repeat(work: Callable[[], Awaitable[None]], pause_s: float) -> None:
    """Do something again and again, also after it failed."""
    while True:
        await asyncio.sleep(pause_s)
        try:
            await work()
        except Exception:
            _log.exception("Cleaning up after visitors failed; it is tried again.")
