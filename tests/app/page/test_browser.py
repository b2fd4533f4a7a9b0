"""The Repair tab in Chromium: what a person does there, from opening a photo to the downloaded file.

Every test fails on an error in the page's scripts and on any request that would leave this computer.
"""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from remend.app.engine.model_pool import ModelPool
from remend.models.progress import Progress
from tests.helpers.browsing import (
    ARTIST,
    EMPTY,
    ERROR,
    ORIENTATION,
    READY,
    about,
    choose_in,
    download,
    open_photo,
    pixel,
    press_fill,
    set_option,
    stroke,
)

pytestmark = pytest.mark.browser


def test_a_scratch_goes_and_nothing_else_changes(page: Page, png: Path, tmp_path: Path):
    before = np.asarray(Image.open(png))
    open_photo(page, png)
    stroke(page, (60, 120), (260, 120))
    press_fill(page)
    path = download(page, "#repair-download", tmp_path)
    assert path.name == "scratched-repaired.png"
    after = np.asarray(Image.open(path))
    different = (after != before).any(axis=-1)
    assert different[118:122, 60:260].all()
    reach = 20  # the brush's radius in this photo, and then some
    different[120 - reach : 120 + reach, 60 - reach : 260 + reach] = False
    assert not different.any()


def test_undo_and_redo_step_through_strokes_and_fills(page: Page, png: Path):
    open_photo(page, png)
    undo, redo = page.locator("#repair-undo"), page.locator("#repair-redo")
    expect(undo).to_be_disabled()
    scratch = pixel(page, 100, 120)
    stroke(page, (60, 120), (260, 120))
    painted = pixel(page, 100, 120)
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("Filled")
    filled = pixel(page, 100, 120)
    assert len({tuple(colour) for colour in (scratch, painted, filled)}) == 3

    undo.click()
    expect(redo).to_be_enabled()
    assert pixel(page, 100, 120) == about(painted)
    page.keyboard.press("Control+z")
    expect(undo).to_be_disabled()
    assert pixel(page, 100, 120) == about(scratch)
    redo.click()
    expect(undo).to_be_enabled()
    assert pixel(page, 100, 120) == about(painted)
    page.keyboard.press("Control+Shift+Z")
    page.wait_for_selector(READY)
    expect(redo).to_be_disabled()
    assert pixel(page, 100, 120) == about(filled)

    stroke(page, (20, 20), (40, 20))
    page.keyboard.down("Tab")
    assert pixel(page, 100, 120) == about(scratch)
    page.keyboard.up("Tab")
    assert pixel(page, 100, 120) == about(filled)


def test_a_phones_photo_is_shown_upright_and_keeps_what_the_camera_wrote(
    page: Page, phone_jpeg: Path, tmp_path: Path
):
    open_photo(page, phone_jpeg)
    expect(page.locator("#repair-editor")).to_contain_text("320 × 240")
    stroke(page, (60, 120), (260, 120))
    press_fill(page)
    with (
        Image.open(phone_jpeg) as before,
        Image.open(download(page, "#repair-download", tmp_path)) as after,
    ):
        assert (after.format, after.size) == ("JPEG", (320, 240))
        assert after.getexif()[ARTIST] == "Ada"
        assert ORIENTATION not in after.getexif()
        assert after.info["icc_profile"] == before.info["icc_profile"]


def test_brush_size_eraser_and_zoom(page: Page, png: Path):
    open_photo(page, png)
    plain = [pixel(page, x, 60) for x in (100, 160)]
    size = page.get_by_role("slider", name="Brush size in screen pixels")
    stroke(page, (60, 60), (220, 60))
    before = int(size.input_value())
    page.keyboard.press("]")
    assert int(size.input_value()) > before
    page.keyboard.press("[")
    assert pixel(page, 160, 60) != plain[1]
    page.keyboard.press("e")
    stroke(page, (140, 60), (180, 60))
    assert pixel(page, 160, 60) == plain[1]
    assert pixel(page, 100, 60) != plain[0]

    at = page.evaluate("window.remendEditor.toScreen(160, 60)")
    page.mouse.move(at["x"], at["y"])
    page.mouse.wheel(0, -400)
    page.wait_for_function(f"window.remendEditor.toScreen(260, 60).x > {at['x']} + 250")
    zoomed = page.evaluate("window.remendEditor.toScreen(160, 60)")
    assert zoomed == pytest.approx(at, abs=1.0)  # a wheel event has whole coordinates
    page.mouse.down(button="middle")
    page.mouse.move(at["x"] + 30, at["y"] + 10, steps=3)
    page.mouse.up(button="middle")
    moved = page.evaluate("window.remendEditor.toScreen(160, 60)")
    assert (moved["x"] - zoomed["x"], moved["y"] - zoomed["y"]) == pytest.approx((30, 10), abs=0.01)


