"""Make the README's pictures of the page, in Chromium, with photos that the gradio package brings along.

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
from remend.models.imaging.picture import Picture

READY = "#repair-editor[data-state=ready]"


FILM_SIZE = (800, 475)
SHORT_MS, LONG_MS = 90, 1500


def shot(page: Page) -> Image.Image:
    """What the window shows."""
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def save(page: Page, name: str) -> None:
    """Take a picture of the window."""
    page.mouse.move(2, 2)
    page.wait_for_timeout(600)
    shot(page).save(HERE / name, quality=88)


class Film:
    """A moving picture of the window."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._frames: list[Image.Image] = []
        self._times: list[int] = []

    def take(self, milliseconds: int) -> None:
        """Add what the window shows now, for so long."""
        frame = shot(self._page).resize(FILM_SIZE, Image.Resampling.LANCZOS)
        self._frames.append(frame)
        self._times.append(milliseconds)

    def stroke(self, points: list[tuple[float, float]]) -> None:
        """Paint a line through pixels of the photo."""
        for number, (x, y) in enumerate(points):
            at = self._page.evaluate(f"window.remendEditor.toScreen({x}, {y})")
            self._page.mouse.move(at["x"], at["y"])
            if number == 0:
                self._page.mouse.down()
            self.take(SHORT_MS)
        self._page.mouse.up()

    def save(self, name: str) -> None:
        """Write it as an animated WebP that starts anew at its end."""
        first, *others = self._frames
        first.save(
            HERE / name, save_all=True, append_images=others, duration=self._times,
            loop=0, quality=60, method=6,
        )  # fmt: skip


def film_a_repair(page: Page, file: Path, width: int, height: int) -> None:
    """Write page-repair.webp: paint over something, fill, compare."""
    page.set_input_files("#repair-editor input[type=file]", file)
    page.wait_for_selector(READY)
    film = Film(page)
    film.take(LONG_MS)
    for _ in range(3):
        page.keyboard.press("]")
    film.take(SHORT_MS * 4)
    stamp = [(0.02 + 0.028 * n, 0.92) for n in range(11)]
    film.stroke([(x * width, y * height) for x, y in stamp])
    film.take(LONG_MS // 2)
    page.click("#repair-fill")
    film.take(SHORT_MS * 6)
    page.wait_for_selector("#status:has-text('Filled')")
    page.wait_for_selector(READY)
    page.mouse.move(2, 2)
    film.take(LONG_MS)
    page.click("[data-do=divide]")
    page.wait_for_timeout(200)
    film.take(LONG_MS)
    film.save("page-repair.webp")
    page.click("[data-do=divide]")


def show_more(page: Page, address: str, file: Path, photo: Picture) -> None:
    """Write page-repair.webp and page-album.jpg."""
    page.on("dialog", lambda dialog: dialog.accept())
    page.evaluate("sessionStorage.clear()")
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("#repair-editor[data-state=empty]")
    film_a_repair(page, file, photo.width, photo.height)
    photos: list[Path] = []
    for name in ("cheetah1.jpg", "lion.jpg", "tower.jpg", "groot.jpeg"):
        photos.append(file.parent / name)
        Image.fromarray(np.asarray(shipped(name).rgb)).save(photos[-1], quality=95)
    page.set_input_files("#repair-editor input[type=file]", [file, *photos])
    page.click(".question [value=discard]")
    page.wait_for_selector(".frame:nth-of-type(5)[data-state=untouched]")
    page.wait_for_selector(READY)
    page.click("[data-do=suggest]")
    page.wait_for_selector("#repair-undo:not([disabled])")
    page.wait_for_selector(READY)
    save(page, "page-album.jpg")


def main() -> None:
    """Write page-repair.jpg, page-album.jpg, page-upscale.jpg and page-repair.webp."""
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
        page.click("[data-menu=mask]")
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
        show_more(page, address, file, photo)
        browser.close()


if __name__ == "__main__":
    main()
