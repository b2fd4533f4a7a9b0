"""The Repair tab without a browser: the fill, masks, and what a browser may not send."""

import gc
import io
from base64 import b64decode
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from remend.app.batch.fill_work import FillWork
from remend.app.batch.plan import Job
from remend.app.batch.requests import FillRequest
from remend.app.engine.model_pool import ModelPool
from remend.app.page.i18n import translate_sentence
from remend.app.page.repair.masks import MaskService
from remend.app.page.repair.photo_sessions import PhotoSessions
from remend.app.page.repair.repair_tab import RepairService
from remend.app.page.status import returns_errors
from remend.app.page.uploads import check_uploaded
from remend.models.errors import InputError, RequestError
from remend.models.inference.regions import Box
from remend.models.inference.restorer import FilledPatch
from remend.models.progress import NO_PROGRESS
from tests.helpers.images import open_image
from tests.helpers.visiting import ENGLISH, decoded, photo_of, save_mask


def fill(
    repair: RepairService, photo: str, mask: Path, job: int = 1, grow: int = 0
) -> dict[str, Any]:
    message = {"photo": photo, "mask": str(mask), "left": 0, "top": 0, "job": job}
    message |= {"model": "fill", "grow": grow, "detail": 1.0}
    event: Any = SimpleNamespace(_data=message)
    return repair.fill(event, ENGLISH)["result"]


def test_a_photo_is_filled_as_by_the_command_and_nothing_else_of_it_changes(
    repair: RepairService, pool: ModelPool, upload_folder: Path
):
    picture = photo_of(60, 50)
    Image.fromarray(np.asarray(picture.rgb)).save(upload_folder / "photo.png")
    opened = repair.open_photo({"path": str(upload_folder / "photo.png"), "replaces": None})
    assert (opened["width"], opened["height"]) == (60, 50)
    assert decoded(opened["preview"]).shape == (50, 60, 3)

    hole = Box(20, 15, 34, 25)
    mask = save_mask(upload_folder / "mask.png", (60, 50), hole)
    assert fill(repair, opened["photo"], mask) == {"job": 1}
    saved = repair.save({"photo": opened["photo"], "format": "auto"})
    assert saved["name"] == "photo-repaired.png"
    filled = np.asarray(Image.open(saved["path"]))
    different = (filled != picture.rgb).any(axis=-1)
    assert different[hole.slices].any()
    different[hole.slices] = False
    assert not different.any()

    as_command = FillWork(pool, FillRequest())
    as_command.perform(
        Job(upload_folder / "photo.png", upload_folder / "filled.png", mask), NO_PROGRESS
    )
    assert Path(saved["path"]).read_bytes() == (upload_folder / "filled.png").read_bytes()

    shown = np.array(picture.rgb)
    for patch in repair.changes({"photo": opened["photo"]})["patches"]:
        image = decoded(patch["image"])
        height, width = image.shape[:2]
        shown[patch["y"] : patch["y"] + height, patch["x"] : patch["x"] + width] = image
    assert (shown == filled).all()

    repair.undo({"photo": opened["photo"]})
    again = repair.save({"photo": opened["photo"], "format": "tiff"})
    assert (np.asarray(Image.open(again["path"])) == picture.rgb).all()
    assert not Path(saved["path"]).exists()


def test_what_was_stopped_before_it_came_is_refused_and_what_was_done_cannot_be_stopped(
    repair: RepairService, upload_folder: Path
):
    message = painted(repair, upload_folder)
    key, mask = message["photo"], save_mask(upload_folder / "m.png", (60, 50), Box(9, 9, 20, 20))
    assert repair.stop({"photo": key, "job": 7}) == {"stopped": True}
    for job in (6, 7):
        assert fill(repair, key, mask, job) == {"job": job, "stopped": True}
    assert repair.changes(message) == {"patches": []}
    assert fill(repair, key, mask, job=8) == {"job": 8}
    assert repair.stop({"photo": key, "job": 8}) == {"stopped": False}
    assert len(repair.changes(message)["patches"]) == 1


