"""A fine-tune from the Models tab in a browser: filled in, watched, stopped, and its model chosen."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from remend.models.checkpoints.card import read_card
from tests.helpers.browsing import EMPTY, fill_number

pytestmark = pytest.mark.browser


def open_form(page: Page) -> None:
    page.get_by_role("tab", name="Models").click()
    page.get_by_role("button", name="Fine-tune on your own photos").click()


def fill_in(page: Page, album: Path | str, name: str, images: int) -> None:
    page.fill("#tune-folder :is(input, textarea)", str(album))
    page.click("#tune-parent input")
    page.get_by_role("option", name="small", exact=True).click()
    page.fill("#tune-name :is(input, textarea)", name)
    fill_number(page, "#tune-images input", str(images))
    page.click("#tune-start")


def test_a_model_is_made_watched_and_chosen(page: Page, album: Path, models: Path):
    open_form(page)
    fill_in(page, album, "mine", 16)
    expect(page.locator("#status")).to_contain_text("mine is being fine-tuned")
    expect(page.locator("#tune-stop")).to_be_enabled()
    expect(page.locator("#tune-start")).to_be_disabled()
    progress = page.locator("#tune-progress")
    expect(progress).to_contain_text("dB before", timeout=120_000)
    page.reload()  # nothing is lost by it
    page.wait_for_selector(EMPTY)
    open_form(page)
    gain = re.compile(
        r"(\+\d\.\d\d dB|No gain).* held-out photo.*mine can be chosen as a model now"
    )
    expect(progress).to_contain_text(gain, timeout=180_000)
    expect(page.locator("#tune-sheet img")).to_have_attribute(
        "alt", re.compile("before, after 16 crops")
    )
    expect(page.locator("#models")).to_contain_text("mine")
    assert read_card(models / "mine.safetensors").parent == "small"
    page.get_by_role("tab", name="Upscale").click()
    page.click("#upscale-model input")
    expect(page.get_by_role("option", name="mine", exact=True)).to_be_visible()


def test_stop_ends_it_and_the_page_says_so(page: Page, album: Path, models: Path):
    open_form(page)
    fill_in(page, album, "endless", 1_000_000)
    expect(page.locator("#tune-progress")).to_contain_text("crops seen", timeout=120_000)
    page.click("#tune-stop")
    progress = page.locator("#tune-progress p").first
    said = re.compile("Stopped. Nothing was better|endless can be chosen")
    expect(progress).to_have_text(said, timeout=60_000)
    expect(page.locator("#tune-start")).to_be_enabled()
    is_made = (models / "endless.safetensors").is_file()
    assert is_made == ("endless can be chosen" in progress.inner_text())
    assert is_made or (models / "endless.run" / "state.pt").is_file()


def test_a_wrong_folder_is_a_sentence(page: Page, tmp_path: Path):
    open_form(page)
    fill_in(page, tmp_path / "nowhere", "other", 4)
    expect(page.locator("#status")).to_contain_text("does not exist; check the path")
    expect(page.locator("#tune-start")).to_be_enabled()
    fill_in(page, tmp_path, "other", 4)
    expect(page.locator("#tune-progress")).to_contain_text("No pictures were found", timeout=60_000)
