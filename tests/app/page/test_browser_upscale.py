"""The Upscale tab in Chromium, and the status line that all tabs share."""

import re
import threading
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from remend.app.engine.model_pool import ModelPool
from remend.models.progress import Cancelled, Progress
from tests.helpers.browsing import (
    ARTIST,
    LET_GO,
    download,
    fill_number,
    hold,
    open_photo,
    stroke,
    wait_for_held,
)

pytestmark = pytest.mark.browser


def upscale_twice(page: Page, phone_jpeg: Path) -> None:
    page.get_by_role("tab", name="Upscale").click()
    page.set_input_files("#upscale-photo input[type=file]", phone_jpeg)
    expect(page.locator("#status")).to_contain_text("1280 × 960")
    fill_number(page, "#upscale-scale input[type=number]", "2")
    page.click(
        "#upscale-run"
    )  # which also leaves the field; a quick result must not be taken away by that
    expect(page.locator("#upscale-download")).to_be_enabled()
    expect(page.locator("#upscale-result img").first).to_be_visible()


def test_a_photo_is_upscaled(page: Page, phone_jpeg: Path, tmp_path: Path):
    upscale_twice(page, phone_jpeg)
    path = download(page, "#upscale-download", tmp_path)
    assert path.name == "phone-x2.jpg"
    with Image.open(path) as result:
        assert result.size == (640, 480)
        assert result.getexif()[ARTIST] == "Ada"


@pytest.mark.parametrize(
    "options",
    [{"viewport": {"width": 390, "height": 844}}, {"viewport": {"width": 844, "height": 390}}],
    indirect=True,
)
def test_on_a_phone_the_button_is_in_sight_and_the_result_comes_into_the_window(
    page: Page, phone_jpeg: Path
):
    page.get_by_role("tab", name="Upscale").click()
    expect(page.locator("#upscale-run")).to_be_in_viewport(ratio=1)
    upscale_twice(page, phone_jpeg)
    expect(page.locator("#upscale-result")).to_be_in_viewport(ratio=0.6)


def test_another_photo_takes_the_last_result_away(page: Page, phone_jpeg: Path, png: Path):
    upscale_twice(page, phone_jpeg)
    page.set_input_files("#upscale-photo input[type=file]", png)
    expect(page.locator("#upscale-download")).to_be_disabled()
    expect(page.locator("#upscale-result img")).to_have_count(0)


def test_another_setting_takes_the_download_away(page: Page, phone_jpeg: Path):
    upscale_twice(page, phone_jpeg)
    fill_number(page, "#upscale-scale input[type=number]", "3")
    page.press("#upscale-scale input[type=number]", "Tab")
    expect(page.locator("#upscale-download")).to_be_disabled()


def test_a_field_left_as_it_is_keeps_the_download(page: Page, phone_jpeg: Path):
    upscale_twice(page, phone_jpeg)
    fill_number(page, "#upscale-scale input[type=number]", "2")
    page.press("#upscale-scale input[type=number]", "Tab")
    expect(page.locator("#status")).not_to_contain_text("is done")  # the field has told its value
    expect(page.locator("#upscale-download")).to_be_enabled()


def test_no_photo_to_upscale_gets_a_sentence(page: Page, tmp_path: Path):
    page.get_by_role("tab", name="Upscale").click()
    page.click("#upscale-run")
    expect(page.locator("#status")).to_contain_text("Choose a photo")
    (tmp_path / "text.png").write_text("no picture")
    page.set_input_files("#upscale-photo input[type=file]", tmp_path / "text.png")
    expect(page.locator("#status")).to_contain_text("text.png is not a picture")


def test_a_click_into_the_photo_shows_that_part_of_it(page: Page, png: Path):
    page.get_by_role("tab", name="Upscale").click()
    expect(page.locator("#upscale-preview")).to_be_hidden()
    page.set_input_files("#upscale-photo input[type=file]", png)
    small, frame = page.locator("#upscale-where img"), page.locator("#upscale-where .frame")
    expect(small).to_be_visible()
    small.click(position={"x": 3, "y": 3})
    expect(page.locator("#status")).to_contain_text("About")
    expect(page.locator("#upscale-result img").first).to_be_visible()
    expect(page.get_by_label("number input for Where to look, from left to right")).to_have_value(
        "0"
    )
    expect(frame).to_have_attribute("style", re.compile("left: 0%; top: 0%"))


