"""The photos that visitors have open: undo, redo, stopping a fill, forgetting."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from remend.app.page.repair.photo_sessions import FILLS_KEPT, PhotoSession, PhotoSessions
from remend.models.errors import RequestError
from remend.models.inference.restorer import FilledPatch
from remend.models.progress import Cancelled
from tests.helpers.visiting import photo_of


def patch_of(value: int, left: int = 2, top: int = 3, size: int = 4) -> FilledPatch:
    return FilledPatch(left, top, np.full((size, size, 3), value, np.uint8))


def test_undo_and_redo_give_back_every_pixel(tmp_path: Path):
    picture = photo_of(20, 20)
    session = PhotoSession("photo.png", picture, tmp_path)
    states = [picture.rgb.copy()]
    # The patches of the first fill overlap: undo has to go backwards through them.
    for patches in ([patch_of(1), patch_of(2, left=4)], [patch_of(3)]):
        session.apply(patches)
        states.append(session.picture.rgb.copy())
    for state in (states[1], states[0]):
        session.undo()
        assert (session.picture.rgb == state).all()
    for state in (states[1], states[2]):
        session.redo()
        assert (session.picture.rgb == state).all()
    with pytest.raises(RequestError):
        session.redo()
    assert (picture.rgb == states[0]).all()


def test_only_the_last_fills_are_kept(tmp_path: Path):
    session = PhotoSession("photo.png", photo_of(20, 20), tmp_path)
    before = session.nbytes
    for value in range(1, FILLS_KEPT + 9):
        session.apply([patch_of(value)])
    assert session.nbytes == before + FILLS_KEPT * 4 * 4 * 3
    for _ in range(FILLS_KEPT):
        session.undo()
    with pytest.raises(RequestError, match=str(FILLS_KEPT)):
        session.undo()


def test_what_is_not_to_be_pasted_any_more_changes_nothing(tmp_path: Path):
    session = PhotoSession("photo.png", photo_of(20, 20), tmp_path)
    before = session.picture.rgb.copy()

    def refuse() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        session.apply([patch_of(1)], refuse)
    assert (session.picture.rgb == before).all()


def test_old_photos_are_forgotten(tmp_path: Path):
    photo_of(100, 100)
    paths = []
    for number in range(3):
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(np.asarray(photo_of(100, 100).rgb)).save(paths[-1])
    crowded = PhotoSessions(tmp_path / "photos", 1.0, memory=70_000)  # two photos of 30 000 bytes
    keys = [crowded.open(path)[0] for path in paths]
    assert len(set(keys)) == 3
    with pytest.raises(RequestError, match="open it again"):
        crowded.find(keys[0])
    assert crowded.find(keys[2]).name == "2.png"
    crowded.close(keys[2])
    with pytest.raises(RequestError):
        crowded.find(keys[2])
    forgetful = PhotoSessions(tmp_path / "photos", 1.0, lifetime_s=-1.0)
    key, _ = forgetful.open(paths[0])
    with pytest.raises(RequestError):
        forgetful.find(key)