def test_a_mask_file_is_laid_over_the_photo(
    page: Page, png: Path, scene: np.ndarray, tmp_path: Path
):
    mask = np.zeros(scene.shape[:2], np.uint8)
    mask[110:130, 50:270] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    Image.new("L", (10, 20)).save(tmp_path / "other.png")
    open_photo(page, png)
    plain = pixel(page, 55, 112)
    with page.expect_file_chooser() as chooser:
        choose_in(page, "mask", "Load mask")
    chooser.value.set_files(tmp_path / "other.png")
    expect(page.locator("#status")).to_contain_text("10 x 20")
    with page.expect_file_chooser() as chooser:
        choose_in(page, "mask", "Load mask")
    chooser.value.set_files(tmp_path / "mask.png")
    expect(page.get_by_role("button", name="Clear paint")).to_be_enabled()
    assert pixel(page, 55, 112) != plain
    press_fill(page)
    after = np.asarray(Image.open(download(page, "#repair-download", tmp_path)))
    different = (after != scene).any(axis=-1)
    assert different[mask == 255].mean() > 0.9
    assert not different[mask == 0].any()


def test_a_broken_file_gets_a_sentence_and_the_open_photo_stays(
    page: Page, png: Path, tmp_path: Path
):
    broken = tmp_path / "broken.png"
    broken.write_bytes(png.read_bytes()[:400])
    page.set_input_files("#repair-editor input[type=file]", broken)
    page.wait_for_selector(ERROR)
    expect(page.locator("#status")).to_contain_text("broken.png")
    open_photo(page, png)
    page.set_input_files("#repair-editor input[type=file]", broken)
    page.wait_for_selector(ERROR)
    page.click("#repair-fill")
    expect(page.locator("#status")).to_contain_text("Paint over")
    stroke(page, (60, 120), (260, 120))
    press_fill(page)


def test_a_fill_can_be_stopped(page: Page, png: Path, monkeypatch: pytest.MonkeyPatch):
    began = threading.Event()

    def wait_for_the_end(*arguments: Any, **_: float) -> None:
        progress: Progress = next(one for one in arguments if isinstance(one, Progress))
        began.set()
        while True:
            threading.Event().wait(0.02)
            progress.update(1, 3, "crop 1 of 3")

    monkeypatch.setattr(ModelPool, "fill_patches", wait_for_the_end)
    open_photo(page, png)
    plain = pixel(page, 100, 120)
    stroke(page, (60, 120), (260, 120))
    page.click("#repair-fill")
    assert began.wait(10)
    page.keyboard.press("Escape")
    expect(page.locator("#status p")).to_contain_text("Stopped")
    expect(page.locator("#status p")).to_be_visible()
    page.wait_for_selector(READY)
    page.click("#repair-undo")
    assert pixel(page, 100, 120) == plain


@pytest.mark.parametrize("keeps", [False, True])
def test_paint_that_is_not_filled_is_not_lost_on_the_way_to_upscaling(
    page: Page, png: Path, keeps: bool
):
    open_photo(page, png)
    set_option(page, "keep", is_on=keeps)
    stroke(page, (60, 120), (260, 120))
    page.click("#repair-upscale")
    expect(page.locator("#status")).to_contain_text("not filled yet")
    press_fill(page)
    page.click("#repair-upscale")
    expect(page.locator("#upscale-photo")).to_contain_text("scratched")


def test_a_model_that_was_added_can_be_chosen(page: Page, png: Path, tiny_models: Path):
    added = tiny_models / "mine.safetensors"
    added.write_bytes((tiny_models / "fill.safetensors").read_bytes())
    try:
        page.reload()
        page.wait_for_selector(EMPTY)
        page.get_by_role("tab", name="Models").click()
        expect(page.locator("#models")).to_contain_text("mine")
        page.get_by_role("tab", name="Repair").click()
        open_photo(page, png)
        page.select_option("#repair-model", "mine")
        stroke(page, (60, 120), (260, 120))
        press_fill(page)
    finally:
        added.unlink()


PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.mark.parametrize("options", [PHONE], indirect=True)
def test_fingers_paint_and_pinch_on_a_phone(page: Page, png: Path, engine: tuple[str, str]):
    if engine[0] != "chromium":
        pytest.skip("Two fingers can be sent by Chromium's own protocol alone.")
    open_photo(page, png)
    send = page.context.new_cdp_session(page).send

    def touch(kind: str, *points: tuple[float, float]) -> None:
        fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    at = page.evaluate("window.remendEditor.toScreen(160, 120)")
    x, y = at["x"], at["y"]
    plain = pixel(page, 160, 120)
    touch("touchStart", (x - 40, y))
    touch("touchMove", (x + 40, y))
    touch("touchEnd")
    assert pixel(page, 160, 120) != plain
    page.click("#repair-undo")
    touch("touchStart", (x - 30, y), (x + 30, y))
    touch("touchMove", (x - 60, y), (x + 60, y))
    touch("touchEnd")
    apart = "window.remendEditor.toScreen(260, 120).x - window.remendEditor.toScreen(60, 120).x"
    assert page.evaluate(apart) == pytest.approx(2 * 200 * 390 / 320, rel=0.1)
    expect(page.locator("#repair-undo")).to_be_disabled()  # the pinch painted nothing
    for name in ("Upscale", "Models", "Repair"):
        page.get_by_role("tab", name=name).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
