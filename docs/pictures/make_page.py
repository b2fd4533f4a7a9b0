"""Make the README's pictures of the page, in Chromium, with a photo that the gradio package brings along.

python docs/pictures/make_page.py
"""

import io
import shutil
import tempfile
from pathlib import Path

import numpy as np
from make import HERE, scratch, shipped
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from remend.app.engine.model_pool import ModelPool
from remend.app.page.server import running_page
from remend.models.device import choose_placement

READY = "#repair-editor[data-state=ready]"


def save(page: Page, name: str) -> None:
    """Take a picture of the window."""
    page.mouse.move(2, 2)
    page.wait_for_timeout(600)
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(HERE / name, quality=88)


def main() -> None:
    """Write page-repair.jpg and page-upscale.jpg."""
    photo = shipped("cheetah.jpg")
    mask = scratch(photo.height, photo.width)
    damaged = np.where(mask.values[..., None] > 0, np.uint8(245), photo.rgb)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_page(ModelPool([choose_placement()]), port=7861) as address,
        sync_playwright() as playwright,
    ):
        file = Path(folder) / "cheetah.png"
        Image.fromarray(damaged).save(file)
        Image.fromarray(np.asarray(mask.grown(2).values)).save(Path(folder) / "mask.png")
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 760})
        page.set_default_timeout(120_000)
        page.goto(address)
        page.wait_for_selector("#repair-editor[data-state=empty]")
        page.set_input_files("#repair-editor input[type=file]", file)
        page.wait_for_selector(READY)
        with page.expect_file_chooser() as chooser:
            page.click("[data-do=load]")
        chooser.value.set_files(Path(folder) / "mask.png")
        page.wait_for_selector("#repair-editor [data-do=clear]:not([disabled])")
        save(page, "page-repair.jpg")
        page.click("#repair-fill")
        page.wait_for_selector("#status:has-text('Filled')")
        page.wait_for_selector(READY)
        page.click("#repair-upscale")
        page.wait_for_selector("#upscale-photo:has-text('cheetah')")
        page.click("#upscale-preview")
        page.wait_for_selector("#status:has-text('About')")
        page.wait_for_selector("#upscale-result img")
        save(page, "page-upscale.jpg")
        browser.close()


if __name__ == "__main__":
    main()