@pytest.mark.parametrize(
    ("options", "left", "version"),
    [
        ({}, "The photo", "x2-fidelity, detail 0 %"),
        ({"locale": "zh-CN"}, "原照片", "x2-fidelity，细节 0 %"),
    ],
    indirect=["options"],
)
def test_two_details_are_compared_and_what_is_painted_is_kept_out(
    page: Page, png: Path, left: str, version: str
):
    page.get_by_role("tab").nth(1).click()
    page.set_input_files("#upscale-photo input[type=file]", png)
    page.click("#upscale-model input")
    page.get_by_role("option", name="x2-fidelity").click()
    fill_number(page, "#upscale-scale input[type=number]", "2")
    fill_number(page, "#upscale-detail input[type=number]", "0")
    shown = page.locator("#upscale-result img")
    page.click("#upscale-preview")
    expect(shown.first).to_be_visible()
    expect(page.locator("#upscale-left input")).to_have_value(left)
    page.click("#upscale-left input")
    page.get_by_role("option", name=version).click()
    expect(page.locator("#upscale-result")).to_contain_text(version)
    before = shown.last.get_attribute("src")

    page.click("[data-mode=keep]")
    easel = page.locator("#upscale-where .easel")
    box = easel.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.45, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    expect(shown.last).not_to_have_attribute("src", str(before))
    undo = page.locator("#upscale-where [data-do=undo]")
    easel.press("ArrowRight")  # the keyboard paints a second stroke
    easel.press(" ")
    undo.click()
    expect(undo).to_be_enabled()
    undo.click()
    expect(undo).to_be_disabled()


PAINTED = """() => {
  const canvas = document.querySelector("#upscale-where canvas");
  const { data } = canvas.getContext("2d").getImageData(canvas.width / 2, 0, 1, canvas.height);
  const painted = data.filter((value, at) => at % 4 === 3 && value > 127).length;
  return (painted * canvas.getBoundingClientRect().height) / canvas.height;
}"""


@pytest.mark.parametrize(
    "options", [{}, {"viewport": {"width": 3840, "height": 2160}}], indirect=True
)
def test_what_is_painted_is_as_wide_as_the_ring_also_on_a_very_large_screen(page: Page, png: Path):
    page.get_by_role("tab", name="Upscale").click()
    page.set_input_files("#upscale-photo input[type=file]", png)
    page.click("[data-mode=keep]")
    box = page.locator("#upscale-where .easel").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 2, steps=4)
    ring = page.locator("#upscale-where .ring").bounding_box()
    assert ring
    assert page.evaluate(PAINTED) == pytest.approx(ring["height"], abs=4)
    page.mouse.up()


def test_a_late_answer_does_not_overwrite_what_was_said_since(page: Page, phone_jpeg: Path):
    page.get_by_role("tab", name="Upscale").click()
    page.set_input_files("#upscale-photo input[type=file]", phone_jpeg)
    status, forecast = page.locator("#status"), page.locator("#upscale-forecast")
    expect(forecast).to_contain_text("1.2 megapixels")
    expect(forecast).to_contain_text("on this computer")
    hold(page, "/run/predict")  # what is asked about the width; the work itself goes by the queue
    fill_number(page, "#upscale-width input", "640")
    wait_for_held(page)
    page.click("#upscale-run")
    expect(status).to_contain_text("phone-640px.jpg")
    expect(page.locator("#upscale-stop")).to_be_disabled(timeout=1000)
    page.evaluate(LET_GO)
    expect(forecast).to_contain_text("0.3 megapixels")
    page.wait_for_timeout(500)  # the sentence about the width is as quick as that forecast
    expect(status).to_contain_text("phone-640px.jpg")


