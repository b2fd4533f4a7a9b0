"""Who may log in, and a brake on guessing: after a few wrong passwords each further one waits longer."""

import time
from collections.abc import Callable
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from remend.app.page.guards.answers import client_of, refuse
from remend.app.page.guards.routes import LOGIN
from remend.models.errors import RequestError

FREE_GUESSES = 5
LONGEST_WAIT_S = 600.0
_KEPT = 10_000  # clients; those that guessed longest ago are forgotten first


class PasswordGuard:
    """Counts the wrong passwords of each client; a right one ends the count."""

    def __init__(self, app: ASGIApp, clock: Callable[[], float] = time.monotonic) -> None:
        self._app, self._clock = app, clock
        self._guesses: dict[str, tuple[int, float]] = {}
        """By client: how many wrong passwords in a row, and when it may try again."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse a login with 429."""
        if scope["type"] != "http" or (scope["method"], scope["path"].rstrip("/")) != (
            "POST",
            LOGIN,
        ):
            await self._app(scope, receive, send)
            return
        client = client_of(scope)
        count, open_at = self._guesses.pop(client, (0, 0.0))
        wait = open_at - self._clock()
        if wait > 0:
            self._guesses[client] = (count, open_at)
            sentence = f"Too many wrong passwords; try again in {max(1, round(wait))} seconds."
            await refuse(scope, receive, send, 429, sentence)
            return
        # It counts as wrong until the answer: guesses sent side by side are counted, too.
        self._guesses[client] = (count + 1, self._clock() + _wait_after(count + 1))
        while len(self._guesses) > _KEPT:
            self._guesses.pop(next(iter(self._guesses)))

        async def look(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                self._guesses.pop(client, None)
            await send(message)

        await self._app(scope, receive, look)


def _wait_after(count: int) -> float:
    """Seconds after so many wrong passwords."""
    over = count - FREE_GUESSES
    return 0.0 if over < 0 else min(2.0 ** min(over, 30), LONGEST_WAIT_S)


def read_auth(path: Path) -> list[tuple[str, str]]:
    """Read a file of lines ``user:password``; empty lines are ignored.

    Raises:
        RequestError: The file cannot be read, is empty, or has a line of another form.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"{path} cannot be read as a file of user:password lines.") from error
    pairs = []
    for number, line in enumerate(lines, 1):
        user, colon, password = line.strip().partition(":")
        if user and colon and password:
            pairs.append((user, password))
        elif line.strip():
            raise RequestError(f"Line {number} of {path} is not user:password; write it so.")
    if not pairs:
        raise RequestError(f"{path} names nobody; write lines user:password into it.")
    return pairs
