"""Habits in Chromium: keys wherever the focus is, versions of a fill, a lasso that snaps, the phone."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.helpers.browsing import READY, about, open_photo, pixel, press_fill, stroke

pytestmark = pytest.mark.browser

IN_BOTH = pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, {"help": "Keys", "filled": "Filled", "chosen": "is in the photo"}),
        ({"locale": "zh-CN"}, {"help": "快捷键", "filled": "已填充", "chosen": "换成这个版本"}),
    ],
    indirect=["options"],
)


@IN_BOTH
def test_keys_count_wherever_the_focus_is(page: Page, png: Path, words: dict[str, str]):
    status = page.locator("#status")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name=words["help"])
    expect(dialog).to_contain_text("Ctrl")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Control+o")
    chooser.value.set_files(png)
    page.wait_for_selector(READY)
    page.locator("#repair-detail").focus()
    page.keyboard.press("e")
    expect(page.locator("[data-tool=eraser]")).to_have_attribute("aria-pressed", "true")
    page.click("[data-tool=brush]")
    stroke(page, (60, 120), (260, 120))
    page.click("[data-do=fit]")  # a click gives the keys back to the photo
    page.keyboard.press("Enter")
    expect(status).to_contain_text(words["filled"])
    page.wait_for_selector(READY)
    with page.expect_download() as got:
        page.keyboard.press("Control+s")
    assert got.value.suggested_filename == "scratched-repaired.png"
    page.wait_for_selector(READY)
    page.keyboard.press("1")
    expect(page.locator("output.zoom")).to_contain_text("100")
    page.locator(".file input").focus()
    page.keyboard.press("Control+z")
    page.wait_for_selector(READY)
    expect(page.locator("#repair-redo")).to_be_enabled()


def test_two_fingers_on_a_touchpad_pan_and_a_wheel_zooms(page: Page, png: Path):
    open_photo(page, png)
    at = page.evaluate("window.remendEditor.toScreen(160, 120)")
    page.mouse.move(at["x"], at["y"])
    zoom = page.locator("output.zoom").inner_text()
    page.mouse.wheel(12, 7)
    page.wait_for_function(f"window.remendEditor.toScreen(160, 120).x < {at['x']} - 11")
    moved = page.evaluate("window.remendEditor.toScreen(160, 120)")
    assert (moved["x"] - at["x"], moved["y"] - at["y"]) == pytest.approx((-12, -7))
    assert page.locator("output.zoom").inner_text() == zoom
    page.wait_for_timeout(400)
    page.mouse.wheel(0, -200)
    expect(page.locator("output.zoom")).not_to_have_text(zoom)


def test_a_stroke_beside_the_photo_is_no_paint_and_an_error_can_be_dismissed(
    page: Page, png: Path, tmp_path: Path
):
    open_photo(page, png)
    stroke(page, (-60, 20), (-60, 200))
    expect(page.locator("#repair-undo")).to_be_disabled()
    (tmp_path / "text.png").write_text("no picture")
    page.set_input_files("#repair-editor input[type=file]", tmp_path / "text.png")
    expect(page.locator("#status .error")).to_contain_text("text.png")
    page.click("#status .dismiss")
    expect(page.locator("#status .error")).to_have_count(0)
    expect(page.locator("#status .dismiss")).to_be_hidden()


def test_a_hole_as_large_as_a_face_is_said_to_be_guessed_once_and_scratches_are_not(
    page: Page, png: Path
):
    open_photo(page, png)
    status = page.locator("#status")
    page.click("[data-tool=box]")
    stroke(page, (20, 10), (300, 40))  # an eighth of the height
    expect(status).to_contain_text("shadow")
    stroke(page, (20, 100), (200, 160))
    expect(status).to_contain_text("does not invent faces")
    stroke(page, (20, 170), (200, 230))
    expect(status).to_contain_text("shadow")


def test_a_click_on_the_empty_stage_opens_photos(page: Page, png: Path):
    with page.expect_file_chooser() as chooser:
        page.click(".stage")
    assert chooser.value.is_multiple()
    chooser.value.set_files(png)
    page.wait_for_selector(READY)


def test_the_lasso_snaps_to_the_object_in_it(page: Page, tmp_path: Path):
    y, x = np.mgrid[:240, :320]
    disc = (x - 160) ** 2 + (y - 120) ** 2 < 40**2
    grain = np.random.default_rng(1).integers(0, 20, (240, 320, 1))
    pixels = np.where(disc[..., None], [200, 40, 40], [60, 120, 70]) + grain
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "disc.png")
    open_photo(page, tmp_path / "disc.png")
    plain = pixel(page, 160, 60)
    page.click("[data-do=snap]")
    expect(page.locator("[data-tool=lasso]")).to_have_attribute("aria-pressed", "true")
    angles = np.linspace(0, 2 * np.pi, 30)
    for number, angle in enumerate(angles):
        spot = f"{160 + 75 * np.cos(angle)}, {120 + 75 * np.sin(angle)}"
        at = page.evaluate(f"window.remendEditor.toScreen({spot})")
        page.mouse.move(at["x"], at["y"])
        if number == 0:
            page.mouse.down()
    page.mouse.up()
    expect(page.locator("#repair-undo")).to_be_enabled()
    page.wait_for_selector(READY)
    assert pixel(page, 160, 60) == about(plain)  # circled, but not of the disc
    assert pixel(page, 160, 120)[2] > 70  # pink over red


@IN_BOTH
def test_versions_of_a_fill_can_be_clicked_between(page: Page, png: Path, words: dict[str, str]):
    open_photo(page, png)
    versions = page.locator(".versions button")
    expect(page.locator("[data-do=versions]")).to_be_disabled()
    stroke(page, (60, 120), (260, 120))
    press_fill(page) if words["help"] == "Keys" else page.keyboard.press("Enter")
    expect(page.locator("[data-do=versions]")).to_be_enabled()
    first = pixel(page, 100, 120)
    page.keyboard.press("v")
    expect(versions).to_have_count(3)
    expect(versions.first).to_have_attribute("aria-pressed", "true")
    versions.nth(1).click()
    expect(page.locator("#status")).to_contain_text(words["chosen"])
    page.wait_for_selector(READY)
    expect(versions.nth(1)).to_have_attribute("aria-pressed", "true")
    page.click("[data-do=divide]")
    slider = page.locator("#repair-editor .divider").bounding_box()
    strip = page.locator("#repair-editor .versions").bounding_box()
    assert slider and strip and strip["y"] + strip["height"] <= slider["y"]
    page.click("[data-do=divide]")
    versions.first.click()
    expect(versions.first).to_have_attribute("aria-pressed", "true")
    page.wait_for_selector(READY)
    assert pixel(page, 100, 120) == about(first)
    page.click("#repair-undo")
    expect(page.locator(".versions")).to_be_hidden()
    expect(page.locator("[data-do=versions]")).to_be_disabled()


LYING = {"viewport": {"width": 844, "height": 390}, "is_mobile": True, "has_touch": True}
UPRIGHT = {**LYING, "viewport": {"width": 390, "height": 844}}


@pytest.mark.parametrize("options", [UPRIGHT, LYING, {**UPRIGHT, "locale": "zh-CN"}], indirect=True)
def test_on_a_phone_the_thumb_reaches_what_is_needed_and_a_sheet_holds_the_rest(
    page: Page, png: Path, options: dict
):
    window = options["viewport"]
    open_photo(page, png)
    for name in ("[data-tool=brush]", "[data-tool=eraser]", "#repair-undo", "#repair-fill"):
        box = page.locator(f".phone {name}").bounding_box()
        assert box is not None and min(box["width"], box["height"]) >= 44
        assert box["y"] + box["height"] <= window["height"]
    assert page.evaluate("document.documentElement.scrollHeight") <= window["height"]
    stage = page.locator(".stage").bounding_box()
    assert stage is not None
    assert stage["width"] * stage["height"] > 0.5 * window["width"] * window["height"]
    expect(page.locator("#repair-download")).to_be_hidden()
    page.click(".sheet-opener")
    small = [
        box
        for box in (one.bounding_box() for one in page.locator(".sheet button:visible").all())
        if box is not None and min(box["width"], box["height"]) < 44
    ]
    assert small == []
    page.click(".sheet [data-tool=lasso]")
    expect(page.locator(".sheet")).to_be_hidden()
    page.click(".sheet-opener")
    with page.expect_download():
        page.click("#repair-download")
    page.set_viewport_size({"width": 1024, "height": 768})
    expect(page.locator(".top #repair-download")).to_be_visible()
    expect(page.locator(".strip [data-tool=lasso]")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("options", [UPRIGHT], indirect=True)
def test_where_one_cannot_drop_photos_the_page_asks_for_a_tap(page: Page, engine: tuple[str, str]):
    if engine[0] == "firefox":
        pytest.skip("Firefox as Mozilla builds it cannot be asked to have no mouse.")
    expect(page.locator(".invitation")).to_contain_text("Tap to choose photos", use_inner_text=True)
    expect(page.locator(".invitation")).not_to_contain_text("Drop", use_inner_text=True)


@pytest.mark.parametrize("options", [{"viewport": {"width": 3840, "height": 2160}}], indirect=True)
def test_on_a_very_large_screen_the_tools_are_larger_and_paint_lies_where_the_pointer_was(
    page: Page, png: Path
):
    open_photo(page, png)
    for name in ("[data-tool=brush]", "#repair-fill", "[data-menu=more]"):
        box = page.locator(name).bounding_box()
        assert box is not None and box["height"] >= 66
    plain = pixel(page, 160, 60)
    stroke(page, (100, 60), (220, 60))
    assert pixel(page, 160, 60) != about(plain)
