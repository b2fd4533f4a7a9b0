"""What the page says of work that waits or runs, in Chromium: for what, how long, in both languages."""

import re
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.helpers.browsing import EMPTY, ERROR, LET_GO, download, hold, open_photo, stroke
from tests.helpers.visiting import Endless

pytestmark = pytest.mark.browser

WORDS = [
    (
        {},
        r"Filling, about \d+ s left\.$",
        r"Waiting for what was asked for before \(1\), about \d+ s\.$",
    ),
    (
        {"locale": "zh-CN"},
        r"正在填充，还需约 \d+ 秒。$",
        r"正在等待先前的工作（1 项）完成，约需 \d+ 秒。$",
    ),
]


@pytest.mark.parametrize(("options", "running", "waiting"), WORDS, indirect=["options"])
def test_a_fill_says_how_long_it_takes_and_what_it_waits_for(
    page: Page, page_address: str, png: Path, endless: Endless, running: str, waiting: str
):
    def said(visitor: Page, words: str) -> None:
        expect(visitor.locator("#status p")).to_have_text(re.compile(words))
        text = visitor.locator("#status").inner_text()
        assert "hole" not in text and "%" not in text and "processing" not in text

    open_photo(page, png)
    stroke(page, (60, 120), (260, 120))
    page.click("#repair-fill")
    assert endless.begun.acquire(timeout=10)
    said(page, running)
    other = page.context.new_page()
    other.goto(page_address)
    other.wait_for_selector(EMPTY)
    open_photo(other, png)
    stroke(other, (60, 120), (260, 120))
    other.click("#repair-fill")
    said(other, waiting)
    page.keyboard.press("Escape")
    said(other, running)
    other.close()
    assert endless.ended.acquire(timeout=5) and endless.ended.acquire(timeout=5)


def test_an_upscale_says_how_long_it_takes_and_its_end_is_not_overwritten(
    page: Page, png: Path, endless: Endless
):
    page.get_by_role("tab", name="Upscale").click()
    page.set_input_files("#upscale-photo input[type=file]", png)
    expect(page.locator("#status")).to_contain_text("scratched.png")
    page.click("#upscale-run")
    expect(page.locator("#status p")).to_have_text(re.compile(r"^Upscaling, about \d+ s left\.$"))
    page.click("#upscale-stop")
    expect(page.locator("#status")).to_contain_text("Stopped")
    page.wait_for_timeout(1200)
    expect(page.locator("#status")).to_contain_text("Stopped")


@pytest.mark.parametrize(
    "options", [{"timezone_id": "UTC"}], indirect=True
)  # the clock is a window's
def test_a_fill_that_does_not_reach_the_server_is_given_up_and_does_not_come_later(
    page: Page, png: Path, tmp_path: Path
):
    page.clock.install()
    open_photo(page, png)
    stroke(page, (60, 120), (260, 120))
    hold(page, "/queue/join")
    page.click("#repair-fill")
    end = time.monotonic() + 20
    while page.locator(ERROR).count() == 0:
        assert time.monotonic() < end
        page.clock.run_for(1000)
        page.wait_for_timeout(50)
    expect(page.locator("#status")).to_contain_text("no longer knows")
    page.clock.resume()
    page.evaluate(LET_GO)
    page.wait_for_timeout(1500)  # a fill of the small network takes a tenth of that
    after = np.asarray(Image.open(download(page, "#repair-download", tmp_path)))
    assert (after == np.asarray(Image.open(png))).all()
