"""Paint that does not come from the brush alone: mask files, changed paint, proposals; paint as a mask.

Each message of the browser holds the photo's key. The paint comes as a rectangle of the preview and is
enlarged to the photo here; what goes back is an overlay of the preview's size.
"""

from pathlib import Path
from typing import Any

import numpy as np

from remend.app.page.photo_sessions import PhotoSession, PhotoSessions, find_photo
from remend.app.page.preview import PREVIEW_MEGAPIXELS, data_url, encode_overlay, enlarge_mask
from remend.app.page.uploads import check_uploaded, new_folder, read_allowed_size
from remend.models.errors import RequestError
from remend.models.imaging.files import read_mask, read_size, write_picture
from remend.models.imaging.picture import Mask, Metadata, Picture
from remend.models.inference.damage import propose_mask

_MOST_GROWTH = 64

Message = dict[str, Any]


class MaskService:
    """What the browser can ask about the paint on an open photo."""

    def __init__(self, sessions: PhotoSessions) -> None:
        self._sessions = sessions

    def read_mask_file(self, message: Message) -> Message:
        """Turn an uploaded mask into an overlay to paint on."""
        session = find_photo(self._sessions, message)
        size = session.picture.size
        path = check_uploaded(message["path"])
        if (found := read_size(path)) != size:
            raise RequestError(
                f"The mask has {found[0]} x {found[1]} pixels and the photo {size[0]} x {size[1]}; "
                "they must be equal."
            )
        return _keep_overlay(session, read_mask(path))

    def show_mask(self, message: Message) -> Message:
        """An overlay that was given before, by its number; "" where it is no longer kept."""
        overlay = find_photo(self._sessions, message).overlays.get(int(message["number"]))
        return {"overlay": data_url(overlay) if overlay else ""}

    def save_mask(self, message: Message) -> Message:
        """Write the paint as a mask of the photo's size, for another time or the command line."""
        session = find_photo(self._sessions, message)
        values = read_paint(message, session).values
        path = new_folder() / f"{Path(session.name).stem}.mask.png"
        write_picture(
            Picture(np.repeat(values[..., None], 3, axis=2), meta=Metadata(grey=True)), path
        )
        return {"path": str(path), "name": path.name}

    def change_mask(self, message: Message) -> Message:
        """Invert the paint, or grow it by pixels of the photo (less than 0 = shrink)."""
        session = find_photo(self._sessions, message)
        mask = read_paint(message, session)
        grow = max(-_MOST_GROWTH, min(int(message.get("grow", 0)), _MOST_GROWTH))
        changed = mask.inverted() if message.get("invert") else mask.grown(grow)
        return _keep_overlay(session, changed)

    def suggest(self, message: Message) -> Message:
        """Propose paint over what looks like damage."""
        session = find_photo(self._sessions, message)
        mask = propose_mask(session.picture, float(message["sensitivity"]))
        return {**_keep_overlay(session, mask), "found": not mask.is_empty}


def read_paint(message: Message, session: PhotoSession) -> Mask:
    """The paint that the browser sent, as a mask of the photo's size."""
    path = check_uploaded(message["mask"])
    read_allowed_size(path, PREVIEW_MEGAPIXELS)
    left, top = int(message["left"]), int(message["top"])
    return enlarge_mask(read_mask(path), left, top, session.picture.size)


def _keep_overlay(session: PhotoSession, mask: Mask) -> Message:
    """A mask as an overlay to paint on, and the number by which it is shown again."""
    overlay = encode_overlay(mask)
    return {"overlay": data_url(overlay), "number": session.keep_overlay(overlay)}
