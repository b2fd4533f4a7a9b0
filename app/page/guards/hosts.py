"""By which names the page may be reached: a name of a stranger that leads here is refused (DNS rebinding)."""

import ipaddress
import re
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from remend.app.page.guards.answers import refuse
from remend.models.errors import OptionError

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_EVERYWHERE = ("0.0.0.0", "::")


def host_name(authority: str) -> str:
    """The name or address in ``name:port``, in lower case, without port and brackets; "" = it is none."""
    match = re.fullmatch(r"(?:\[([0-9a-f:.]+)\]|([^\s:/@\[\]]+?)\.?)(?::\d+)?", authority.lower())
    return (match[1] or match[2]) if match else ""


class AllowedHosts:
    """The names of this computer, of ``listens_on``, and those that were named.

    A page that listens on all addresses takes each address, for an address cannot be made to lead elsewhere.

    Args:
        listens_on: The address on which the page is served.
        named: Further names.

    Raises:
        OptionError: One of them is no name of a host.
    """

    def __init__(self, listens_on: str, named: Iterable[str] = ()) -> None:
        listens_on = listens_on.strip("[]").lower()
        self._takes_addresses = listens_on in _EVERYWHERE
        self._names = {*LOOPBACK, listens_on}
        for name in named:
            self.allow(name)

    def allow(self, name: str) -> None:
        """Take one more name."""
        if not re.fullmatch(r"[\w.-]+|\[?[0-9a-fA-F:.]+\]?", name):
            raise OptionError("allow_host", name, "is no name of a host", "for example photos.home")
        self._names.add(name.strip("[]").rstrip(".").lower())

    def __contains__(self, name: str) -> bool:
        return bool(name) and (name in self._names or (self._takes_addresses and _is_address(name)))


class HostGuard:
    """Refuses requests that name another host."""

    def __init__(self, app: ASGIApp, hosts: AllowedHosts) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it with 421."""
        given = Headers(scope=scope).getlist("host")
        name = host_name(given[0]) if len(given) == 1 else ""
        if name in self._hosts:
            await self._app(scope, receive, send)
            return
        sentence = (
            f"This page is not served under the name {name}; use http://127.0.0.1, or start it with "
            f"--allow-host {name}."
            if re.fullmatch(r"[\w.:-]{1,253}", name)
            else "The request names no host; use a browser."
        )
        await refuse(scope, receive, send, 421, sentence)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
