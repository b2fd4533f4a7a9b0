"""All guards of the page's server, in the order in which a request meets them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from remend.app.page.guards.bodies import BodyGuard
from remend.app.page.guards.faults import FaultGuard
from remend.app.page.guards.hosts import AllowedHosts, HostGuard
from remend.app.page.guards.limits import Limits
from remend.app.page.guards.origins import OriginGuard
from remend.app.page.guards.passwords import PasswordGuard
from remend.app.page.guards.routes import RouteGuard


def guard(app: ASGIApp, hosts: AllowedHosts, limits: Limits) -> ASGIApp:
    """Put the guards before an application."""
    guarded: ASGIApp = BodyGuard(app, limits.body)
    guarded = PasswordGuard(guarded)
    guarded = FaultGuard(guarded)
    guarded = RouteGuard(guarded)
    guarded = OriginGuard(guarded)
    guarded = HostGuard(guarded, hosts)

    async def pick(scope: Scope, receive: Receive, send: Send) -> None:
        await (guarded if scope["type"] in ("http", "websocket") else app)(scope, receive, send)

    return pick


def guarding_lifespan(
    put: Callable[[ASGIApp], ASGIApp],
) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """A lifespan that puts guards outside all that Gradio has, before the first request is served.

    Gradio puts its own middleware outside of what it is given, and would answer other origins there.
    """

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        app.middleware_stack = put(app.middleware_stack)
        yield

    return lifespan
