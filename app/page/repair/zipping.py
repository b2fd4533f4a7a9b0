"""All photos of an album as one zip, made while it is sent: no more than one photo is written at a time.

A photo that was repaired comes as its own download would, any other as the file that was uploaded.
"""

import secrets
import threading
import time
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import PlainTextResponse, Response, StreamingResponse

from remend.app.page.guards.memory import CHANGING_BYTES
from remend.app.page.repair.photo_sessions import PhotoSessions
from remend.app.page.status import explain

ADDRESS = "remend/zip"
NAME = "remend-album.zip"
MISSING = "missing.txt"
"""What the zip holds beside the photos, where some could not be put in: which, and why."""

_OFFERS_KEPT, _OFFER_S = 100, 600.0
_CHUNK = 2**20


@dataclass(frozen=True)
class _Offer:
    keys: Sequence[str]
    file_format: str
    language: str
    visitor: str
    until: float


class _Sink:
    """A file that is only written to; what was written is taken from it piece by piece."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


class Zips:
    """Which albums were asked for, by a random name that only the browser knows which asked.

    Args:
        sessions: The open photos.
    """

    def __init__(self, sessions: PhotoSessions) -> None:
        self._sessions = sessions
        self._offers: OrderedDict[str, _Offer] = OrderedDict()
        self._lock = threading.Lock()

    def offer(self, keys: Sequence[str], file_format: str, language: str, visitor: str) -> str:
        """Let photos be fetched for some minutes; gives the address, below the page's."""
        name = secrets.token_urlsafe(16)
        with self._lock:
            until = time.monotonic() + _OFFER_S
            self._offers[name] = _Offer(keys, file_format, language, visitor, until)
            while len(self._offers) > _OFFERS_KEPT:
                self._offers.popitem(last=False)
        return f"{ADDRESS}/{name}"

    def answer(self, request: Request) -> Response:
        """Send the album whose name the address holds."""
        offer = self._offers.get(request.path_params["name"])
        if offer is None or offer.until < time.monotonic():
            return PlainTextResponse("There is nothing at this address.", 404)
        headers = {"Content-Disposition": f'attachment; filename="{NAME}"'}
        return StreamingResponse(self.stream(offer), headers=headers, media_type="application/zip")

    def stream(self, offer: _Offer) -> Iterator[bytes]:
        """The zip, in pieces; pictures are compressed already, so they are only stored."""
        sink, missing, names = _Sink(), list[str](), set[str]()
        file: Any = sink  # all that a zip needs of a file
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for key in offer.keys:
                try:
                    path = self._file_of(key, offer)
                    entry = _unused(path.name, names)
                    with path.open("rb") as photo, archive.open(entry, "w") as written:
                        while chunk := photo.read(_CHUNK):
                            written.write(chunk)
                            yield sink.take()
                except Exception as error:
                    missing.append(explain(error, offer.language))
            if missing:
                archive.writestr(MISSING, "\n".join(missing) + "\n")
        yield sink.take()

    def _file_of(self, key: str, offer: _Offer) -> Path:
        session = self._sessions.look_up(key)
        is_as_it_came = offer.file_format == "auto" and not session.fills
        if is_as_it_came and session.source is not None and session.source.is_file():
            return session.source
        session = self._sessions.find(key)
        width, height = session.size
        with self._sessions.budget.hold(CHANGING_BYTES * width * height, offer.visitor):
            return session.save(offer.file_format)


def _unused(name: str, names: set[str]) -> str:
    """The name, or with a number where the zip has a file of that name."""
    path, number = Path(name), 1
    while name in names:
        number += 1
        name = f"{path.stem}-{number}{path.suffix}"
    names.add(name)
    return name
