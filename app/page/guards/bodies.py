"""What may be sent: how much, how slowly, and what a call may hold.

A call is JSON, and small; files go to one address alone. Whoever stops sending in the middle is sent away.
"""

import asyncio
import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any, NoReturn

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from remend.app.page.guards.answers import client_of, refuse
from remend.app.page.guards.routes import LOGIN, UPLOAD, is_url
from remend.models.errors import RequestError

_MALFORMED = "The call is malformed; send what docs/api.md describes, or reload the page."


@dataclass(frozen=True)
class BodyLimits:
    """How much, how slowly.

    Attributes:
        upload_bytes: Of an upload, all of its files together.
        call_bytes: Of any other body.
        stall_s: Seconds that may pass between two pieces.
        call_s: Seconds until the body of a call is there.
        upload_s: Seconds until an upload is there.
        at_once: Bodies that one client may be sending at the same time.
    """

    upload_bytes: int = 2_000_000_000
    call_bytes: int = 2_000_000
    stall_s: float = 30.0
    call_s: float = 60.0
    upload_s: float = 3600.0
    at_once: int = 32


class BodyGuard:
    """Refuses bodies beyond the limits, and calls that name a URL as a file or hold what is no JSON."""

    def __init__(self, app: ASGIApp, limits: BodyLimits) -> None:
        self._app, self._limits = app, limits
        self._sending: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; refuse with 408, 413 or 429 what is too much, with 400 what is malformed."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        client = client_of(scope)
        if self._sending[client] >= self._limits.at_once:
            sentence = (
                f"More than {self._limits.at_once} calls are being sent from here; wait for them."
            )
            await refuse(scope, receive, send, 429, sentence)
            return
        self._sending[client] += 1
        try:
            await self._pass(scope, receive, send)
        finally:
            self._sending[client] -= 1
            self._sending += Counter()  # forgets who sends nothing

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, limits = scope["path"].rstrip("/"), self._limits
        if path == UPLOAD:
            paced = _Paced(receive, limits.upload_bytes, limits.stall_s, limits.upload_s)
            await self._pass_upload(paced, scope, send)
            return
        paced = _Paced(receive, limits.call_bytes, limits.stall_s, limits.call_s)
        try:
            body = await paced.read_all()
            if path != LOGIN:
                check_call(body)
        except _TooMuchError as error:
            await refuse(scope, receive, send, error.status, str(error))
        except RequestError as error:
            await refuse(scope, receive, send, 400, str(error))
        else:
            if body is not None:
                await self._app(scope, _replay(body, receive), send)

    async def _pass_upload(self, paced: "_Paced", scope: Scope, send: Send) -> None:
        """Stream it on. An upload that ends early is, for Gradio, one whose client is gone."""
        started = False

        async def note_start(message: Message) -> None:
            nonlocal started
            if paced.error is None:
                started = True
                await send(message)

        try:
            await self._app(scope, paced.receive, note_start)
        except Exception:
            if paced.error is None:
                raise
        if paced.error is not None and not started:
            await refuse(scope, paced.receive, send, paced.error.status, str(paced.error))


class _TooMuchError(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class _Paced:
    """Receives a body within the limits; after an error the client counts as gone."""

    def __init__(self, receive: Receive, most: int, stall_s: float, total_s: float) -> None:
        self._receive, self._left, self._most = receive, most, most
        self._stall_s, self._end = stall_s, asyncio.get_running_loop().time() + total_s
        self._ended = False
        self.error: _TooMuchError | None = None

    async def receive(self) -> Message:
        if self._ended:
            return await self._receive()
        try:
            return await self._next()
        except _TooMuchError as error:
            self.error = error
            return {"type": "http.disconnect"}

    async def read_all(self) -> bytes | None:
        """The whole body; None = the client is gone."""
        pieces = []
        while not self._ended:
            message = await self._next()
            if message["type"] == "http.disconnect":
                return None
            pieces.append(message.get("body", b""))
        return b"".join(pieces)

    async def _next(self) -> Message:
        wait = min(self._stall_s, self._end - asyncio.get_running_loop().time())
        try:
            message = await asyncio.wait_for(self._receive(), max(wait, 0.001))
        except TimeoutError:
            raise _TooMuchError(408, "The sending stopped in the middle; send it again.") from None
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _TooMuchError(
                413, f"More than {self._most / 1e6:g} MB were sent at once; send less at a time."
            )
        self._ended = not message.get("more_body", False)
        return message


def _replay(body: bytes, receive: Receive) -> Receive:
    """Gives the body once, then whatever follows."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return waiting.pop() if waiting else await receive()

    return give


def check_call(body: bytes | None) -> None:
    """Check the body of a call.

    Raises:
        RequestError: It is no JSON object, holds a number that is none, or names a URL where a file belongs.
    """
    if body is None:
        return
    try:
        call = json.loads(body, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise RequestError(_MALFORMED) from error
    if not isinstance(call, dict):
        raise RequestError(_MALFORMED)
    _check_files(call)


def _check_files(call: Any) -> None:
    waiting = [call]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            path = found.get("path")
            if isinstance(path, str) and is_url(path):
                raise RequestError("This server fetches nothing from elsewhere; upload the file.")
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number
