"""The photos that visitors have open on the page, found by a random key that only their browser knows.

Those that were not used for longest are put away when memory is short. Nothing here knows Gradio or runs a
network.
"""

import secrets
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remend.app.page.guards.memory import OPENING_BYTES, MemoryBudget
from remend.app.page.repair.photo_session import ClaimRoom, PhotoSession
from remend.models.errors import RequestError
from remend.models.imaging.files import read_picture


class PhotoSessions:
    """All open photos, found by key; the one that was not used for longest is put away first.

    Args:
        folder: Where files to download are written, one folder a photo.
        max_megapixels: Larger photos are refused.
        lifetime_s: A photo not used for so many seconds is forgotten.
        memory: Bytes of photos kept; the newest stays in any case.
        claim_room: Called before a file is written, with its folder and about the bytes that it takes.
        budget: Of memory, for the work on photos.
    """

    def __init__(
        self,
        folder: Path,
        max_megapixels: float,
        lifetime_s: float = 86_400.0,
        memory: int = 2**30,
        claim_room: ClaimRoom | None = None,
        budget: MemoryBudget | None = None,
    ) -> None:
        self._folder = folder
        self._max_megapixels = max_megapixels
        self._lifetime_s = lifetime_s
        self._memory = memory
        self._claim_room = claim_room
        self.budget = MemoryBudget() if budget is None else budget
        self._sessions: OrderedDict[str, tuple[PhotoSession, float]] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, path: Path) -> tuple[str, PhotoSession]:
        """Read a photo and keep it under a new key.

        Raises:
            InputError: As ``read_picture``.
        """
        picture = read_picture(path, max_megapixels=self._max_megapixels)
        key = secrets.token_urlsafe(16)
        folder = self._folder / secrets.token_urlsafe(16)
        session = PhotoSession(path.name, picture, folder, self._claim_room, path)
        if self._claim_room:
            folder.mkdir(parents=True)
            self._claim_room(folder, 0)  # what is written there counts for who opened it
        with self._lock:
            self._sessions[key] = (session, time.monotonic())
            self._forget_old()
        return key, session

    def find(self, key: str) -> PhotoSession:
        """The photo of a key, in memory.

        Raises:
            RequestError: There is no such photo, or it was forgotten.
        """
        session = self.look_up(key)
        if session.is_away:
            width, height = session.size
            with self.budget.hold(OPENING_BYTES * width * height):
                session.bring_back()
            with self._lock:
                self._forget_old()
        return session

    def look_up(self, key: str) -> PhotoSession:
        """The photo of a key, in memory or away; errors as ``find``."""
        with self._lock:
            self._forget_old()
            if key not in self._sessions:
                raise RequestError("This photo is no longer kept here; open it again.")
            session, _ = self._sessions[key]
            self._sessions[key] = (session, time.monotonic())
            self._sessions.move_to_end(key)
            return session

    def close(self, key: str) -> None:
        """Forget a photo; a key that is not there is no error."""
        with self._lock:
            self._forget(key)

    def _forget_old(self) -> None:
        oldest = time.monotonic() - self._lifetime_s
        for key in [key for key, (_, used) in self._sessions.items() if used < oldest]:
            self._forget(key)
        for key in list(self._sessions)[:-1]:
            if self._count_bytes() <= self._memory:
                break
            if not self._sessions[key][0].put_away():
                self._forget(key)

    def _count_bytes(self) -> int:
        return sum(session.nbytes for session, _ in self._sessions.values())

    def _forget(self, key: str) -> None:
        session, _ = self._sessions.pop(key, (None, 0.0))
        if session is not None:
            shutil.rmtree(session.folder, ignore_errors=True)


def find_photo(
    sessions: PhotoSessions, message: Mapping[str, Any], *, is_needed: bool = True
) -> PhotoSession:
    """The photo that a message of the browser is about, in memory if its pixels are needed.

    Raises:
        RequestError: It is no longer kept, or a copy of the browser's tab has taken it over.
    """
    session = (sessions.find if is_needed else sessions.look_up)(message["photo"])
    if "page" in message and message["page"] != session.page:
        raise RequestError(
            "This photo is open in another tab of the browser; go on there, or open it again here."
        )
    return session
