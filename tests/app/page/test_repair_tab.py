"""The Repair tab without a browser: what is shown, the desk with its undo, and the fill."""

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
from remend.app.page import photo_sessions as desk
from remend.app.page import preview
from remend.app.page.i18n import translate
from remend.app.page.photo_sessions import PhotoSession, PhotoSessions
from remend.app.page.repair_tab import Repair
from remend.app.page.status import returns_errors
from remend.app.page.uploads import uploaded
from remend.models.errors import InputError, RequestError
from remend.models.imaging.picture import Mask, Picture
from remend.models.inference.regions import Box
from remend.models.inference.restorer import FilledPatch
from remend.models.progress import NO_PROGRESS, Cancelled
from tests.helpers.visiting import RANDOM, no_bar, photo_of, save_mask


def decoded(address: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(b64decode(address.partition(",")[2]))))


@pytest.fixture
def repair(pool: ModelPool, upload_folder: Path) -> Repair:
    return Repair(pool, PhotoSessions(upload_folder / "photos", max_megapixels=1.0))


def fill(repair: Repair, photo: str, mask: Path, job: int = 1, grow: int = 0) -> dict[str, Any]:
    message = {"photo": photo, "mask": str(mask), "left": 0, "top": 0, "job": job}
    event: Any = SimpleNamespace(_data=message)
    return repair.fill("fill", grow, 1.0, event, lambda *_, **__: None)["result"]  # pyright: ignore


# What the browser is shown


@pytest.mark.parametrize("size", [(4000, 3000), (640, 480), (1, 1)])
def test_a_photo_within_the_limit_is_shown_as_it_is(size: tuple[int, int]):
    assert preview.preview_size(size) == size


@pytest.mark.parametrize("size", [(4032, 3024), (8000, 6000), (100_000, 400)])
def test_a_larger_photo_is_shown_with_at_most_twelve_megapixels(size: tuple[int, int]):
    width, height = preview.preview_size(size)
    assert 11.5e6 < width * height <= 12e6
    assert width / height == pytest.approx(size[0] / size[1], rel=0.05)


@pytest.mark.parametrize("megapixels", [1.0, 0.013, 0.004])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_patch_is_a_piece_of_the_whole_preview(
    monkeypatch: pytest.MonkeyPatch, megapixels: float, kind: type
):
    monkeypatch.setattr(preview, "PREVIEW_MEGAPIXELS", megapixels)
    picture = photo_of(173, 131, kind)
    _, everything = preview.encode_patch(picture, Box(0, 0, 173, 131))
    whole = np.asarray(Image.open(io.BytesIO(everything)))
    for changed in (Box(40, 30, 61, 77), Box(0, 0, 5, 5), Box(160, 120, 173, 131)):
        box, patch = preview.encode_patch(picture, changed)
        off = np.asarray(Image.open(io.BytesIO(patch))).astype(int) - whole[box.slices]
        assert np.abs(off).max() <= 1  # Pillow rounds the box's place


