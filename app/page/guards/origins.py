"""What other web sites may do with the page: link to it, nothing else.

A browser says from which site a request comes (``Origin``, ``Sec-Fetch-Site``). Programs say nothing of
the kind, and need not: they are not sent by a site that somebody visits.
"""

from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from remend.app.page.guards.answers import refuse

_REFUSAL = "Another web site asked for this; open the page itself."


class OriginGuard:
    """Refuses what comes from another origin, and lets no answer be read by one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its answer made strict, or refuse it with 403."""

        async def send_strict(message: Message) -> None:
            if message["type"] == "http.response.start":
                _make_strict(MutableHeaders(scope=message))
            await send(message)

        if _is_own(scope) or _is_link(scope):
            await self._app(scope, receive, send_strict)
        else:
            await refuse(scope, receive, send, 403, _REFUSAL)


def _is_own(scope: Scope) -> bool:
    """Whether the page itself asks, or a program."""
    headers = Headers(scope=scope)
    origins = headers.getlist("origin")
    is_same = all(
        origin.lower() in {f"{scheme}://{headers.get('host', '').lower()}" for scheme in _SCHEMES}
        for origin in origins
    )
    return is_same and headers.get("sec-fetch-site", "none") in ("none", "same-origin")


_SCHEMES = ("http", "https")  # a proxy in front speaks https, this server does not


def _is_link(scope: Scope) -> bool:
    """Whether somebody follows a link to the page's address, in a window of its own."""
    headers = Headers(scope=scope)
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and scope["path"] == "/"
        and "origin" not in headers
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


def _make_strict(headers: MutableHeaders) -> None:
    """Take back what Gradio allows other sites; cookies go to the page only."""
    for name in [name for name in headers if name.startswith("access-control-")]:
        del headers[name]
    if cookies := headers.getlist("set-cookie"):
        del headers["set-cookie"]
        for cookie in cookies:
            headers.append("set-cookie", _strict_cookie(cookie))
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Content-Security-Policy", "frame-ancestors 'self'")
    headers.setdefault("Referrer-Policy", "same-origin")


def _strict_cookie(text: str) -> str:
    try:
        cookies = SimpleCookie(text)
    except CookieError:
        return text
    for cookie in cookies.values():
        cookie["samesite"] = "strict"
        cookie["httponly"] = True
    return cookies.output(header="", sep="").strip()
