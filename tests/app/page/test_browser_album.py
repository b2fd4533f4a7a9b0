"""An album in Chromium: from the drop of twelve photos, two of them bad, to the zip; in both languages."""

import io
import re
import threading
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from remend.app.engine.model_pool import ModelPool
from tests.helpers.browsing import READY, download, open_photo, pixel, press_fill, stroke

pytestmark = pytest.mark.browser

GOOD = 10
WORDS = [
    ({}, "cannot be opened: bad-1.png, bad-2.png", "10 of 10 photos are filled", "a zip"),
    ({"locale": "zh-CN"}, "无法打开：bad-1.png, bad-2.png", "10 张照片中已填充 10 张", "打包下载"),
]


@pytest.fixture
def album(scene: np.ndarray, tmp_path: Path) -> list[Path]:
    """Twelve files: PNG and JPEG, one of half the size, one lying across, two that are no pictures."""
    folder = tmp_path / "album"
    folder.mkdir()
    paths: list[Path] = []
    for number in range(GOOD):
        path = folder / f"photo-{number}.{'jpg' if number % 2 else 'png'}"
        picture = Image.fromarray(np.roll(scene, number, axis=2))
        (picture.reduce(2) if number == 4 else picture).save(path)
        paths.append(path)
    (folder / "bad-1.png").write_text("no picture")
    (folder / "bad-2.png").write_bytes(paths[0].read_bytes()[:300])
    return [folder / "bad-1.png", *paths, folder / "bad-2.png"]


def frames(page: Page, state: str = "") -> int:
    return page.locator(f".frame[data-state={state}]" if state else ".frame").count()


