"""No work is lost in Chromium: the page asks before repairs go, and a reload brings everything back."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Dialog, Page, expect

from tests.helpers.browsing import (
    READY,
    about,
    choose_in,
    download,
    fill_number,
    hold,
    open_photo,
    pixel,
    press_fill,
    set_option,
    stroke,
    wait_for_held,
)

pytestmark = pytest.mark.browser

DROP = """([selector, name, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], name, { type: "image/png" }));
  const target = document.querySelector(selector);
  const options = { bubbles: true, cancelable: true, dataTransfer: files };
  return ["dragover", "drop"].map((type) => !target.dispatchEvent(new DragEvent(type, options)));
}"""
PASTE = DROP.replace(
    'return ["dragover", "drop"].map((type) => !target.dispatchEvent(new DragEvent(type, options)));',
    'const event = new ClipboardEvent("paste", { bubbles: true });'
    # Firefox leaves out what is given to the constructor.
    'Object.defineProperty(event, "clipboardData", { value: files });'
    "target.dispatchEvent(event);",
)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    path = tmp_path / "other.png"
    Image.new("RGB", (200, 100), (9, 99, 199)).save(path)
    return path


def bring(page: Page, path: Path, script: str = DROP, selector: str = "body") -> list[bool]:
    """Drop or paste a file; for a drop, whether the page took it over from the browser."""
    import base64

    return page.evaluate(
        script, [selector, path.name, base64.b64encode(path.read_bytes()).decode()]
    )


def test_a_reload_brings_back_photo_fills_paint_and_history(page: Page, png: Path, tmp_path: Path):
    open_photo(page, png)
    plain = pixel(page, 100, 120), pixel(page, 100, 40)
    stroke(page, (60, 120), (260, 120))
    press_fill(page)
    stroke(page, (60, 40), (260, 40))
    shown = pixel(page, 100, 120), pixel(page, 100, 40)
    stroke(page, (60, 200), (260, 200))
    page.click("#repair-undo")
    page.reload()
    page.wait_for_selector(READY)
    expect(page.locator("#status")).to_contain_text("is back")
    assert pixel(page, 100, 120) == about(shown[0]) and pixel(page, 100, 40) == about(shown[1])
    redo = page.locator("#repair-redo")
    expect(redo).to_be_enabled()
    redo.click()
    expect(redo).to_be_disabled()
    for _ in range(3):
        page.keyboard.press("Control+z")
    page.wait_for_selector(READY)
    expect(page.locator("#repair-undo")).to_be_enabled()  # the stroke that was filled
    page.keyboard.press("Control+z")
    expect(page.locator("#repair-undo")).to_be_disabled()
    assert pixel(page, 100, 120) == about(plain[0]) and pixel(page, 100, 40) == about(plain[1])
    page.reload()
    page.wait_for_selector(READY)
    after = np.asarray(Image.open(download(page, "#repair-download", tmp_path)))
    assert (after == np.asarray(Image.open(png))).all()
    page.keyboard.press("Control+Shift+Z")
    page.wait_for_selector(READY)
    press_fill(page)  # with the paint that came back


def test_a_mask_comes_back_too(page: Page, png: Path):
    open_photo(page, png)
    stroke(page, (60, 120), (260, 120))
    choose_in(page, "mask", "Invert")
    page.wait_for_selector(READY)
    painted = pixel(page, 20, 20), pixel(page, 100, 120)
    page.reload()
    page.wait_for_selector(READY)
    assert pixel(page, 20, 20) == about(painted[0]) and pixel(page, 100, 120) == about(painted[1])


def test_a_fill_whose_end_the_page_never_saw_is_in_the_history_after_a_reload(
    page: Page, png: Path
):
    open_photo(page, png)
    plain = pixel(page, 100, 120)
    stroke(page, (60, 120), (260, 120))
    hold(page, '"changes"')
    page.click("#repair-fill")
    wait_for_held(page)
    page.reload()
    page.wait_for_selector(READY)
    assert pixel(page, 100, 120) != about(plain)
    page.click("#repair-undo")
    page.wait_for_selector(READY)
    expect(page.locator("#repair-redo")).to_be_enabled()
    page.click("#repair-undo")
    expect(page.locator("#repair-undo")).to_be_disabled()
    assert pixel(page, 100, 120) == about(plain)


def test_a_copy_of_the_tab_takes_the_photo_over(page: Page, page_address: str, png: Path):
    open_photo(page, png)
    kept = page.evaluate("sessionStorage.getItem('remend-work')")
    copy = page.context.new_page()
    copy.add_init_script(f"sessionStorage.setItem('remend-work', {kept!r})")
    copy.goto(page_address)
    copy.wait_for_selector(READY)
    stroke(page, (60, 120), (260, 120))
    page.click("#repair-fill")
    expect(page.locator("#status")).to_contain_text("another tab")
    stroke(copy, (60, 120), (260, 120))
    press_fill(copy)


def test_the_browser_asks_before_repairs_go_and_not_otherwise(
    page: Page, png: Path, tmp_path: Path
):
    asked: list[str] = []

    def note(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", note)
    open_photo(page, png)
    page.reload()
    page.wait_for_selector(READY)
    assert asked == []
    stroke(page, (60, 120), (260, 120))
    press_fill(page)
    page.reload()
    page.wait_for_selector(READY)
    assert asked == ["beforeunload"]
    download(page, "#repair-download", tmp_path)
    page.wait_for_selector(READY)
    page.reload()
    page.wait_for_selector(READY)
    assert asked == ["beforeunload"]


def test_another_photo_comes_only_after_a_question(page: Page, png: Path, other: Path):
    facts = page.locator("#repair-editor .facts")
    ways: list[Callable[[], object]] = [
        lambda: page.set_input_files("#repair-editor input[type=file]", other),
        lambda: bring(page, other, DROP),
        lambda: bring(page, other, PASTE),
    ]
    open_photo(page, png)
    for come in ways:
        stroke(page, (60, 120), (260, 120))
        press_fill(page)
        come()
        page.get_by_role("button", name="Stay with this photo").click()
        expect(facts).to_contain_text("scratched.png")
        expect(page.get_by_role("dialog")).to_have_count(0)
        come()
        page.get_by_role("button", name="Open the other photo").click()
        expect(facts).to_contain_text("other.png")
        page.wait_for_selector(READY)
        page.set_input_files("#repair-editor input[type=file]", png)  # nothing is lost: no question
        expect(facts).to_contain_text("scratched.png")
        page.wait_for_selector(READY)


def test_a_question_is_not_answered_by_the_end_of_the_last_one(page: Page, png: Path, other: Path):
    open_photo(page, png)
    stroke(page, (60, 120), (260, 120))
    bring(page, other)
    at_once = f"(given) => {{ document.querySelector('.question [value=keep]').click(); ({DROP})(given); }}"
    bring(page, other, at_once)
    page.get_by_role("button", name="Open the other photo").click()
    expect(page.locator("#repair-editor .facts")).to_contain_text("other.png")


def test_a_file_can_be_dropped_anywhere(page: Page, png: Path, other: Path):
    assert bring(page, png, selector="#title") == [True, True]
    expect(page.locator("#repair-editor .facts")).to_contain_text("scratched.png")
    page.wait_for_selector(READY)
    page.get_by_role("tab", name="Upscale").click()
    for path in (other, png):
        assert bring(page, path, selector="#status") == [True, True]
        expect(page.locator("#upscale-photo")).to_contain_text(path.stem)
    page.get_by_role("tab", name="Models").click()
    assert bring(page, other, selector="#models") == [True, True]


def test_tools_and_dials_are_as_they_were_left(page: Page, png: Path):
    page.get_by_role("button", name="Lasso").click()
    page.get_by_role("slider", name="Brush size in screen pixels").fill("77")
    set_option(page, "keep")
    page.locator("#repair-detail").fill("0.4")
    page.get_by_role("tab", name="Upscale").click()
    fill_number(page, "#upscale-scale input[type=number]", "3")
    page.locator("#upscale-scale input[type=number]").press("Tab")
    page.click("#upscale-model input")
    page.get_by_role("option", name="x4-fidelity").click()
    kept = "localStorage.getItem('remend-dials')?.includes('x4-fidelity')"
    page.wait_for_function(kept)  # a busy machine takes its time
    page.reload()
    expect(page.locator("#repair-detail")).to_have_value("0.4")
    expect(page.locator("[data-tool=lasso]")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("slider", name="Brush size in screen pixels")).to_have_value("77")
    expect(page.locator("[data-name=keep]")).to_be_checked()
    page.get_by_role("tab", name="Upscale").click()
    expect(page.locator("#upscale-scale input[type=number]")).to_have_value("3")
    expect(page.locator("#upscale-model input")).to_have_value("x4-fidelity")
