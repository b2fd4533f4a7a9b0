"""The page in Chromium: masks, shapes, comparing, large and deep photos, Chinese, the keyboard alone, axe."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from remend.models.imaging.files import read_picture, write_picture
from remend.models.imaging.picture import Picture
from tests.helpers.browsing import (
    EMPTY,
    READY,
    about,
    choose_in,
    download,
    fill_number,
    open_photo,
    pixel,
    press_fill,
    set_option,
    stroke,
)
from tests.helpers.prints import print_of

pytestmark = pytest.mark.browser


def button(page: Page, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True)


def saved_mask(page: Page, folder: Path) -> np.ndarray:
    if page.locator("[data-do=save]").is_hidden():
        page.click("[data-menu=mask]")
    path = download(page, "[data-do=save]", folder)
    page.wait_for_selector(READY)
    return np.asarray(Image.open(path)) > 0


def test_box_and_lasso_paint_and_the_mask_grows_shrinks_and_inverts(
    page: Page, png: Path, tmp_path: Path
):
    open_photo(page, png)
    button(page, "Box").click()
    stroke(page, (50, 60), (149, 109))
    box = saved_mask(page, tmp_path)
    assert box.shape == (240, 320)
    assert box.sum() == pytest.approx(100 * 50, rel=0.03)
    choose_in(page, "mask", "Grow")
    page.wait_for_selector(READY)
    grown = saved_mask(page, tmp_path)
    assert grown.sum() == pytest.approx(108 * 58, rel=0.03)
    choose_in(page, "mask", "Shrink")
    page.wait_for_selector(READY)
    assert saved_mask(page, tmp_path).sum() == pytest.approx(box.sum(), rel=0.03)
    choose_in(page, "mask", "Invert")
    page.wait_for_selector(READY)
    assert saved_mask(page, tmp_path).sum() == pytest.approx(320 * 240 - box.sum(), rel=0.01)
    button(page, "Clear paint").click()
    expect(page.locator("[data-do=save]")).to_be_disabled()

    button(page, "Lasso").click()
    corners = [
        page.evaluate(f"window.remendEditor.toScreen({x}, {y})")
        for x, y in ((200, 50), (300, 50), (200, 150))
    ]
    page.mouse.move(corners[0]["x"], corners[0]["y"])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(corner["x"], corner["y"], steps=5)
    page.mouse.up()
    assert saved_mask(page, tmp_path).sum() == pytest.approx(100 * 100 / 2, rel=0.06)


def test_fill_on_release_keeps_the_paint_if_asked_and_the_divider_shows_both(page: Page, png: Path):
    open_photo(page, png)
    scratch = pixel(page, 100, 120), pixel(page, 220, 120)
    set_option(page, "keep")
    set_option(page, "on-release")
    stroke(page, (60, 120), (260, 120))
    expect(page.locator("#status")).to_contain_text("Filled")
    page.wait_for_selector(READY)
    expect(page.locator("[data-do=save]")).to_be_enabled()
    button(page, "Clear paint").click()
    filled = pixel(page, 220, 120)
    assert filled != scratch[1]
    captions = page.locator("#repair-editor .caption")
    expect(captions.first).to_be_hidden()
    button(page, "Compare").click()
    expect(captions).to_have_text(["Original", "Result"])
    expect(captions.last).to_be_visible()
    assert pixel(page, 100, 120) == about(scratch[0])
    assert pixel(page, 220, 120) == about(filled)
    page.locator("#repair-editor .divider").focus()
    page.keyboard.press("End")
    assert pixel(page, 220, 120) == about(scratch[1])


@pytest.fixture
def old_print(tmp_path: Path) -> Path:
    path = tmp_path / "old.png"
    Image.fromarray(print_of()[0]).save(path)
    return path


def test_suggested_damage_is_paint_that_can_be_taken_back(page: Page, old_print: Path):
    open_photo(page, old_print)
    plain = pixel(page, 90, 70)
    button(page, "Suggest damage").click()
    expect(page.locator("#status")).to_contain_text("look like damage")
    page.wait_for_selector(READY)
    assert pixel(page, 90, 70) != about(plain)
    page.get_by_label("Sensitivity").press("ArrowRight")
    page.wait_for_selector(READY)
    page.click("#repair-undo")
    expect(page.locator("#repair-undo")).to_be_disabled()
    assert pixel(page, 90, 70) == about(plain)


def test_clicks_take_a_suggested_scratch_away_and_trace_it_whole(page: Page, old_print: Path):
    open_photo(page, old_print)
    plain = pixel(page, 150, 100)
    button(page, "Suggest damage").click()
    expect(page.locator("#status")).to_contain_text("look like damage")
    page.wait_for_selector(READY)
    paint = pixel(page, 150, 100)
    button(page, "Eraser").click()
    stroke(page, (90, 70), (90, 70))
    expect(page.locator("#status")).to_contain_text("no longer painted")
    page.wait_for_selector(READY)
    assert pixel(page, 150, 100) == about(plain)
    button(page, "Brush").click()
    stroke(page, (90, 70), (90, 70))
    expect(page.locator("#status")).to_contain_text("as far as it goes")
    page.wait_for_selector(READY)
    assert pixel(page, 150, 100) == about(paint)


def test_the_keyboard_alone_paints_a_box_and_fills_it(page: Page, png: Path):
    open_photo(page, png)
    page.locator(".stage").focus()
    for key in ("ArrowRight", "ArrowLeft", "Shift+ArrowRight", "Shift+ArrowDown"):
        page.keyboard.press(key)
    expect(page.locator("#status")).to_contain_text("Arrows move the box")
    page.keyboard.press("m")
    expect(page.locator("[data-do=save]")).to_be_enabled()
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("Filled")
    page.wait_for_selector(READY)
    page.keyboard.press("Tab")  # who came by keyboard can leave by it
    expect(page.locator(".stage")).not_to_be_focused()


def test_a_twelve_megapixel_jpeg_is_repaired(page: Page, tmp_path: Path):
    y, x = np.mgrid[:3000, :4000]
    pixels = np.stack([x // 16, y // 12, (x + y) // 28], -1).astype(np.uint8)
    path = tmp_path / "large.jpg"
    Image.fromarray(pixels).save(path, quality=90)
    open_photo(page, path)
    stroke(page, (2000, 1500), (2100, 1500))
    press_fill(page)
    with Image.open(download(page, "#repair-download", tmp_path)) as result:
        assert result.size == (4000, 3000)


def test_a_sixteen_bit_tiff_stays_one_and_goes_on_to_upscale(page: Page, tmp_path: Path):
    pixels = np.random.default_rng(2).integers(0, 65536, (90, 120, 3)).astype(np.uint16)
    path = tmp_path / "deep.tiff"
    write_picture(Picture(pixels), path)
    open_photo(page, path)
    stroke(page, (50, 40), (70, 40))
    press_fill(page)
    result = read_picture(download(page, "#repair-download", tmp_path))
    page.wait_for_selector(READY)
    assert result.rgb.dtype == np.uint16
    assert (result.rgb[:10] == pixels[:10]).all() and (result.rgb != pixels).any()
    page.click("#repair-upscale")
    expect(page.locator("#upscale-photo")).to_contain_text("deep-repaired")
    fill_number(page, "#upscale-scale input[type=number]", "2")
    page.click("#upscale-preview")
    expect(page.locator("#status")).to_contain_text("About")
    page.click("#upscale-run")
    expect(page.locator("#upscale-download")).to_be_enabled()
    larger = read_picture(download(page, "#upscale-download", tmp_path))
    assert (larger.size, larger.rgb.dtype) == ((240, 180), np.uint16)


@pytest.mark.parametrize("options", [{"locale": "zh-CN"}], indirect=True)
def test_a_chinese_browser_is_spoken_to_in_chinese(page: Page, png: Path):
    expect(page.locator("#status")).to_contain_text("请打开一张照片")
    open_photo(page, png)
    expect(page.locator("#status")).to_contain_text("涂抹")
    expect(page.locator("#repair-fill")).to_have_text("填充")
    page.get_by_role("tab", name="放大").click()
    page.set_input_files("#upscale-photo input[type=file]", png)
    expect(page.locator("#status")).to_contain_text("将变为")
    expect(page.locator("#upscale-run")).to_have_text("放大")


def test_two_visitors_do_not_see_each_others_photos(
    page: Page, browser: Browser, page_address: str, png: Path
):
    open_photo(page, png)
    context = browser.new_context()
    other = context.new_page()
    other.goto(page_address)
    other.wait_for_selector(EMPTY)
    assert "scratched.png" not in other.content()
    context.close()
    expect(page.locator("#repair-editor")).to_contain_text("scratched.png")


GRADIO_FAULTS = {
    "aria-prohibited-attr": "ImageSlider: a name on the empty picture's plain box",
    "button-name": "Image: the picture that can be clicked into has no name; sliders stand beside it",
    "nested-interactive": "File: the upload button holds the file field",
}
"""Serious faults by rule, in components of Gradio's own; docs/design.md lists them."""


