"""Fetching a weights file that a person named by its address; nothing else in Remend asks another computer.

Over https, or over http from this computer. What was fetched stays when the connection breaks, and is
continued if the server still has the same file. Whether the file is good: ``app.engine.added_models``.
"""

import hashlib
import http.client
import ipaddress
import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from remend.app.engine.catalogue import WEIGHTS_SUFFIXES
from remend.app.engine.memory import format_size
from remend.models.errors import InputError, RequestError
from remend.models.progress import Progress

MAX_BYTES = 8_000_000_000
"""The largest networks for photos have a fifth of that."""
_PIECE_BYTES = 1 << 18
_PATIENCE_S = 30.0  # in which a server must send something


def is_address(text: str) -> bool:
    """Whether it names a file elsewhere, and not one on a disk."""
    return "://" in text


def name_in_address(address: str) -> str | None:
    """The name of a weights file that an address ends in; None = the server may name one."""
    return _find_weights_name([unquote(urlsplit(address).path)])


def _find_weights_name(paths: Iterable[str]) -> str | None:
    names = (Path(path.replace("\\", "/")).name for path in paths)
    return next((name for name in names if Path(name).suffix.lower() in WEIGHTS_SUFFIXES), None)


def fetch(address: str, folder: Path, progress: Progress, most_bytes: int = MAX_BYTES) -> Path:
    """Fetch a file into a folder; a piece of it that is there already is continued.

    Args:
        address: Of the file itself.
        folder: Where the file and, until it is whole, its piece are kept.
        progress: Told of the bytes; if it cancels, the piece stays.
        most_bytes: Larger files are refused.

    Returns:
        The file, under the name that its address or the server gives it.

    Raises:
        RequestError: The address is not one that is asked, or leads to no weights file.
        InputError: The server or the connection fails, or the disk is too small.
    """
    check_address(address)
    folder.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(address.encode()).hexdigest()[:16]
    piece, note = folder / f"{key}.part", folder / f"{key}.json"
    try:
        with _ask(address, piece, note) as answer:
            name = _name_file(address, answer)
            _receive(answer, piece, progress, most_bytes)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing is left of it to ask for, so it is another file
            piece.unlink(missing_ok=True)
        raise InputError(
            f"{address} cannot be fetched (the server says {error.code}); check the address."
        ) from error
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "reason", None) or error
        raise InputError(
            f"{address} cannot be fetched ({why}); run it again to go on where it stopped."
        ) from error
    whole = folder / name
    piece.replace(whole)
    note.unlink(missing_ok=True)
    return whole


def check_address(address: str) -> None:
    """Raise a RequestError for an address that others on the way could change, or that is no web address."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme == "https" and host:
        return
    if parts.scheme == "http" and _is_this_computer(host):
        return
    raise RequestError(
        f"{address} is not fetched: only https:// addresses are, and http:// of this computer; save the file "
        "yourself and name its path."
    )


def _is_this_computer(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to addresses that would be asked themselves."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _ask(address: str, piece: Path, note: Path) -> Any:
    """Ask for the file, or for the rest of it where the server can tell that it is the same."""
    headers = {"User-Agent": "remend", "Accept-Encoding": "identity"}
    have, validator = piece.stat().st_size if piece.is_file() else 0, _read_validator(note)
    if have and validator:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator}
    opener = urllib.request.build_opener(_SafeRedirects)
    request = urllib.request.Request(address, headers=headers)
    answer: Any = opener.open(request, timeout=_PATIENCE_S)
    begins = str(answer.headers.get("Content-Range", "")).startswith(f"bytes {have}-")
    if answer.status != 206 or not begins:
        piece.unlink(missing_ok=True)
        if answer.status == 206:
            raise InputError(f"{address} was answered with another piece; run it again.")
    validator = _find_validator(answer.headers)
    note.write_text(json.dumps(validator))
    return answer


def _find_validator(headers: Mapping[str, str]) -> str:
    """What tells that a file is still the same; a weak tag does not."""
    tag = headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")


def _read_validator(note: Path) -> str:
    try:
        stored = json.loads(note.read_text())
    except (OSError, ValueError):
        return ""
    return stored if isinstance(stored, str) else ""


def _name_file(address: str, answer: Any) -> str:
    """The file's name, with a suffix of weights files.

    Raises:
        RequestError: Neither the address nor the server names such a file.
    """
    found = (answer.headers.get_filename(), unquote(urlsplit(address).path))
    name = _find_weights_name(path for path in found if path)
    if name is None or answer.headers.get_content_type() == "text/html":
        raise RequestError(
            f"{address} leads to no weights file ({', '.join(WEIGHTS_SUFFIXES)}); copy the address of the "
            "file itself, or save it yourself and name its path."
        )
    return name


def _receive(answer: Any, piece: Path, progress: Progress, most_bytes: int) -> None:
    have = piece.stat().st_size if piece.is_file() else 0
    length = answer.headers.get("Content-Length", "")
    total = have + int(length) if length.isdecimal() else None
    if (total or 0) > most_bytes:
        raise RequestError(_too_large(total or 0, most_bytes))
    free = shutil.disk_usage(piece.parent).free
    if total is not None and total - have > free:
        raise InputError(
            f"The disk of {piece.parent} has {format_size(free)} free and the file needs "
            f"{format_size(total - have)}; free some space and run it again."
        )
    with piece.open("ab") as file:
        while data := answer.read(_PIECE_BYTES):
            have += len(data)
            if have > most_bytes:
                raise RequestError(_too_large(have, most_bytes))
            file.write(data)
            progress.update(have, total or max(have, most_bytes), format_size(have))
    if total is not None and have < total:
        raise OSError(f"{format_size(have)} of {format_size(total)} came")


def _too_large(size: int, most_bytes: int) -> str:
    return (
        f"The file has {format_size(size)} or more, and at most {format_size(most_bytes)} are fetched; "
        "save it yourself and name its path."
    )