def test_a_patch_covers_all_that_a_change_shows_in_the_preview(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(preview, "PREVIEW_MEGAPIXELS", 0.005)
    before = photo_of(173, 131)
    pixels = before.rgb.copy()
    changed = Box(50, 41, 64, 52)
    pixels[changed.slices] = 255 - pixels[changed.slices]
    shown = [
        np.asarray(Image.open(io.BytesIO(preview.encode_patch(picture, Box(0, 0, 173, 131))[1])))
        for picture in (before, Picture(pixels))
    ]
    box, _ = preview.encode_patch(before, changed)
    different = (shown[0] != shown[1]).any(axis=-1)
    assert different[box.slices].any()
    different[box.slices] = False
    assert not different.any()


def test_paint_on_a_reduced_preview_covers_the_same_part_of_the_photo(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(preview, "PREVIEW_MEGAPIXELS", 0.0012)  # 40 x 30
    painted = np.zeros((12, 10), np.uint8)
    painted[1:11, 1:9] = 255
    whole = preview.enlarge_mask(Mask(painted), 7, 9, (400, 300)).values
    assert whole.shape == (300, 400)
    assert set(np.unique(whole)) == {0, 255}
    rows, columns = np.nonzero(whole)
    assert abs(rows.min() - 100) <= 3 and abs(rows.max() - 199) <= 3
    assert abs(columns.min() - 80) <= 3 and abs(columns.max() - 159) <= 3


def test_an_overlay_is_opaque_where_the_mask_is_white():
    values = RANDOM.integers(0, 256, (20, 30), np.uint8)
    image = Image.open(io.BytesIO(preview.encode_overlay(Mask(values))))
    assert (np.asarray(image.getchannel("A")) == values).all()


# The desk


def patch_of(value: int, left: int = 2, top: int = 3, size: int = 4) -> FilledPatch:
    return FilledPatch(left, top, np.full((size, size, 3), value, np.uint8))


def test_undo_and_redo_give_back_every_pixel(tmp_path: Path):
    picture = photo_of(20, 20)
    photo = PhotoSession("photo.png", picture, tmp_path)
    states = [picture.rgb.copy()]
    # The patches of the first fill overlap: undo has to go backwards through them.
    for job, patches in enumerate([[patch_of(1), patch_of(2, left=4)], [patch_of(3)]], 1):
        photo.apply(patches, job)
        states.append(photo.picture.rgb.copy())
    for state in (states[1], states[0]):
        photo.undo()
        assert (photo.picture.rgb == state).all()
    for state in (states[1], states[2]):
        photo.redo()
        assert (photo.picture.rgb == state).all()
    with pytest.raises(RequestError):
        photo.redo()
    assert (picture.rgb == states[0]).all()


def test_only_the_last_fills_are_kept(tmp_path: Path):
    photo = PhotoSession("photo.png", photo_of(20, 20), tmp_path)
    before = photo.nbytes
    for job in range(1, desk.FILLS_KEPT + 9):
        photo.apply([patch_of(job)], job)
    assert photo.nbytes == before + desk.FILLS_KEPT * 4 * 4 * 3
    for _ in range(desk.FILLS_KEPT):
        photo.undo()
    with pytest.raises(RequestError, match=str(desk.FILLS_KEPT)):
        photo.undo()


def test_a_stopped_fill_changes_nothing_and_a_finished_one_cannot_be_stopped(tmp_path: Path):
    photo = PhotoSession("photo.png", photo_of(20, 20), tmp_path)
    before = photo.picture.rgb.copy()
    assert photo.stop(1)
    with pytest.raises(Cancelled):
        photo.apply([patch_of(1)], 1)
    assert (photo.picture.rgb == before).all()
    photo.apply([patch_of(2)], 2)
    assert not photo.stop(2)
    assert not photo.is_stopped(3)


def test_the_desk_forgets_photos(tmp_path: Path):
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


# The Repair tab


def test_a_photo_is_filled_as_by_the_command_and_nothing_else_of_it_changes(
    repair: Repair, pool: ModelPool, upload_folder: Path
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


def test_grow_reaches_further_than_the_paint(repair: Repair, upload_folder: Path):
    picture = photo_of(60, 50)
    Image.fromarray(np.asarray(picture.rgb)).save(upload_folder / "photo.png")
    key = repair.open_photo({"path": str(upload_folder / "photo.png")})["photo"]
    mask = save_mask(upload_folder / "mask.png", (60, 50), Box(20, 15, 34, 25))
    fill(repair, key, mask, grow=3)
    saved = np.asarray(Image.open(repair.save({"photo": key, "format": "auto"})["path"]))
    rows, columns = np.nonzero((saved != picture.rgb).any(axis=-1))
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == (17, 12, 36, 27)


def test_what_a_browser_should_not_send_is_refused_in_sentences(
    repair: Repair, upload_folder: Path, tmp_path: Path
):
    outside = tmp_path / "secret.png"
    Image.new("RGB", (8, 8)).save(outside)
    for path in (outside, upload_folder / ".." / "secret.png", Path("/etc/passwd")):
        with pytest.raises(RequestError, match="not uploaded"):
            uploaded(str(path))
    Image.new("RGB", (60, 50)).save(upload_folder / "photo.png")
    key = repair.open_photo({"path": str(upload_folder / "photo.png")})["photo"]
    wrong = save_mask(upload_folder / "mask.png", (50, 60), Box(0, 0, 5, 5))
    with pytest.raises(RequestError, match="50 x 60"):
        repair.read_mask_file({"photo": key, "path": str(wrong)})
    assert "reaches out" in fill(repair, key, wrong)["error"]
    empty = save_mask(upload_folder / "empty.png", (60, 50), Box(0, 0, 0, 0))
    assert "Nothing of the photo" in fill(repair, key, empty)["error"]
    assert "open it again" in fill(repair, "guessed", wrong)["error"]
    Image.new("RGB", (1100, 1000)).save(upload_folder / "large.png")
    with pytest.raises(InputError, match="limit of 1"):
        repair.open_photo({"path": str(upload_folder / "large.png")})


def test_a_photo_that_cannot_be_opened_leaves_the_open_one(repair: Repair, upload_folder: Path):
    Image.new("RGB", (60, 50)).save(upload_folder / "photo.png")
    key = repair.open_photo({"path": str(upload_folder / "photo.png")})["photo"]
    (upload_folder / "a1b2").mkdir()
    (upload_folder / "a1b2" / "text.png").write_text("no picture")
    message = {"path": str(upload_folder / "a1b2" / "text.png"), "replaces": key}
    error = returns_errors(repair.open_photo)(message)["error"]
    assert error.startswith("text.png is not a picture")
    assert repair.changes({"photo": key}) == {"patches": []}


def painted(repair: Repair, folder: Path) -> dict[str, Any]:
    """An open photo of 60 x 50 pixels, and paint on it as the browser sends it."""
    Image.fromarray(np.asarray(photo_of(60, 50).rgb)).save(folder / "photo.png")
    key = repair.open_photo({"path": str(folder / "photo.png")})["photo"]
    mask = save_mask(folder / "mask.png", (20, 10), Box(0, 0, 20, 10))
    return {"photo": key, "mask": str(mask), "left": 15, "top": 12}


def test_paint_is_saved_as_a_mask_of_the_photos_size(repair: Repair, upload_folder: Path):
    saved = repair.save_mask(painted(repair, upload_folder))
    assert saved["name"] == "photo.mask.png"
    mask = Image.open(saved["path"])
    values = np.asarray(mask)
    assert (mask.mode, mask.size) == ("L", (60, 50))
    assert values[12:22, 15:35].all() and values.sum() == 20 * 10 * 255


@pytest.mark.parametrize(
    ("change", "area"),
    [({"invert": True}, 60 * 50 - 200), ({"grow": -2}, 16 * 6), ({"grow": 0}, 200)],
)
def test_paint_can_be_inverted_grown_and_shrunk(
    repair: Repair, upload_folder: Path, change: dict[str, Any], area: int
):
    answer = repair.change_mask({**painted(repair, upload_folder), **change})
    assert np.count_nonzero(decoded(answer["overlay"])[..., 1]) == area


def test_suggested_damage_is_only_proposed(repair: Repair, upload_folder: Path):
    pixels = np.full((200, 200, 3), 90, np.uint8)
    pixels[100:102, 20:180] = 250
    Image.fromarray(pixels).save(upload_folder / "old.png")
    key = repair.open_photo({"path": str(upload_folder / "old.png")})["photo"]
    answer = repair.suggest({"photo": key, "sensitivity": 0.5})
    assert answer["found"]
    assert decoded(answer["overlay"])[100, 100, 1] == 255
    saved = repair.save({"photo": key, "format": "auto"})
    assert (np.asarray(Image.open(saved["path"])) == pixels).all()


def test_a_repaired_photo_goes_to_the_upscale_tab_without_loss(repair: Repair, upload_folder: Path):
    picture = photo_of(60, 50)
    Image.fromarray(np.asarray(picture.rgb)).save(upload_folder / "photo.jpg")
    opened = repair.open_photo({"path": str(upload_folder / "photo.jpg")})
    event: Any = SimpleNamespace(_data={"photo": opened["photo"]})
    path = repair.take_out(event)
    assert path.name == "photo-repaired.png"
    assert (
        np.asarray(Image.open(path)) == np.asarray(Image.open(upload_folder / "photo.jpg"))
    ).all()


def test_refusals_come_in_the_language_of_the_browser(repair: Repair, upload_folder: Path):
    (upload_folder / "text.png").write_text("no picture")
    message = {"path": str(upload_folder / "text.png"), "language": "zh"}
    assert returns_errors(repair.open_photo)(message)["error"].startswith(
        "text.png 不是 Remend 能读取的图片"
    )
    large = (
        "At 4 times its size photo.jpg has 40 x 30 = 9 megapixels, more than the limit of 8 here; "
    )
    large += "take a smaller one, or raise --max-megapixels when starting the page."
    assert translate(large, "zh").startswith("放大 4 倍后的 photo.jpg 为 40 x 30 像素")
    assert translate("The moon is made of cheese.", "zh") == "The moon is made of cheese."


@pytest.mark.slow
def test_a_hundred_fills_leave_memory_where_it_was(repair: Repair, upload_folder: Path):
    message = painted(repair, upload_folder)
    status = Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("Memory is read from /proc, which this system has not.")
    sizes = {}
    for job in range(1, 101):
        event: Any = SimpleNamespace(_data={**message, "job": job})
        bar: Any = no_bar
        assert repair.fill("fill", 0, 1.0, event, bar)["result"] == {"job": job}
        repair.changes({"photo": message["photo"]})
        gc.collect()
        sizes[job] = int(status.read_text().split()[1])
    assert sizes[100] < 1.1 * sizes[10]
