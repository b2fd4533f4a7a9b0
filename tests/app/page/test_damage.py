"""Damage on the page: what is suggested, traced by a click, stopped; looked for once a photo."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from remend.app.engine.model_pool import ModelPool
from remend.app.page.repair.masks import MaskService
from remend.app.page.repair.photo_sessions import PhotoSessions
from remend.app.page.repair.repair_tab import RepairService
from remend.models.errors import RequestError
from remend.models.inference.restorer import FilledPatch
from tests.helpers.prints import print_of
from tests.helpers.visiting import decoded, photo_of


def test_suggested_damage_is_only_proposed(
    repair: RepairService, masks: MaskService, upload_folder: Path
):
    pixels, where = print_of()
    Image.fromarray(pixels).save(upload_folder / "old.png")
    key = repair.open_photo({"path": str(upload_folder / "old.png")})["photo"]
    answer = masks.suggest({"photo": key, "sensitivity": 0.5})
    assert answer["found"]
    assert answer["scratches"] >= 1
    assert (decoded(answer["overlay"])[..., 1] == 255)[where].mean() > 0.8
    saved = repair.save({"photo": key, "format": "auto"})
    assert (np.asarray(Image.open(saved["path"])) == pixels).all()


def test_a_point_of_a_scratch_gives_all_of_it_and_a_clean_one_nothing(
    repair: RepairService, masks: MaskService, upload_folder: Path
):
    pixels, where = print_of()
    Image.fromarray(pixels).save(upload_folder / "old.png")
    key = repair.open_photo({"path": str(upload_folder / "old.png")})["photo"]
    traced = masks.trace({"photo": key, "x": 90, "y": 70, "sensitivity": 0.5})
    overlay = decoded(traced["overlay"])[..., 1] == 255
    assert overlay[where].mean() > 0.8
    assert overlay.mean() < 0.1
    assert masks.trace({"photo": key, "x": 200, "y": 20, "sensitivity": 0.5}) == {"found": False}


def test_what_is_looked_at_already_is_not_looked_at_twice(
    repair: RepairService, masks: MaskService, sessions: PhotoSessions, upload_folder: Path
):
    Image.fromarray(print_of()[0]).save(upload_folder / "old.png")
    key = repair.open_photo({"path": str(upload_folder / "old.png")})["photo"]
    with sessions.find(key).looking, pytest.raises(RequestError, match="try again in a moment"):
        masks.suggest({"photo": key, "sensitivity": 0.5})


def test_a_look_that_was_stopped_before_it_began_finds_nothing(
    repair: RepairService, masks: MaskService, upload_folder: Path
):
    Image.fromarray(print_of()[0]).save(upload_folder / "old.png")
    key = repair.open_photo({"path": str(upload_folder / "old.png")})["photo"]
    masks._jobs.stop(key, 7)
    with pytest.raises(RequestError, match="Stopped"):
        masks.suggest({"photo": key, "sensitivity": 0.5, "job": 7})
    assert masks.suggest({"photo": key, "sensitivity": 0.5, "job": 8})["found"]


def test_a_photo_is_looked_at_once_until_it_changes(
    repair: RepairService, masks: MaskService, upload_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    looks: list[int] = []
    look = ModelPool.find_damage
    monkeypatch.setattr(ModelPool, "find_damage", lambda *given: looks.append(1) or look(*given))
    Image.fromarray(photo_of(60, 50).rgb).save(upload_folder / "photo.png")
    opened = repair.open_photo({"path": str(upload_folder / "photo.png")})
    for sensitivity in (0.5, 0.2):
        masks.suggest({"photo": opened["photo"], "sensitivity": sensitivity})
    assert len(looks) == 1
    session = repair._sessions.find(opened["photo"])
    session.apply([FilledPatch(0, 0, np.zeros((2, 2, 3), np.uint8))])
    masks.suggest({"photo": opened["photo"], "sensitivity": 0.5})
    assert len(looks) == 2
