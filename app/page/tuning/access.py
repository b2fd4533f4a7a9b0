"""Who may fine-tune through the page: the person at this computer, and nobody who comes from elsewhere.

A fine-tune reads a folder of this computer, takes it for minutes and writes weights. So it is there only
where the page is for this computer alone; and each request is looked at once more, for a proxy or a tunnel on
this computer makes visitors of elsewhere look like its own.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers

from remend.app.page.guards.hosts import LOOPBACK, host_name
from remend.app.tuning.process import TuningProcess
from remend.models.errors import RequestError

_PATIENCE_S = 5.0  # for the step in hand; a process that takes longer saves its state by itself
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def is_for_this_computer(
    host: str, *, share: bool, auth_file: Path | None, allow_hosts: Sequence[str]
) -> bool:
    """Whether a page can only be meant for the person at this computer.

    Passwords and further names are for people who come through a proxy.
    """
    is_loopback = host.strip("[]").lower() in LOOPBACK
    return is_loopback and not (share or auth_file or allow_hosts)


@contextmanager
def tuning_here(
    host: str, *, share: bool, auth_file: Path | None, allow_hosts: Sequence[str]
) -> Generator[TuningProcess | None]:
    """What fine-tunes for a page, ended with it; None where others than this computer's person may come."""
    if not is_for_this_computer(host, share=share, auth_file=auth_file, allow_hosts=allow_hosts):
        yield None
        return
    process = TuningProcess()
    try:
        yield process
    finally:
        process.close(_PATIENCE_S)


def check_is_here(request: Any) -> None:
    """Raise a RequestError where a request, Gradio's or Starlette's, may come from another computer."""
    client = getattr(getattr(request, "client", None), "host", "")
    headers = Headers(raw=_raw_headers(request))
    is_direct = not any(name in headers for name in _FORWARDED)
    if not (is_direct and client in LOOPBACK and host_name(headers.get("host", "")) in LOOPBACK):
        raise RequestError(
            "Fine-tuning is for the person at this computer alone; open the page there, as "
            "http://127.0.0.1."
        )


def _raw_headers(request: Any) -> list[tuple[bytes, bytes]]:
    items = request.headers.items() if request is not None else ()
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in items]
