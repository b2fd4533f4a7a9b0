"""Weights of other makers in Chromium: uploaded in a page that allows it, then chosen in both tabs."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from remend.app.engine.model_pool import ModelPool
from remend.app.page.server import running_page
from remend.models.device import choose_placement
from tests.conftest import find_free_port
from tests.helpers.browsing import (
    EMPTY,
    download,
    fill_number,
    open_photo,
    press_fill,
    stroke,
)
from tests.helpers.onnx_graphs import filler, upscaler

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page that takes weights, into a folder that does not exist yet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REMEND_MODELS", str(tmp_path_factory.mktemp("user") / "models"))
        pool = ModelPool([choose_placement("cpu", "fp32")])
        with running_page(pool, port=find_free_port(), allow_custom_weights=True) as address:
            yield address


def upload(page: Page, file: Path, says: str) -> None:
    page.get_by_role("tab", name="Models").click()
    page.set_input_files("#weights-upload input[type=file]", file)
    expect(page.locator("#status")).to_contain_text(says)


def test_a_fill_of_onnx_is_uploaded_and_fills(page: Page, png: Path, tmp_path: Path):
    file = tmp_path / "lama_fp32.onnx"
    file.write_bytes(filler().SerializeToString())
    upload(page, file, "lama_fp32")
    expect(page.locator("#models")).to_contain_text("lama_fp32")
    page.get_by_role("tab", name="Repair").click()
    open_photo(page, png)
    page.select_option("#repair-model", "lama_fp32")
    stroke(page, (60, 120), (260, 120))
    press_fill(page)
    before = np.asarray(Image.open(png)).astype(int)
    after = np.asarray(Image.open(download(page, "#repair-download", tmp_path))).astype(int)
    # It fills with one colour, the mean of the surroundings; their tone is matched after it.
    filled = after[119:121, 100:220]
    assert np.abs(filled.mean((0, 1)) - (119, 119, 147)).max() <= 5
    assert np.ptp(filled[..., 0]) < 30 < 55 < np.ptp(before[100, 100:220, 0])
    assert (after[:90] == before[:90]).all() and (after[150:] == before[150:]).all()


def test_an_upscaler_of_onnx_is_uploaded_and_enlarges(page: Page, png: Path, tmp_path: Path):
    file = tmp_path / "3x-Blocks.onnx"
    file.write_bytes(upscaler(3).SerializeToString())
    upload(page, file, "3x-Blocks")
    page.get_by_role("tab", name="Upscale").click()
    page.set_input_files("#upscale-photo input[type=file]", png)
    fill_number(page, "#upscale-scale input[type=number]", "3")
    page.click("#upscale-model input")
    page.get_by_role("option", name="3x-Blocks").click()
    page.click("#upscale-run")
    expect(page.locator("#upscale-download")).to_be_enabled(timeout=60_000)
    large = np.asarray(Image.open(download(page, "#upscale-download", tmp_path))).astype(int)
    before = np.asarray(Image.open(png)).astype(int)
    assert np.abs(large - before.repeat(3, 0).repeat(3, 1)).max() <= 1


def test_a_file_that_is_refused_leaves_its_sentence_and_nothing_else(page: Page, tmp_path: Path):
    file = tmp_path / "broken.onnx"
    file.write_bytes(upscaler().SerializeToString()[:-20])
    upload(page, file, "broken.onnx")
    page.reload()
    page.wait_for_selector(EMPTY)
    page.get_by_role("tab", name="Models").click()
    expect(page.locator("#models")).to_contain_text("fill")
    expect(page.locator("#models")).not_to_contain_text("broken")
