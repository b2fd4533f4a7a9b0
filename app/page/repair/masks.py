"""Paint that does not come from the brush alone: mask files, changed paint, damage; paint as a mask.

Each message of the browser holds the photo's key. The paint comes as a rectangle of the preview and is
enlarged to the photo here; what goes back is an overlay of the preview's size.
"""

from pathlib import Path
from typing import Any

import numpy as np

from remend.app.engine.catalogue import default_damage_model
from remend.app.engine.model_pool import ModelPool
from remend.app.page.i18n import translate_sentences
from remend.app.page.preview import (
    PREVIEW_MEGAPIXELS,
    data_url,
    encode_overlay,
    enlarge_mask,
    preview_size,
)
from remend.app.page.repair.photo_session import PhotoSession
from remend.app.page.repair.photo_sessions import PhotoSessions, find_photo
from remend.app.page.repair.snapping import read_points, snap
from remend.app.page.uploads import check_uploaded, new_folder, read_allowed_size
from remend.app.page.work.jobs import Jobs
from remend.models.errors import RequestError
from remend.models.imaging.files import read_picture, read_size
from remend.models.imaging.mask_file import read_mask, write_mask
from remend.models.imaging.picture import Mask, to_8_bit
from remend.models.inference.damage import DamageMap
from remend.models.progress import Cancelled

_MOST_GROWTH = 64

Message = dict[str, Any]


class MaskService:
    """What the browser can ask about the paint on an open photo."""

    def __init__(self, pool: ModelPool, sessions: PhotoSessions, jobs: Jobs) -> None:
        self._pool, self._sessions, self._jobs = pool, sessions, jobs

    def read_mask_file(self, message: Message) -> Message:
        """Turn an uploaded mask into an overlay to paint on."""
        session = find_photo(self._sessions, message)
        picture = session.picture
        path = check_uploaded(message["path"])
        if (found := read_size(path)) != picture.size:
            raise RequestError(
                f"The mask has {found[0]} x {found[1]} pixels and the photo {picture.width} x "
                f"{picture.height}; they must be equal."
            )
        mask = read_mask(path, photo=lambda: picture)
        notes = translate_sentences(mask.notes, str(message.get("language")))
        return {**keep_overlay(session, mask, covering=True), "notes": notes}

    def show_mask(self, message: Message) -> Message:
        """An overlay that was given before, by its number; "" where it is no longer kept."""
        overlay = find_photo(self._sessions, message).overlays.get(int(message["number"]))
        return {"overlay": data_url(overlay) if overlay else ""}

    def save_mask(self, message: Message) -> Message:
        """Write the paint as a mask of the photo's size, for another time or the command line."""
        session = find_photo(self._sessions, message)
        path = new_folder() / f"{Path(session.name).stem}.mask.png"
        write_mask(read_paint(message, session), path)
        return {"path": str(path), "name": path.name}

    def snap(self, message: Message) -> Message:
        """An overlay of the object that a closed line goes around; ``found`` says whether there is one."""
        session = find_photo(self._sessions, message)
        picture, points = session.picture, read_points(message["points"])
        object_ = snap(picture, points)
        if object_ is None:
            return {"found": False}
        mask = enlarge_mask(*object_, picture.size)
        return {**keep_overlay(session, mask), "found": True}

    def change_mask(self, message: Message) -> Message:
        """Invert the paint, or grow it by pixels of the photo (less than 0 = shrink)."""
        session = find_photo(self._sessions, message)
        mask = read_paint(message, session)
        grow = max(-_MOST_GROWTH, min(int(message.get("grow", 0)), _MOST_GROWTH))
        changed = mask.inverted() if message.get("invert") else mask.grown(grow)
        return keep_overlay(session, changed)

    def suggest(self, message: Message) -> Message:
        """Paint over what looks like damage, and say how much that is."""
        session = find_photo(self._sessions, message)
        damage, sensitivity = self._look(session, message), _sensitivity(message)
        mask, count = damage.mask_and_count(sensitivity)
        facts = {"scratches": count.scratches, "spots": count.spots, "found": not mask.is_empty}
        return {**keep_overlay(session, mask, covering=True), **facts}

    def trace(self, message: Message) -> Message:
        """The piece of damage at a point of the preview, as far as it goes."""
        session = find_photo(self._sessions, message)
        shown = preview_size(session.picture.size)
        x, y = (
            int(np.clip(at * whole / side, 0, whole - 1))
            for at, whole, side in zip(
                (message["x"], message["y"]), session.picture.size, shown, strict=True
            )
        )
        piece = self._look(session, message).piece_at(x, y, _sensitivity(message))
        if piece.is_empty:
            return {"found": False}
        return {**keep_overlay(session, piece, covering=True), "found": True}

    def _look(self, session: PhotoSession, message: Message) -> DamageMap:
        """Where the photo is damaged; looked for once, until the photo changes.

        Raises:
            RequestError: It was asked for a moment ago, or stopped.
        """
        if (known := session.damage) is not None:
            return known
        if not session.looking.acquire(blocking=False):
            raise RequestError("This photo is being looked at; try again in a moment.")
        try:
            number = int(message.get("job", 0))
            with self._jobs.run("damage", message["photo"], number) as job:
                found = self._pool.find_damage(session.picture, default_damage_model(), job)
        except Cancelled as error:
            raise RequestError("Stopped; nothing was painted.") from error
        finally:
            session.looking.release()
        session.damage = found
        return found


def read_paint(message: Message, session: PhotoSession) -> Mask:
    """The paint that the browser sent, as a mask of the photo's size."""
    path = check_uploaded(message["mask"])
    read_allowed_size(path, PREVIEW_MEGAPIXELS)
    left, top = int(message["left"]), int(message["top"])
    painted = Mask(to_8_bit(read_picture(path).rgb[..., 0]))
    return enlarge_mask(painted, left, top, session.size)


def _sensitivity(message: Message) -> float:
    return float(np.clip(message["sensitivity"], 0, 1))


def keep_overlay(session: PhotoSession, mask: Mask, *, covering: bool = False) -> Message:
    """A mask as an overlay to paint on, and the number by which it is shown again."""
    overlay = encode_overlay(mask, covering=covering)
    return {"overlay": data_url(overlay), "number": session.keep_overlay(overlay)}
