"""One photo that a visitor has open: whole, in memory, with the fills that were made in it.

For undo, the rectangles that a fill changed are kept, never a copy of the photo. A photo that is not looked
at can be put away: its fills are then a small file, its pixels those of the file that was uploaded.
"""

import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from remend.app.batch.plan import Naming
from remend.app.page.repair.fills_file import Fill, box_of, count_bytes, read_fills, write_fills
from remend.app.page.repair.last_fill import LastFill
from remend.app.page.repair.originals import keep_original
from remend.models.errors import InputError, RequestError
from remend.models.imaging.files import read_picture, write_picture
from remend.models.imaging.picture import Picture, Pixels
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
        self,
        name: str,
        picture: Picture,
        folder: Path,
        claim_room: ClaimRoom | None = None,
        source: Path | None = None,
    ) -> None:
        self.name = name
        self.folder = folder
        self.source = source
        """The file that was uploaded; None = it is not kept, so the photo cannot be put away."""
        self.size = picture.size
        self._claim_room = claim_room
        self._pixels: Pixels | None = None
        self._hold(picture)
        self._done: deque[Fill] = deque()
        self._undone: list[Fill] = []
        self._settled: list[Box] = []  # where fills were that cannot be undone any more
        self._fills = 0
        self._fills_away = 0  # how many of those that were put away the photo holds
        self._lock = threading.RLock()
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
        self.last: LastFill | None = None
        """What the last fill was asked for; None where it was undone, or is not known any more."""
        self.overlays: dict[int, bytes] = {}
        """The last masks that the browser was given as paint, encoded, by number."""

    @property
    def picture(self) -> Picture:
        """The photo as it is now; a view, so the next fill shows in it.

        Raises:
            RequestError: It was put away, and its file is gone.
        """
        with self._lock:
            pixels = self._bring_back()
            return Picture(pixels.view(), self._alpha, self._meta)

    @property
    def opened(self) -> Picture:
        """The photo as it was when it was opened; errors as ``picture``."""
        with self._lock:
            if not self._fills and not self._settled:
                return self.picture
        return self._read_source()

    @property
    def is_away(self) -> bool:
        """Whether its pixels are on the disk alone."""
        return self._pixels is None

    @property
    def fills(self) -> int:
        """How many fills the photo holds; those that were undone do not count."""
        with self._lock:
            return self._fills

    @property
    def nbytes(self) -> int:
        """Memory that the photo takes, its patches included."""
        with self._lock:
            pixels = self._pixels
            fills = count_bytes([*self._done, *self._undone])
            shown = sum(map(len, [self.original, *self.overlays.values()]))
        if pixels is None:
            return shown
        alpha = 0 if self._alpha is None else self._alpha.nbytes
        last = self.last
        fills += 0 if last is None else last.nbytes
        damage = 0 if self.damage is None else self.damage.probabilities.nbytes
        return pixels.nbytes + alpha + damage + fills + shown

    def apply(self, patches: list[FilledPatch], commit: Callable[[], None] = lambda: None) -> None:
        """Paste the result of a fill.

        Args:
            patches: What the fill changed.
            commit: Called before anything is pasted; what it raises, such as `Cancelled`, is passed on.
        """
        with self._lock:
            self._bring_back()
            commit()
            self.last = None
            self._undone.clear()
            self._done.append(self._swap(patches))
            self._fills += 1
            if len(self._done) > FILLS_KEPT:
                self._settled += [box_of(patch) for patch in self._done.popleft()]

    def undo(self) -> None:
        """Undo the last fill.

        Raises:
            RequestError: There is none, or it lies too far back.
        """
        with self._lock:
            self._bring_back()
            self.last = None
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
            self._bring_back()
            self.last = None
            if not self._undone:
                raise RequestError("There is no undone fill to bring back; fill again.")
            self._done.append(self._swap(reversed(self._undone.pop())))
            self._fills += 1

    def before_last(self) -> Picture:
        """A copy of the photo as it was before the last fill, of which there must be one."""
        with self._lock:
            pixels = self._bring_back().copy()
            for patch in reversed(self._done[-1]):
                pixels[box_of(patch).slices] = patch.rgb
            return Picture(pixels, self._alpha, self._meta)

    def last_patches(self) -> Fill:
        """What the last fill changed, as it is now."""
        with self._lock:
            self._bring_back()
            return [
                FilledPatch(patch.left, patch.top, self._cut(box_of(patch)))
                for patch in self._done[-1]
            ]

    def exchange_last(self, patches: Fill) -> None:
        """Paste another result in place of the last fill's, which stays one step."""
        with self._lock:
            self._bring_back()
            self._swap(reversed(self._done.pop()))
            changed = self.changed
            self._done.append(self._swap(patches))
            self.changed = list(dict.fromkeys([*changed, *self.changed]))

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
        folder = self.folder / "saved"
        path = folder / Naming(file_format, "-repaired").name_for(Path(self.name))
        shutil.rmtree(folder, ignore_errors=True)
        picture = self.picture
        if self._claim_room:
            self._claim_room(folder, picture.rgb.nbytes)
        folder.mkdir(parents=True)
        write_picture(picture, path)
        return path

    def put_away(self) -> bool:
        """Let the pixels go; False where its file is gone, or there is no room for its fills."""
        with self._lock:
            if self._pixels is None:
                return True
            if self.source is None or not self.source.is_file():
                return False
            done, changed = len(self._done), self.changed
            self._unwind()
            base = [FilledPatch(box.left, box.top, self._cut(box)) for box in self._settled]
            fills = [base, *self._undone]
            try:
                if self._claim_room:
                    self._claim_room(self.folder, count_bytes(fills))
                write_fills(self._away, fills)
            except (OSError, RequestError):
                self._wind(done, changed)
                return False
            keep_original(self.folder, self.original, self._claim_room)
            self._pixels, self._alpha = None, None
            self._undone, self.original, self.last = [], b"", None
            self._fills_away, self.changed = done, changed
            return True

    def bring_back(self) -> None:
        """Have the pixels in memory again; errors as ``picture``."""
        with self._lock:
            self._bring_back()

    def _bring_back(self) -> Pixels:
        if self._pixels is not None:
            return self._pixels
        pixels = self._hold(self._read_source())
        try:
            base, *self._undone = read_fills(self._away)
        except OSError as error:
            self._pixels = None
            raise RequestError("This photo is no longer kept here; open it again.") from error
        changed = self.changed
        self._swap(base)
        self._wind(self._fills_away, changed)
        return pixels

    @property
    def _away(self) -> Path:
        return self.folder / "away.npz"

    def _read_source(self) -> Picture:
        try:
            assert self.source is not None
            return read_picture(self.source)
        except (InputError, OSError) as error:
            raise RequestError("This photo is no longer kept here; open it again.") from error

    def _hold(self, picture: Picture) -> Pixels:
        self._pixels = pixels = np.array(picture.rgb)
        self._alpha, self._meta, self.notes = picture.alpha, picture.meta, picture.meta.notes
        return pixels

    def _unwind(self) -> None:
        """Undo all fills."""
        while self._done:
            self._undone.append(self._swap(reversed(self._done.pop())))

    def _wind(self, fills: int, changed: list[Box]) -> None:
        """Redo so many."""
        for _ in range(fills):
            self._done.append(self._swap(reversed(self._undone.pop())))
        self.changed = changed

    def _cut(self, box: Box) -> Pixels:
        assert self._pixels is not None
        return self._pixels[box.slices].copy()

    def _swap(self, patches: Iterable[FilledPatch]) -> Fill:
        """Paste patches, and return what was there, in the order of pasting."""
        assert self._pixels is not None
        before: Fill = []
        self.changed, self.damage = [], None
        for patch in patches:
            box = box_of(patch)
            before.append(FilledPatch(patch.left, patch.top, self._cut(box)))
            self._pixels[box.slices] = patch.rgb
            self.changed.append(box)
        return before
