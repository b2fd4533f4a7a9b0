"""Other versions of a fill, without a browser."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from remend.app.engine.model_pool import ModelPool
from remend.app.page.repair.photo_sessions import PhotoSessions
from remend.app.page.repair.repair_tab import RepairService
from remend.app.page.repair.versions import DETAILS, VersionService
from remend.app.page.work.jobs import Jobs
from remend.models.errors import RequestError
from tests.helpers.visiting import ENGLISH, photo_of


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def versions(pool: ModelPool, sessions: PhotoSessions, jobs: Jobs) -> VersionService:
    return VersionService(pool, sessions, jobs)


@pytest.fixture
def filled(repair: RepairService, upload_folder: Path) -> str:
    """The key of a photo of which a part was filled at detail 1."""
    Image.fromarray(np.asarray(photo_of(60, 50).rgb)).save(upload_folder / "photo.png")
    key = repair.open_photo({"path": str(upload_folder / "photo.png")})["photo"]
    mask = np.zeros((50, 60), np.uint8)
    mask[15:25, 20:34] = 255
    Image.fromarray(mask).save(upload_folder / "mask.png")
    message = {"photo": key, "mask": str(upload_folder / "mask.png"), "left": 0, "top": 0}
    message |= {"model": "fill", "grow": 0, "detail": 1.0, "job": 1}
    event: Any = SimpleNamespace(_data=message)
    assert repair.fill(event, ENGLISH)["result"] == {"job": 1}
    return key


def make(versions: VersionService, key: str, job: int = 2) -> dict[str, Any]:
    event: Any = SimpleNamespace(_data={"photo": key, "job": job})
    return versions.make(event, ENGLISH)["versions"]


def test_versions_change_what_the_fill_changed_and_stay_one_step(
    versions: VersionService, sessions: PhotoSessions, filled: str
):
    session = sessions.find(filled)
    asked = np.array(session.picture.rgb)
    made = make(versions, filled)["versions"]
    assert [one["detail"] for one in made] == [1.0, *(d for d in DETAILS if d != 1.0)]
    for one in made:
        assert one["image"].startswith("data:image/jpeg")
    pixels = []
    for one in made:
        answer = versions.choose_version({"photo": filled, "number": one["number"]})
        assert answer["patches"]
        pixels.append(np.array(session.picture.rgb))
    assert (pixels[0] == asked).all() and (pixels[1] != asked).any()
    outside = np.ones((50, 60), bool)
    outside[15:25, 20:34] = False
    assert (pixels[1] == asked)[outside].all()
    assert session.fills == 1
    session.undo()
    opened = session.opened
    assert (session.picture.rgb == opened.rgb).all()


def test_versions_go_with_the_next_step_and_can_be_stopped(
    versions: VersionService, sessions: PhotoSessions, jobs: Jobs, filled: str
):
    jobs.stop(filled, 5)
    assert make(versions, filled, job=5) == {"job": 5, "stopped": True}
    assert len(make(versions, filled, job=6)["versions"]) == 3
    with pytest.raises(RequestError, match="make the versions again"):
        versions.choose_version({"photo": filled, "number": 3})
    sessions.find(filled).undo()
    with pytest.raises(RequestError, match="make the versions again"):
        versions.choose_version({"photo": filled, "number": 0})
    assert "There is no fill" in make(versions, filled, job=7)["error"]
