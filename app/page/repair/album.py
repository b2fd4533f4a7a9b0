"""What the browser can ask about several photos: add one, spread one mask over all, download all."""

from typing import Any

import numpy as np
from PIL import Image

from remend.app.page.preview import data_url, encode_shown, preview_size, reduce_picture
from remend.app.page.repair.masks import keep_overlay, read_paint
from remend.app.page.repair.photo_session import PhotoSession
from remend.app.page.repair.photo_sessions import PhotoSessions, find_photo
from remend.app.page.repair.zipping import Zips
from remend.app.page.uploads import check_uploaded, current_visitor
from remend.models.errors import RequestError
from remend.models.imaging.picture import Mask

MOST_PHOTOS = 500
"""Of one album."""

_THUMBNAIL_MEGAPIXELS = 0.015
_SAME_SHAPE = 0.01  # by how much two photos' proportions may differ for one mask to fit both

Message = dict[str, Any]


class AlbumService:
    """The photos of an album are open photos; which belong together only the browser knows."""

    def __init__(self, sessions: PhotoSessions, zips: Zips) -> None:
        self._sessions, self._zips = sessions, zips

    def add_photo(self, message: Message) -> Message:
        """Exchange an uploaded file for a key, a thumbnail and the photo's size."""
        key, session = self._sessions.open(check_uploaded(message["path"]))
        session.page = str(message.get("page"))
        width, height = session.size
        across, down = preview_size(session.size)
        return {
            "photo": key,
            "name": session.name,
            "width": width,
            "height": height,
            "previewWidth": across,
            "previewHeight": down,
            "thumb": _thumbnail(session),
        }

    def thumbnail(self, message: Message) -> Message:
        """The photo as it is now, small."""
        return {"thumb": _thumbnail(find_photo(self._sessions, message))}

    def take_photos(self, message: Message) -> Message:
        """After a reload: for each of ``message["photos"]`` how many fills it holds; None = it is gone."""
        fills: list[int | None] = []
        for key in read_keys(message["photos"]):
            try:
                session = self._sessions.look_up(key)
            except RequestError:
                fills.append(None)
            else:
                session.page = str(message.get("page"))
                fills.append(session.fills)
        return {"fills": fills}

    def close_photos(self, message: Message) -> Message:
        """Forget photos."""
        for key in read_keys(message["photos"]):
            self._sessions.close(key)
        return {"closed": True}

    def copy_mask(self, message: Message) -> Message:
        """Lay the paint of the photo ``message["source"]`` over this one.

        Returns:
            The mask's ``number``; 0 where the two photos have different proportions.
        """
        session = find_photo(self._sessions, message, is_needed=False)
        source = self._sessions.look_up(message["source"])
        (width, height), (across, down) = session.size, source.size
        if abs(np.log(width * down / (height * across))) > _SAME_SHAPE:
            return {"number": 0}
        mask = read_paint(message, source)
        if mask.size != session.size:
            larger = Image.fromarray(mask.values).resize(session.size, Image.Resampling.BILINEAR)
            mask = Mask.from_array(np.asarray(larger) > 0)
        return {"number": keep_overlay(session, mask, covering=True)["number"]}

    def zip_photos(self, message: Message) -> Message:
        """An address, below the page's, at which all photos come as one file."""
        keys = read_keys(message["photos"])
        for key in keys:
            find_photo(self._sessions, {**message, "photo": key}, is_needed=False)
        language = str(message.get("language"))
        return {"address": self._zips.offer(keys, message["format"], language, current_visitor())}


def read_keys(sent: object) -> list[str]:
    """Check what the browser sent as keys of photos.

    Raises:
        RequestError: It is something else, or more than an album may have.
    """
    if not isinstance(sent, list) or not all(isinstance(key, str) for key in sent):
        raise RequestError("The call's field photos is not what it should be; reload the page.")
    if len(sent) > MOST_PHOTOS:
        raise RequestError(
            f"{len(sent)} photos are too many for one album; open at most {MOST_PHOTOS}."
        )
    return list(dict.fromkeys(sent))


def _thumbnail(session: PhotoSession) -> str:
    return data_url(encode_shown(reduce_picture(session.picture, _THUMBNAIL_MEGAPIXELS), "jpg"))
