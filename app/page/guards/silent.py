"""Connections that never say what they want: a request whose first lines do not come to an end.

Neither Gradio nor its server ends them, and each takes one of the files that a process may have open.
"""

from typing import Any


class SilentConnections:
    """Closes those that have brought no request since the last look.

    Args:
        page: Gradio's page; it knows its server once that is started.
    """

    def __init__(self, page: Any) -> None:
        self._page = page
        self._silent: set[Any] = set()

    def close_old(self) -> None:
        """Look at all connections; to be called in the thread of the event loop."""
        server = getattr(self._page, "server", None)
        connections = set(server.server_state.connections) if server else set()
        # uvicorn: a connection has a cycle from its first whole request on, and ends idle ones by itself.
        silent = {one for one in connections if getattr(one, "cycle", self) is None}
        for connection in silent & self._silent:
            connection.transport.close()
        self._silent = silent