def test_grow_reaches_further_than_the_paint(repair: RepairService, upload_folder: Path):
    picture = photo_of(60, 50)
    Image.fromarray(np.asarray(picture.rgb)).save(upload_folder / "photo.png")
    key = repair.open_photo({"path": str(upload_folder / "photo.png")})["photo"]
    mask = save_mask(upload_folder / "mask.png", (60, 50), Box(20, 15, 34, 25))
    fill(repair, key, mask, grow=3)
    saved = np.asarray(Image.open(repair.save({"photo": key, "format": "auto"})["path"]))
    rows, columns = np.nonzero((saved != picture.rgb).any(axis=-1))
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == (17, 12, 36, 27)


def test_a_mask_file_is_read_as_on_the_command_line(
    repair: RepairService, masks: MaskService, upload_folder: Path
):
    picture = photo_of(60, 50)
    Image.fromarray(np.asarray(picture.rgb)).save(upload_folder / "photo.png")
    key = repair.open_photo({"path": str(upload_folder / "photo.png")})["photo"]
    hole = np.zeros((50, 60), np.uint8)
    hole[15:25, 20:34] = 255
    erased = np.dstack((picture.rgb, 255 - hole))
    Image.fromarray(erased).save(upload_folder / "erased.png")
    message = {"photo": key, "path": str(upload_folder / "erased.png"), "language": "zh"}
    answer = masks.read_mask_file(message)
    overlay = b64decode(answer["overlay"].partition(",")[2])
    assert (np.asarray(Image.open(io.BytesIO(overlay)))[..., 1] == hole).all()
    assert answer["notes"] == ["蒙版是照片的副本；被擦除的部分将被填充。"]


def test_what_a_browser_should_not_send_is_refused_in_sentences(
    repair: RepairService, masks: MaskService, upload_folder: Path, tmp_path: Path
):
    outside = tmp_path / "secret.png"
    Image.new("RGB", (8, 8)).save(outside)
    for path in (outside, upload_folder / ".." / "secret.png", Path("/etc/passwd")):
        with pytest.raises(RequestError, match="not uploaded"):
            check_uploaded(str(path))
    Image.new("RGB", (60, 50)).save(upload_folder / "photo.png")
    key = repair.open_photo({"path": str(upload_folder / "photo.png")})["photo"]
    wrong = save_mask(upload_folder / "mask.png", (50, 60), Box(0, 0, 5, 5))
    with pytest.raises(RequestError, match="50 x 60"):
        masks.read_mask_file({"photo": key, "path": str(wrong)})
    assert "reaches out" in fill(repair, key, wrong)["error"]
    empty = save_mask(upload_folder / "empty.png", (60, 50), Box(0, 0, 0, 0))
    assert "Nothing is painted" in fill(repair, key, empty)["error"]
    assert "open it again" in fill(repair, "guessed", wrong)["error"]
    Image.new("RGB", (1100, 1000)).save(upload_folder / "large.png")
    with pytest.raises(InputError, match="limit of 1"):
        repair.open_photo({"path": str(upload_folder / "large.png")})


def test_a_photo_that_cannot_be_opened_leaves_the_open_one(
    repair: RepairService, upload_folder: Path
):
    Image.new("RGB", (60, 50)).save(upload_folder / "photo.png")
    key = repair.open_photo({"path": str(upload_folder / "photo.png")})["photo"]
    (upload_folder / "a1b2").mkdir()
    (upload_folder / "a1b2" / "text.png").write_text("no picture")
    message = {"path": str(upload_folder / "a1b2" / "text.png"), "replaces": key}
    error = returns_errors(repair.open_photo)(message)["error"]
    assert error.startswith("text.png is not a picture")
    assert repair.changes({"photo": key}) == {"patches": []}


def painted(repair: RepairService, folder: Path) -> dict[str, Any]:
    """An open photo of 60 x 50 pixels, and paint on it as the browser sends it."""
    Image.fromarray(np.asarray(photo_of(60, 50).rgb)).save(folder / "photo.png")
    key = repair.open_photo({"path": str(folder / "photo.png")})["photo"]
    mask = save_mask(folder / "mask.png", (20, 10), Box(0, 0, 20, 10))
    return {"photo": key, "mask": str(mask), "left": 15, "top": 12}


