"""The photos that visitors have open: undo, redo, stopping a fill, forgetting."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from remend.app.page.repair.photo_session import FILLS_KEPT, PhotoSession
from remend.app.page.repair.photo_sessions import PhotoSessions
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
    assert [crowded.look_up(key).is_away for key in keys] == [True, False, False]
    assert (crowded.find(keys[0]).picture.rgb == np.asarray(Image.open(paths[0]))).all()
    paths[0].unlink()  # nothing to bring the next one back from
    crowded.find(keys[1])
    crowded.find(keys[2])
    with pytest.raises(RequestError, match="open it again"):
        crowded.find(keys[0])
    assert crowded.find(keys[2]).name == "2.png"
    crowded.close(keys[2])
    with pytest.raises(RequestError):
        crowded.find(keys[2])
    forgetful = PhotoSessions(tmp_path / "photos", 1.0, lifetime_s=-1.0)
    key, _ = forgetful.open(paths[1])
    with pytest.raises(RequestError):
        forgetful.find(key)


def test_a_photo_that_was_put_away_comes_back_with_its_fills(tmp_path: Path):
    before = photo_of(100, 80)
    path = tmp_path / "photo.png"
    Image.fromarray(np.asarray(before.rgb)).save(path)
    sessions = PhotoSessions(tmp_path / "photos", 1.0)
    key, session = sessions.open(path)
    for number in range(FILLS_KEPT + 2):  # two more than can be undone
        patch = np.full((4, 5, 3), number, np.uint8)
        session.apply([FilledPatch(2 * number, 3, patch), FilledPatch(7, number, patch)])
    session.undo()
    shown, changed, fills = np.array(session.picture.rgb), session.changed, session.fills
    assert session.put_away() and session.is_away and session.nbytes == 0
    assert (session.fills, session.changed) == (fills, changed)
    assert sessions.find(key) is session
    assert (session.picture.rgb == shown).all() and session.changed == changed
    session.redo()
    assert (session.picture.rgb[3:7, 62:67] == FILLS_KEPT + 1).all()
    for _ in range(FILLS_KEPT):
        session.undo()
    with pytest.raises(RequestError, match="can be undone"):
        session.undo()
    assert (session.opened.rgb == before.rgb).all()
    assert (session.picture.rgb != before.rgb).any()


def test_a_photo_without_room_for_its_fills_stays_in_memory(tmp_path: Path):
    def refuse(_: Path, room: int) -> None:
        if room:
            raise RequestError("There is no room.")

    path = tmp_path / "photo.png"
    Image.new("RGB", (40, 30)).save(path)
    sessions = PhotoSessions(tmp_path / "photos", 1.0, claim_room=refuse)
    _, session = sessions.open(path)
    session.apply([FilledPatch(2, 3, np.full((4, 5, 3), 9, np.uint8))])
    assert not session.put_away() and not session.is_away
    assert (session.picture.rgb[3:7, 2:7] == 9).all() and session.fills == 1
