"""Work ends when nobody waits for it: a page that is closed or reloaded, a program that has gone."""

import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.browsing import open_photo, stroke
from tests.helpers.visiting import Endless, ask_for_upscale

CLIENT = """
import sys
from gradio_client import Client, handle_file
client = Client(sys.argv[1], verbose=False)
client.predict(photo=handle_file(sys.argv[2]), scale=2, api_name="/upscale")
"""


def test_the_call_of_a_program_that_was_killed_ends(page_address: str, png: Path, endless: Endless):
    process = subprocess.Popen([sys.executable, "-c", CLIENT, page_address, str(png)])
    assert endless.begun.acquire(timeout=30)
    assert not endless.ended.acquire(timeout=0.2)
    process.kill()
    process.wait()
    assert endless.ended.acquire(timeout=5)


def test_a_call_ends_when_nobody_reads_its_answer_any_more(
    page_address: str, png: Path, endless: Endless
):
    number = ask_for_upscale(page_address, png, "auto")
    with urllib.request.urlopen(f"{page_address}/gradio_api/call/upscale/{number}"):
        assert endless.begun.acquire(timeout=30)
        assert not endless.ended.acquire(timeout=0.2)
    assert endless.ended.acquire(timeout=5)


@pytest.mark.browser
@pytest.mark.parametrize("leave", ["reload", "close"])
def test_work_ends_with_the_page_that_asked_for_it(
    page: Page, png: Path, endless: Endless, leave: str
):
    open_photo(page, png)
    stroke(page, (60, 120), (260, 120))
    page.click("#repair-fill")
    assert endless.begun.acquire(timeout=10)
    page.reload() if leave == "reload" else page.close()
    assert endless.ended.acquire(timeout=5)


@pytest.mark.browser
def test_an_upscale_can_be_stopped_again_and_again(page: Page, png: Path, endless: Endless):
    page.get_by_role("tab", name="Upscale").click()
    page.set_input_files("#upscale-photo input[type=file]", png)
    expect(page.locator("#status")).to_contain_text("scratched.png")
    endless.tile_s = 0.7  # so that the first is still at its tile when the second begins
    for _ in range(2):
        page.click("#upscale-run")
        assert endless.begun.acquire(timeout=10)
        page.click("#upscale-stop")
        expect(page.locator("#status")).to_contain_text("Stopped")
        page.click("#upscale-run")  # before the stopped one has ended
        assert endless.ended.acquire(timeout=5)
        assert endless.begun.acquire(timeout=10)
        page.click("#upscale-stop")
        assert endless.ended.acquire(timeout=5)
