"""What the tests of the page do in a browser: open a photo, paint, fill, download, look at a pixel."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

expect.set_options(timeout=30_000)  # as long as the page's other waits; a busy machine needs it
PROGRAMS = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "firefox": ("firefox-esr", "firefox"),
}
"""By engine: the programs that are looked for; the first is the name of Debian's package."""
OFFLINE = "--disable-quic --no-first-run --disable-background-networking --disable-component-update"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-sync", *OFFLINE.split(" ")]
ARTIST, ORIENTATION = 0x013B, 0x0112
READY, ERROR, EMPTY = (
    f'#repair-editor[data-state="{state}"]' for state in ("ready", "error", "empty")
)
PIXEL = """([x, y]) => {
  const canvas = document.querySelector("#repair-editor canvas");
  const box = canvas.getBoundingClientRect(), scale = canvas.width / box.width;
  const at = window.remendEditor.toScreen(x, y);
  const [left, top] = [(at.x - box.left) * scale, (at.y - box.top) * scale];
  return [...canvas.getContext("2d").getImageData(left, top, 1, 1).data].slice(0, 3);
}"""

HOLD = """(word) => {
  const send = window.fetch, held = [];
  window.fetch = (address, options) => {
    const isMeant = `${address.url ?? address} ${options?.body}`.includes(word);
    if (!isMeant) return send(address, options);
    return new Promise((answer, fail) => {
      held.push(() => send(address, options).then(answer, fail));
    });
  };
  window.held = held;
}"""
LET_GO = "window.held.splice(0).forEach((go) => go())"


def launch(playwright: Playwright, engine: str, path: str) -> Browser:
    """Start a browser that is installed; Firefox as Mozilla builds it, through WebDriver BiDi."""
    if engine == "firefox":
        return playwright.firefox.launch(executable_path=path, channel="moz-firefox")
    return playwright.chromium.launch(executable_path=path, args=FLAGS)


def hold(page: Page, word: str) -> None:
    """Hold the page's requests whose address or body has this word; `LET_GO` sends those that wait.

    They are held inside the page: a reload takes them with it, and Playwright, whose own routes wait
    for ever for a request of a page that has gone, has none of them.
    """
    page.evaluate(HOLD, word)


def wait_for_held(page: Page) -> None:
    """Wait until the page has sent a request that is held."""
    page.wait_for_function("window.held.length > 0")


def fill_number(page: Page, selector: str, text: str) -> None:
    """Replace what stands in a field of numbers, as a person would.

    ``page.fill`` puts the text behind it in Firefox: there Playwright asks the field where its selection is,
    and a field of numbers does not say.
    """
    page.locator(selector).evaluate("(field) => { field.focus(); field.select(); }")
    page.keyboard.type(text)


def open_photo(page: Page, path: Path) -> None:
    page.set_input_files("#repair-editor input[type=file]", path)
    page.wait_for_selector(READY)


def stroke(page: Page, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Paint a line between two pixels of the photo."""
    for number, (x, y) in enumerate((start, end)):
        at = page.evaluate(f"window.remendEditor.toScreen({x}, {y})")
        page.mouse.move(at["x"], at["y"], steps=4)
        if number == 0:
            page.mouse.down()
    page.mouse.up()


def choose_in(page: Page, menu: str, name: str) -> None:
    """Press an entry of the menu "mask" or "more"."""
    opener = page.locator(f"[data-menu={menu}]")
    if opener.get_attribute("aria-expanded") == "false":
        opener.click()
    page.get_by_role("button", name=name, exact=True).click()


def set_option(page: Page, name: str, *, is_on: bool = True) -> None:
    """Tick or untick a box of the menu "more", and close it."""
    page.click("[data-menu=more]")
    page.set_checked(f"[data-name={name}]", is_on)
    page.click("[data-menu=more]")


def press_fill(page: Page) -> None:
    page.click("#repair-fill")
    expect(page.locator("#status")).to_contain_text("Filled")
    page.wait_for_selector(READY)


def download(page: Page, selector: str, folder: Path) -> Path:
    with page.expect_download() as got:
        page.click(selector)
    path = folder / got.value.suggested_filename
    got.value.save_as(path)
    return path


def pixel(page: Page, x: int, y: int) -> list[int]:
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.evaluate(PIXEL, [x, y])


def about(colour: list[int]) -> Any:
    """That colour, but for the JPEG that the preview came as."""
    return pytest.approx(colour, abs=4)
