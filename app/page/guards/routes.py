"""Which addresses of the server are open: those that the page, its browser and ``gradio_client`` use.

Gradio has more, among them one that tells the token of a login and one that fetches what it is told; an
address that a later Gradio adds is closed until it stands here.
"""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from remend.app.page.guards.answers import refuse

API = "/gradio_api"
UPLOAD, JOIN = f"{API}/upload", f"{API}/queue/join"
COMPONENT_SERVER, CALLS = f"{API}/component_server", f"{API}/call/"
LOGIN = "/login"

_READ = re.compile(
    r"/|/(?:config|theme\.css|robots\.txt|favicon\.ico|manifest\.json|logout)|/(?:pwa_icon|login)"
    r"|/(?:static|assets|svelte|remend)/.+"
    rf"|{API}/(?:info|app_id|login_check|user|startup-events|openapi\.json|theme\.css|upload_progress)"
    rf"|{API}/(?:queue/data|queue/status|heartbeat/[^/]+|call/(?:v2/)?[^/]+/[^/]+|file=.+)",
    re.DOTALL,
)
_CHANGE = re.compile(
    rf"{LOGIN}|{UPLOAD}|{JOIN}|{COMPONENT_SERVER}|{API}/(?:cancel|reset)"
    rf"|{API}/(?:run|api|call|call/v2)/[^/]+"
)
_URL = re.compile(r"\s*[a-z][a-z0-9+.-]+:|\s*[\\/]{2}", re.IGNORECASE)


def is_url(text: str) -> bool:
    """Whether a text that shall name a file names a place in a network."""
    return bool(_URL.match(text)) and not re.match(r"[a-zA-Z]:[\\/]", text)


class RouteGuard:
    """Closes every other address, and those of files elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it with 404, 403 for a file behind a URL."""
        if scope["type"] == "http" and is_open(scope["method"], scope["path"]):
            if is_url(scope["path"].partition("/file=")[2]):
                sentence = "This server fetches nothing from elsewhere; upload the file."
                await refuse(scope, receive, send, 403, sentence)
            else:
                await self._app(scope, receive, send)
            return
        await refuse(scope, receive, send, 404, "There is nothing at this address.")


def is_open(method: str, path: str) -> bool:
    """Whether there is something at an address, for that method."""
    path = path.rstrip("/") or "/"
    if method in ("GET", "HEAD"):
        return bool(_READ.fullmatch(path))
    return method == "POST" and bool(_CHANGE.fullmatch(path))
