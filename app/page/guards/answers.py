"""How a guard refuses, and whom it has before it."""

import ipaddress

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from remend.app.page.i18n import MESSAGES, translate_sentence

_NETWORK_BITS = 64  # of an IPv6 address; the rest is the household's to choose


async def refuse(scope: Scope, receive: Receive, send: Send, status: int, sentence: str) -> None:
    """Answer with a sentence and an HTTP status; close a web socket."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    language = Headers(scope=scope).get("accept-language", "")[:2].lower()
    told = translate_sentence(sentence, language) if language in MESSAGES else sentence
    # Gradio's browser client reads "detail", its upload the whole text.
    headers = {"Connection": "close"} if status in (408, 413, 507) else None
    await JSONResponse({"detail": told, "error": told}, status, headers)(scope, receive, send)


def client_of(scope: Scope) -> str:
    """Who asks: an address, of IPv6 the network; behind a proxy on this machine what the proxy says."""
    return name_client((scope.get("client") or ("unknown", 0))[0])


def name_client(host: str) -> str:
    """A client's address; of IPv6 the network, in which a household has many."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _NETWORK_BITS), strict=False))