def grave_faults(page: Page, context: str | None = None) -> set[str]:
    page.wait_for_timeout(600)  # colours fade in
    found: Any = Axe().run(page, context=context).response["violations"]
    return {fault["id"] for fault in found if fault["impact"] in ("serious", "critical")}


CONTRASTS = """() => {
  const parse = (text) => {  // "color(srgb …)" counts to 1
    const scale = text.startsWith("color(") ? 255 : 1;
    return text.match(/[\\d.]+/g).map((v, at) => Number(v) * (at < 3 ? scale : 1));
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const words = ".tool:not(:disabled), .size, .facts, .invitation :is(strong, span, button)";
  const editor = `#repair-editor :is(${words})`;
  return [...document.querySelectorAll(`#title h1, #status span, [role=tab], ${editor}`)].map((node) => {
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(ground(node))];
    return [node.textContent.trim().slice(0, 30), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
  });
}"""


@pytest.mark.parametrize(
    "options", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True
)
def test_letters_stand_out_and_axe_finds_no_serious_fault_but_gradios_own(page: Page, png: Path):
    page.wait_for_timeout(300)  # colours fade in
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 10
    assert [pair for pair in contrasts if pair[1] < 4.5] == []
    open_photo(page, png)
    assert grave_faults(page) == set()
    page.get_by_role("tab", name="Models", exact=True).click()
    assert grave_faults(page) == set()
    page.get_by_role("tab", name="Upscale", exact=True).click()
    page.set_input_files("#upscale-photo input[type=file]", png)
    expect(page.locator("#upscale-where img")).to_be_visible()
    assert grave_faults(page) <= set(GRADIO_FAULTS)
    assert grave_faults(page, "#status") == set()