def test_paint_is_saved_as_a_mask_of_the_photos_size(
    repair: RepairService, masks: MaskService, upload_folder: Path
):
    saved = masks.save_mask(painted(repair, upload_folder))
    assert saved["name"] == "photo.mask.png"
    mask = open_image(saved["path"])
    values = np.asarray(mask)
    assert (mask.mode, mask.size) == ("L", (60, 50))
    assert values[12:22, 15:35].all() and values.sum() == 20 * 10 * 255


@pytest.mark.parametrize(
    ("change", "area"),
    [({"invert": True}, 60 * 50 - 200), ({"grow": -2}, 16 * 6), ({"grow": 0}, 200)],
)
def test_paint_can_be_inverted_grown_and_shrunk(
    repair: RepairService,
    masks: MaskService,
    upload_folder: Path,
    change: dict[str, Any],
    area: int,
):
    answer = masks.change_mask({**painted(repair, upload_folder), **change})
    assert np.count_nonzero(decoded(answer["overlay"])[..., 1]) == area


def test_a_repaired_photo_goes_to_the_upscale_tab_without_loss(
    repair: RepairService, upload_folder: Path
):
    picture = photo_of(60, 50)
    Image.fromarray(np.asarray(picture.rgb)).save(upload_folder / "photo.jpg")
    opened = repair.open_photo({"path": str(upload_folder / "photo.jpg")})
    event: Any = SimpleNamespace(_data={"photo": opened["photo"]})
    path = repair.save_lossless(event)
    assert path.name == "photo-repaired.png"
    assert (
        np.asarray(Image.open(path)) == np.asarray(Image.open(upload_folder / "photo.jpg"))
    ).all()


def test_refusals_come_in_the_language_of_the_browser(repair: RepairService, upload_folder: Path):
    (upload_folder / "text.png").write_text("no picture")
    message = {"path": str(upload_folder / "text.png"), "language": "zh"}
    assert returns_errors(repair.open_photo)(message)["error"].startswith(
        "text.png 不是 Remend 能读取的图片"
    )
    large = (
        "At 4 times its size photo.jpg has 40 x 30 = 9 megapixels, more than the limit of 8 here; "
    )
    large += "take a smaller one, or raise --max-megapixels when starting the page."
    assert translate_sentence(large, "zh").startswith("放大 4 倍后的 photo.jpg 为 40 x 30 像素")
    assert translate_sentence("The moon is made of cheese.", "zh") == "The moon is made of cheese."


@pytest.mark.slow
def test_a_hundred_fills_leave_memory_where_it_was(repair: RepairService, upload_folder: Path):
    message = painted(repair, upload_folder)
    status = Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("Memory is read from /proc, which this system has not.")
    sizes = {}
    for job in range(1, 101):
        asked = {"model": "fill", "grow": 0, "detail": 1.0, "job": job}
        event: Any = SimpleNamespace(_data={**message, **asked})
        assert repair.fill(event, ENGLISH)["result"] == {"job": job}
        repair.changes({"photo": message["photo"]})
        gc.collect()
        sizes[job] = int(status.read_text().split()[1])
    assert sizes[100] < 1.1 * sizes[10]


def test_a_photo_that_was_put_away_is_shown_again_without_being_decoded(
    repair: RepairService, sessions: PhotoSessions, upload_folder: Path
):
    path = upload_folder / "photo.png"
    Image.effect_noise((60, 40), 60).convert("RGB").save(path)
    opened = repair.open_photo({"path": str(path), "page": "1"})
    session = sessions.look_up(opened["photo"])
    again = {"photo": opened["photo"], "job": 1, "page": "1"}
    assert session.put_away()
    shown = repair.within_memory(repair.restore_photo)(again)
    assert session.is_away
    assert {name: shown[name] for name in opened} == opened and shown["fills"] == 0
    session.apply([FilledPatch(2, 3, np.full((4, 5, 3), 9, np.uint8))])
    assert session.put_away()
    assert "current" in repair.restore_photo(again)
    assert session.put_away()
    path.unlink()
    with pytest.raises(RequestError, match="open it again"):
        repair.restore_photo(again)
