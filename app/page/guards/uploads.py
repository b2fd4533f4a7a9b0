"""Uploads within the budget of disk: room is set aside first, and nothing of a failed upload stays."""

import json

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from remend.app.page.guards.answers import client_of, refuse
from remend.app.page.guards.disk import DiskBudget
from remend.app.page.guards.routes import UPLOAD
from remend.models.errors import RequestError


class UploadGuard:
    """Refuses uploads for which there is no room, and notes whose files the others are."""

    def __init__(self, app: ASGIApp, budget: DiskBudget) -> None:
        self._app, self._budget = app, budget

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; refuse with 507 an upload without room, with 411 one that hides its length."""
        if scope["type"] != "http" or scope["path"].rstrip("/") != UPLOAD:
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if not length.isdecimal():
            await refuse(
                scope, receive, send, 411, "The upload does not say how long it is; say it."
            )
            return
        visitor, size = client_of(scope), int(length)
        try:
            await run_in_threadpool(self._budget.reserve, visitor, size)
        except RequestError as error:
            # A browser shows the answer only once it has sent all.
            while (await receive()).get("more_body", False):
                pass
            await refuse(scope, receive, send, 507, str(error))
            return
        try:
            await self._pass(scope, receive, send, visitor)
        finally:
            self._budget.release(visitor, size)
            self._budget.remove_dead_uploads()

    async def _pass(self, scope: Scope, receive: Receive, send: Send, visitor: str) -> None:
        pieces: list[bytes] = []

        async def look(message: Message) -> None:
            if message["type"] == "http.response.body":
                pieces.append(message.get("body", b""))
                if not message.get("more_body", False):
                    self._charge(visitor, b"".join(pieces))
            await send(message)

        # Its answer is read here, so it may not be packed.
        headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        await self._app({**scope, "headers": headers}, receive, look)

    def _charge(self, visitor: str, answer: bytes) -> None:
        try:
            paths = json.loads(answer)
        except ValueError:
            return  # a refusal of Gradio's
        if isinstance(paths, list):
            for path in paths:
                self._budget.charge(visitor, self._budget.entry_of(str(path)))
