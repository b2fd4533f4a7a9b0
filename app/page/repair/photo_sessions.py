"""The photos that visitors have open on the page: whole, in memory, with the fills that were made in them.

A photo is found by a random key that only the browser which opened it knows. For undo, the rectangles that a
fill changed are kept, never a copy of the photo. Nothing here knows Gradio or runs a network.
"""

import secrets
import shutil
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from remend.app.batch.plan import Naming
from remend.app.page.guards.memory import MemoryBudget
from remend.models.errors import RequestError
from remend.models.imaging.files import read_picture, write_picture
from remend.models.imaging.picture import Picture
from remend.models.inference.damage import DamageMap
from remend.models.inference.regions import Box
from remend.models.inference.restorer import FilledPatch

ClaimRoom = Callable[[Path, int], None]
FILLS_KEPT = 30
"""How many fills of one photo can be undone."""
OVERLAYS_KEPT = 100
"""How many masks of one photo are shown again after a reload."""


class PhotoSession:
    """One open photo, and the fills that can be undone and redone."""

    def __init__(
        self, name: str, picture: Picture, folder: Path, claim_room: ClaimRoom | None = None
    ) -> None:
        self.name = name
        self.folder = folder
        self._claim_room = claim_room
        self._pixels = np.array(picture.rgb)
        self._alpha, self._meta = picture.alpha, picture.meta
        self._done: deque[list[FilledPatch]] = deque(maxlen=FILLS_KEPT)
        self._undone: list[list[FilledPatch]] = []
        self._fills = 0
        self._lock = threading.Lock()
        self.changed: list[Box] = []
        """The rectangles that the last fill, undo or redo changed."""
        self.page = ""
        """By which page of the browser it is shown; a copy of the tab takes it over."""
        self.original = b""
        """What the browser was shown of the photo when it was opened, encoded."""
        self.damage: DamageMap | None = None
        """Where the photo is damaged as it is now, once that was looked for."""
        self.looking = threading.Lock()
        """Held while damage is looked for."""
        self.overlays: dict[int, bytes] = {}
        """The last masks that the browser was given as paint, encoded, by number."""

    @property
    def picture(self) -> Picture:
        """The photo as it is now; a view, so the next fill shows in it."""
        return Picture(self._pixels.view(), self._alpha, self._meta)

    @property
    def fills(self) -> int:
        """How many fills the photo holds; those that were undone do not count."""
        with self._lock:
            return self._fills

    @property
    def nbytes(self) -> int:
        """Memory that the photo takes, its patches included."""
        with self._lock:
            fills = [*self._done, *self._undone]
        patches = [patch.rgb.nbytes for fill in fills for patch in fill]
        alpha = 0 if self._alpha is None else self._alpha.nbytes
        shown = [self.original, *self.overlays.values()]
        damage = 0 if self.damage is None else self.damage.probabilities.nbytes
        return self._pixels.nbytes + damage + alpha + sum(patches) + sum(map(len, shown))

    def apply(self, patches: list[FilledPatch], commit: Callable[[], None] = lambda: None) -> None:
        """Paste the result of a fill.

        Args:
            patches: What the fill changed.
            commit: Called before anything is pasted; what it raises, such as `Cancelled`, is passed on.
        """
        with self._lock:
            commit()
            self._undone.clear()
            self._done.append(self._swap(patches))
            self._fills += 1

    def undo(self) -> None:
        """Undo the last fill.

        Raises:
            RequestError: There is none, or it lies too far back.
        """
        with self._lock:
            if not self._done:
                raise RequestError(f"Only the last {FILLS_KEPT} fills can be undone.")
            self._undone.append(self._swap(reversed(self._done.pop())))
            self._fills -= 1

    def redo(self) -> None:
        """Redo the fill that was undone last.

        Raises:
            RequestError: There is none.
        """
        with self._lock:
            if not self._undone:
                raise RequestError("There is no undone fill to bring back; fill again.")
            self._done.append(self._swap(reversed(self._undone.pop())))
            self._fills += 1

    def keep_overlay(self, overlay: bytes) -> int:
        """Keep a mask that the browser is given as paint; returns its number."""
        with self._lock:
            number = max(self.overlays, default=0) + 1
            self.overlays[number] = overlay
            self.overlays.pop(number - OVERLAYS_KEPT, None)
            return number

    def save(self, file_format: str = "auto") -> Path:
        """Write the photo as a file to download; the file that was saved before is deleted.

        Args:
            file_format: As for ``Naming``; ``auto`` = the photo's own.

        Raises:
            RequestError: There is no room for it.
        """
        path = self.folder / Naming(file_format, "-repaired").name_for(Path(self.name))
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._claim_room:
            self._claim_room(self.folder, self._pixels.nbytes)
        self.folder.mkdir(parents=True)
        write_picture(self.picture, path)
        return path

    def _swap(self, patches: Iterable[FilledPatch]) -> list[FilledPatch]:
        """Paste patches, and return what was there, in the order of pasting."""
        before = []
        self.changed, self.damage = [], None
        for patch in patches:
            height, width = patch.rgb.shape[:2]
            there = self._pixels[patch.top : patch.top + height, patch.left : patch.left + width]
            before.append(FilledPatch(patch.left, patch.top, there.copy()))
            there[...] = patch.rgb
            self.changed.append(Box(patch.left, patch.top, patch.left + width, patch.top + height))
        return before


class PhotoSessions:
    """All open photos, found by key; the one that was not used for longest is forgotten first.

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
        session = PhotoSession(path.name, picture, folder, self._claim_room)
        with self._lock:
            self._sessions[key] = (session, time.monotonic())
            self._forget_old()
        return key, session

    def find(self, key: str) -> PhotoSession:
        """The photo of a key.

        Raises:
            RequestError: There is no such photo, or it was forgotten.
        """
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
        while len(self._sessions) > 1 and self._count_bytes() > self._memory:
            self._forget(next(iter(self._sessions)))

    def _count_bytes(self) -> int:
        return sum(session.nbytes for session, _ in self._sessions.values())

    def _forget(self, key: str) -> None:
        session, _ = self._sessions.pop(key, (None, 0.0))
        if session is not None:
            shutil.rmtree(session.folder, ignore_errors=True)


def find_photo(sessions: PhotoSessions, message: Mapping[str, Any]) -> PhotoSession:
    """The photo that a message of the browser is about.

    Raises:
        RequestError: It is no longer kept, or a copy of the browser's tab has taken it over.
    """
    session = sessions.find(message["photo"])
    if "page" in message and message["page"] != session.page:
        raise RequestError(
            "This photo is open in another tab of the browser; go on there, or open it again here."
        )
    return session
