"""What Gradio answers with an error that tells nothing: here it becomes a sentence.

The page's own functions turn their errors into sentences themselves. What comes through here was raised
before one of them was reached: the call is malformed, the disk is full, or the client is gone.
"""

import errno
import logging

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from remend.app.page.guards.answers import refuse

_log = logging.getLogger(__name__)

DISK_FULL = "The disk of the page's server is full; try again later, or free some space there."
_MALFORMED = "The call is malformed; send what docs/api.md describes, or reload the page."


class FaultGuard:
    """Answers with 507 when the disk is full and with 400 what failed for another reason."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; an error without an answer of its own is answered here."""
        held: list[Message] = []
        started = False

        async def hold_faults(message: Message) -> None:
            nonlocal started
            is_fault = message["type"] == "http.response.start" and message["status"] == 500
            if held or is_fault:
                held.append(message)
                return
            started = True
            await send(message)

        try:
            await self._app(scope, receive, hold_faults)
        except ClientDisconnect:
            return
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            _log.info("A request failed: %s", scope["path"], exc_info=error)
            if isinstance(error, OSError) and is_disk_full(error):
                await refuse(scope, receive, send, 507, DISK_FULL)
            else:
                await refuse(scope, receive, send, 400, _MALFORMED)
            return
        for message in held:
            await send(message)


def is_disk_full(error: OSError) -> bool:
    """Whether an error says that a disk, or a person's part of it, has no room."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