def test_an_upscale_can_be_stopped(page: Page, png: Path, monkeypatch: pytest.MonkeyPatch):
    began, ended = threading.Event(), threading.Event()

    def wait_for_the_end(*arguments: Any, **_: float) -> None:
        progress: Progress = next(one for one in arguments if isinstance(one, Progress))
        began.set()
        try:
            while True:
                threading.Event().wait(0.02)
                progress.update(1, 3, "tile 1 of 3")
        except Cancelled:
            ended.set()
            raise

    monkeypatch.setattr(ModelPool, "upscale", wait_for_the_end)
    page.get_by_role("tab", name="Upscale").click()
    page.set_input_files("#upscale-photo input[type=file]", png)
    expect(page.locator("#status")).to_contain_text("scratched.png")
    page.click("#upscale-run")
    assert began.wait(10)
    expect(page.locator("#status")).to_contain_text("left")
    page.click("#upscale-stop")
    expect(page.locator("#status")).to_contain_text("Stopped")
    assert ended.wait(10)


def test_each_tab_keeps_its_own_sentence(page: Page, png: Path):
    status = page.locator("#status")
    open_photo(page, png)
    stroke(page, (60, 120), (260, 120))
    expect(status).to_contain_text("Press Fill")
    page.get_by_role("tab", name="Upscale").click()
    expect(status).to_contain_text("Choose a photo")
    page.get_by_role("tab", name="Models").click()
    expect(status).to_contain_text("installed")
    page.get_by_role("tab", name="Repair").click()
    expect(status).to_contain_text("Press Fill")


def test_a_sentence_waits_for_its_tab(page: Page, png: Path, monkeypatch: pytest.MonkeyPatch):
    go_on = threading.Event()
    upscale = ModelPool.upscale

    def slowly(*arguments: Any, **options: Any) -> Any:
        assert go_on.wait(20)
        return upscale(*arguments, **options)

    monkeypatch.setattr(ModelPool, "upscale", slowly)
    status = page.locator("#status")
    page.get_by_role("tab", name="Upscale").click()
    page.set_input_files("#upscale-photo input[type=file]", png)
    expect(status).to_contain_text("scratched.png")
    page.click("#upscale-run")
    page.get_by_role("tab", name="Repair").click()
    expect(status).to_contain_text("Open a photo")
    go_on.set()
    expect(page.locator("#upscale-download")).to_be_enabled()
    expect(status).to_contain_text("Open a photo")
    page.get_by_role("tab", name="Upscale").click()
    expect(status).to_contain_text("is done")
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name="x4-fast").click()
    expect(page.locator("#upscale-download")).to_be_disabled()


def test_choosing_replaces_and_adding_adds_and_stop_is_there_while_something_runs(
    page: Page, png: Path, phone_jpeg: Path
):
    page.get_by_role("tab", name="Upscale").click()
    photos, forecast = page.locator("#upscale-photo"), page.locator("#upscale-forecast")
    page.set_input_files("#upscale-photo input[type=file]", png)
    expect(photos).to_contain_text("scratched")
    expect(forecast).to_contain_text("1.2 megapixels")
    expect(forecast).to_contain_text("on this computer")
    page.set_input_files("#upscale-photo input[type=file]", phone_jpeg)
    expect(photos).to_contain_text("phone")
    expect(photos).not_to_contain_text("scratched")
    with page.expect_file_chooser() as chooser:
        page.click("#upscale-add")
    chooser.value.set_files(png)
    expect(photos).to_contain_text("scratched")
    expect(photos).to_contain_text("phone")
    expect(forecast).to_contain_text("2.5 megapixels")
    page.click("#upscale-model input")
    page.get_by_role("option", name="x2-fidelity").click()  # one of the small networks
    fill_number(page, "#upscale-scale input[type=number]", "2")
    expect(page.locator("#upscale-stop")).to_be_disabled()
    page.click("#upscale-run")
    expect(page.locator("#upscale-results")).to_contain_text("phone-x2.jpg")
    page.get_by_label("scratched-x2.png").check()
    expect(page.locator("#upscale-download-one")).to_be_visible()
    expect(page.locator("#upscale-stop")).to_be_disabled()