@pytest.mark.parametrize(("options", "bad", "filled", "zipped"), WORDS, indirect=["options"])
def test_twelve_photos_from_the_drop_to_the_zip(
    page: Page, album: list[Path], tmp_path: Path, bad: str, filled: str, zipped: str
):
    status = page.locator("#status")
    page.set_input_files("#repair-editor input[type=file]", album)
    expect(status).to_contain_text(bad)
    page.wait_for_selector(READY)
    expect(page.locator(".frame[data-state=untouched]")).to_have_count(GOOD)
    expect(page.locator(".frame[data-state=failed]")).to_have_count(2)
    expect(page.locator(".facts")).to_contain_text("photo-0.png")

    stroke(page, (60, 120), (260, 120))
    page.click("[data-do=mask-all]")
    expect(page.locator(".frame[data-state=painted]")).to_have_count(GOOD)
    page.keyboard.press("PageDown")
    expect(page.locator(".facts")).to_contain_text("photo-1.jpg")
    page.wait_for_selector(READY)
    page.click("[data-do=fill-all]")
    expect(status).to_contain_text(
        filled, timeout=90_000
    )  # ten fills, on a machine that is busy, too
    expect(page.locator(".frame[data-state=repaired]")).to_have_count(GOOD)

    path = download(page, "[data-do=download-all]", tmp_path)
    expect(status).to_contain_text(zipped)
    expect(page.locator(".frame[data-state=saved]")).to_have_count(GOOD)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = {Path(one.name).stem + "-repaired" + one.suffix for one in album[1:-1]}
        assert set(archive.namelist()) == names
        for one in (album[1], album[5]):  # the second has half the size
            before = np.asarray(Image.open(one))
            name = f"{one.stem}-repaired{one.suffix}"
            after = np.asarray(Image.open(io.BytesIO(archive.read(name))))
            different = (after != before).any(axis=-1)
            height, width = different.shape
            assert different[height // 2, width // 4 : width * 3 // 4].all()
            assert not different[: height // 4].any()


def test_each_photo_keeps_its_own_work_also_over_a_reload(page: Page, album: list[Path]):
    page.set_input_files("#repair-editor input[type=file]", album[1:5])
    expect(page.locator(".frame[data-state=untouched]")).to_have_count(4)
    page.wait_for_selector(READY)
    facts = page.locator(".facts")
    stroke(page, (60, 120), (260, 120))
    press_fill(page)
    filled = pixel(page, 100, 120)
    for number in (1, 2, 3):
        page.locator(".frame").nth(number).click()
        expect(facts).to_contain_text(f"photo-{number}")
        page.wait_for_selector(READY)
        expect(page.locator("#repair-undo")).to_be_disabled()
    stroke(page, (60, 60), (200, 60))
    painted = pixel(page, 100, 60)
    page.locator(".frame").first.click()
    expect(facts).to_contain_text("photo-0")
    page.wait_for_selector(READY)
    assert pixel(page, 100, 120) == pytest.approx(filled, abs=4)
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.wait_for_selector(READY)
    states = [frame.get_attribute("data-state") for frame in page.locator(".frame").all()]
    assert states == ["repaired", "untouched", "untouched", "painted"]
    assert pixel(page, 100, 120) == pytest.approx(filled, abs=4)
    page.locator(".frame").nth(3).click()
    expect(facts).to_contain_text("photo-3")
    page.wait_for_selector(READY)
    assert pixel(page, 100, 60) == pytest.approx(painted, abs=4)
    page.click("#repair-undo")
    expect(page.locator("#repair-undo")).to_be_disabled()
    page.click("[data-do=close-album]")
    page.get_by_role("button", name="Close the album").click()
    expect(page.locator("#repair-editor")).to_have_attribute("data-state", "empty")
    expect(page.locator(".film")).to_be_hidden()
    open_photo(page, album[1])
    expect(page.locator(".film")).to_be_hidden()


@pytest.mark.parametrize(
    ("options", "filled"),
    [({}, "photos are filled"), ({"locale": "zh-CN"}, "张照片中已填充")],
    indirect=["options"],
)
def test_a_reload_in_the_middle_of_filling_all_loses_nothing_and_the_rest_can_be_filled(
    page: Page, album: list[Path], filled: str, monkeypatch: pytest.MonkeyPatch
):
    began, go_on, calls = threading.Event(), threading.Event(), []
    fill_patches = ModelPool.fill_patches

    def wait_at_the_third(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 3:
            began.set()
            assert go_on.wait(20)
        return fill_patches(*arguments, **options)

    monkeypatch.setattr(ModelPool, "fill_patches", wait_at_the_third)
    page.set_input_files("#repair-editor input[type=file]", album[1:5])
    expect(page.locator(".frame[data-state=untouched]")).to_have_count(4)
    page.wait_for_selector(READY)
    stroke(page, (60, 120), (260, 120))
    page.click("[data-do=mask-all]")
    expect(page.locator(".frame[data-state=painted]")).to_have_count(4)
    page.click("[data-do=fill-all]")
    assert began.wait(15)
    expect(page.locator(".frame[data-state=repaired]")).to_have_count(2)
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    go_on.set()
    page.wait_for_selector(READY)
    expect(page.locator(".frame")).to_have_count(4)
    assert frames(page, "repaired") + frames(page, "painted") == 4
    assert frames(page, "repaired") in (2, 3)
    page.click("[data-do=fill-all]")
    expect(page.locator("#status")).to_contain_text(filled)
    expect(page.locator(".frame[data-state=repaired]")).to_have_count(4)


def test_damage_is_suggested_in_all_and_the_work_can_be_stopped(page: Page, album: list[Path]):
    page.set_input_files("#repair-editor input[type=file]", album[1:5])
    expect(page.locator(".frame[data-state=untouched]")).to_have_count(4)
    page.wait_for_selector(READY)
    page.click("[data-do=suggest-all]")
    expect(page.locator("#status")).to_contain_text(re.compile(r"suggested in \d of 4 photos"))
    marked = frames(page, "suggested")
    page.click("[data-do=fill-all]")
    page.dispatch_event("[data-do=stop-all]", "click")  # which is gone where the fills were quick
    expect(page.locator("#status")).to_contain_text(re.compile("Stopped after|are filled|No photo"))
    assert frames(page, "suggested") + frames(page, "repaired") == marked
