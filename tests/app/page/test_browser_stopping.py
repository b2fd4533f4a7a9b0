"""Stop and undo in Chromium: what was stopped changes nothing, and no press is lost."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from remend.app.engine.model_pool import ModelPool
from remend.models.progress import Progress
from tests.helpers.browsing import (
    LET_GO,
    READY,
    download,
    hold,
    open_photo,
    press_fill,
    stroke,
    wait_for_held,
)

pytestmark = pytest.mark.browser


@pytest.fixture
def slow_fill(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Fills wait until the event is set; a stop reaches them only then."""
    go_on = threading.Event()
    fill = ModelPool.fill_patches

    def slowly(*arguments: Any, **options: Any) -> Any:
        assert go_on.wait(20)
        progress: Progress = next(one for one in arguments if isinstance(one, Progress))
        progress.update(0, 1)
        return fill(*arguments, **options)

    monkeypatch.setattr(ModelPool, "fill_patches", slowly)
    yield go_on
    go_on.set()


def test_a_fill_that_is_stopped_while_its_mask_is_sent_never_happens(
    page: Page, png: Path, tmp_path: Path
):
    open_photo(page, png)
    stroke(page, (60, 120), (260, 120))
    hold(page, "/upload")
    page.click("#repair-fill")
    wait_for_held(page)
    page.keyboard.press("Escape")
    expect(page.locator("#status")).to_contain_text("Stopped")
    page.evaluate(LET_GO)
    page.wait_for_timeout(1500)  # a fill of the small network takes a tenth of that
    expect(page.locator("#status")).to_contain_text("Stopped")
    after = np.asarray(Image.open(download(page, "#repair-download", tmp_path)))
    assert (after == np.asarray(Image.open(png))).all()


def test_a_fill_after_a_stop_is_not_swallowed(
    page: Page, png: Path, slow_fill: threading.Event, tmp_path: Path
):
    open_photo(page, png)
    stroke(page, (60, 120), (260, 120))
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")  # at once: the answer to the stop is still on its way
    expect(page.locator("#status")).to_contain_text("Filling")
    slow_fill.set()
    expect(page.locator("#status")).to_contain_text("Filled")
    page.wait_for_selector(READY)
    page.click("#repair-undo")
    page.wait_for_selector(READY)
    after = np.asarray(Image.open(download(page, "#repair-download", tmp_path)))
    assert (after == np.asarray(Image.open(png))).all()


def test_fast_presses_of_undo_and_redo_all_count(page: Page, png: Path, tmp_path: Path):
    rows = range(30, 200, 40)
    open_photo(page, png)
    for y in rows:
        stroke(page, (40, y), (80, y))
        press_fill(page)
        page.evaluate("window.remendStatus.say('-')")

    def changed_rows() -> list[int]:
        page.wait_for_selector(READY)
        after = np.asarray(Image.open(download(page, "#repair-download", tmp_path)))
        changed = (after != np.asarray(Image.open(png))).any(axis=(1, 2))
        return [y for y in rows if changed[y - 5 : y + 5].any()]

    assert changed_rows() == list(rows)
    page.evaluate("""() => {
      for (let n = 0; n < 10; n += 1) {
        document.dispatchEvent(new KeyboardEvent("keydown", { key: "z", ctrlKey: true, bubbles: true }));
      }
    }""")
    assert changed_rows() == []
    expect(page.locator("#repair-undo")).to_be_disabled()
    page.evaluate("for (let n = 0; n < 6; n += 1) document.querySelector('#repair-redo').click()")
    assert changed_rows() == list(rows)[:3]
