"""What an album takes on the page: seconds, and the memory of the server and of the browser.

    python -m benchmarks.album [--count 200] [--megapixels 12] [--photos FOLDER] [--port 7994]

Starts ``remend ui``, chooses so many JPEGs in Chromium, goes through some, paints a scribble of 150 px,
lays that mask on all, fills all, and takes the zip, in which every photo has to be whole. Memory is
the proportional share (PSS) of a program and its children, looked at every three seconds.
"""

import argparse
import io
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks.entry import enter
from benchmarks.page import READY, paint, seconds, wait_for
from benchmarks.speed import shipped_photo

STEPS = 12  # photos that are gone through
ARTIST = 0x013B


def make_album(photos: list[Path], count: int, megapixels: float, folder: Path) -> list[Path]:
    """So many JPEGs of that size, 4:3, with grain and EXIF, from photos that are taken in turn."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    size = (height * 4 // 3, height)
    random = np.random.default_rng(1)
    exif = Image.Exif()
    exif[ARTIST] = "Ada"
    paths: list[Path] = []
    for number in range(count):
        image = Image.open(photos[number % len(photos)]).convert("RGB")
        grain = Image.fromarray(random.integers(0, 256, (512, 512, 3), np.uint8)).resize(size)
        path = folder / f"photo-{number:03}.jpg"
        grainy = Image.blend(image.resize(size, Image.Resampling.BICUBIC), grain, 0.03)
        grainy.save(path, quality=90, exif=exif.tobytes())
        paths.append(path)
    return paths


def memory_mb(process: psutil.Process) -> float:
    """What a program and its children take now."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        with suppress(psutil.Error):
            total += one.memory_full_info().pss
    return total / 2**20


@contextmanager
def watched(processes: dict[str, psutil.Process], peaks: dict[str, float]) -> Iterator[None]:
    """Note the peaks of some programs meanwhile."""
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(3):
            for name, process in processes.items():
                with suppress(psutil.Error):
                    peaks[name] = max(peaks.get(name, 0), memory_mb(process))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def wait_for_frames(page: Page, state: str, count: int) -> None:
    """Until so many photos are in a state; an hour at most."""
    there = f"() => document.querySelectorAll('.frame[data-state={state}]').length >= {count}"
    page.wait_for_function(there, timeout=3_600_000, polling=500)  # each frame would cost much


def go_through(page: Page, steps: int) -> list[float]:
    """Milliseconds from the key to each next photo on the stage, measured in the page."""
    waited = page.evaluate(
        """async (steps) => {
          const facts = document.querySelector(".facts"), root = document.querySelector("#repair-editor");
          const waited = [];
          for (let step = 0; step < steps; step += 1) {
            const [before, begin] = [facts.textContent, performance.now()];
            const key = { key: "PageDown", code: "PageDown", bubbles: true };
            document.querySelector(".stage").dispatchEvent(new KeyboardEvent("keydown", key));
            while (facts.textContent === before || root.dataset.state !== "ready") {
              await new Promise((done) => requestAnimationFrame(done));
            }
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            waited.push(performance.now() - begin);
            await new Promise((done) => setTimeout(done, 1500));
          }
          return waited;
        }""",
        steps,
    )
    return [float(one) for one in waited]


def check_zip(path: Path, photos: list[Path]) -> None:
    """Every photo is there, whole, in its format and size, with its EXIF, and filled."""
    with zipfile.ZipFile(path) as archive:
        if len(archive.namelist()) != len(photos):
            raise RuntimeError(f"{len(archive.namelist())} of {len(photos)} photos are in the zip.")
        for photo in photos:
            repaired = Image.open(io.BytesIO(archive.read(f"{photo.stem}-repaired{photo.suffix}")))
            before = Image.open(photo)
            if (repaired.format, repaired.size) != (before.format, before.size):
                raise RuntimeError(f"{photo.name} has changed its format or size.")
            if repaired.getexif().get(ARTIST) != "Ada":
                raise RuntimeError(f"{photo.name} has lost its EXIF.")
            left, top = before.width * 3 // 10, before.height * 3 // 10
            box = (left, top, left + 150, top + 150)
            if repaired.crop(box).tobytes() == before.crop(box).tobytes():
                raise RuntimeError(f"{photo.name} is not filled.")


def measure(page: Page, address: str, photos: list[Path], folder: Path) -> dict[str, str]:
    """What a visitor waits for."""
    page.goto(address)
    page.wait_for_selector('#repair-editor[data-state="empty"]')
    count, told = len(photos), dict[str, str]()

    def note(name: str, value: str) -> None:
        told[name] = value
        print(f"| {name} | {value} |", flush=True)

    begin = time.perf_counter()
    page.set_input_files("#repair-editor input[type=file]", photos)
    page.wait_for_selector(READY, timeout=120_000)
    note("until the first can be painted on", f"{time.perf_counter() - begin:.1f} s")
    wait_for_frames(page, "untouched", count)
    note("until all are there", f"{time.perf_counter() - begin:.0f} s")
    time.sleep(3)
    steps = go_through(page, min(STEPS, count - 1))
    note("to the next photo, median", f"{statistics.median(steps):.0f} ms")
    note("the slowest", f"{max(steps):.0f} ms")
    width, height = Image.open(photos[0]).size
    page.locator("#repair-size").fill("4")  # a scribble, as thin as a date in the corner
    paint(page, width * 3 // 10, height * 3 // 10, 150)
    page.click("[data-do=mask-all]")
    note("one mask for all", f"{seconds(lambda: wait_for_frames(page, 'painted', count)):.1f} s")
    page.click("[data-do=fill-all]")
    waited = seconds(lambda: wait_for_frames(page, "repaired", count))
    note("fill all, to a photo", f"{waited / count:.2f} s")
    with page.expect_download(timeout=3_600_000) as got:
        begin = time.perf_counter()
        page.click("[data-do=download-all]")
        path = folder / "album.zip"
        got.value.save_as(path)
    note("the zip, to a photo", f"{(time.perf_counter() - begin) / count:.2f} s")
    note("size of the zip", f"{path.stat().st_size / 2**20:.0f} MB")
    check_zip(path, photos)
    return told


def main() -> None:
    """Make the album, start the page, measure, print the table."""
    parser = argparse.ArgumentParser(description="Seconds and memory of an album on the page.")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--photos", type=Path, help="a folder; default: one that gradio ships")
    parser.add_argument("--port", type=int, default=7994)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    arguments = parser.parse_args()
    address = f"http://127.0.0.1:{arguments.port}"
    command = [sys.executable, "-m", "remend", "ui", "--port", str(arguments.port)]
    found = sorted(arguments.photos.iterdir()) if arguments.photos else [shipped_photo()]
    peaks: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name, subprocess.Popen(command) as server:
        folder = Path(name)
        try:
            photos = make_album(found, arguments.count, arguments.megapixels, folder)
            wait_for(address)
            print(
                f"| {arguments.count} photos of {arguments.megapixels:g} megapixels | |\n| --- | ---: |"
            )
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=arguments.chromium, args=["--no-sandbox", "--disable-gpu"]
                )
                children = psutil.Process().children(recursive=True)
                chromium = next(one for one in children if "chrom" in one.name())
                watching = {"server": psutil.Process(server.pid), "browser": chromium}
                with watched(watching, peaks):
                    measure(browser.new_page(), address, photos, folder)
                browser.close()
        finally:
            server.terminate()
            for name, value in peaks.items():
                print(f"| peak memory of the {name} | {value:.0f} MB |")


if __name__ == "__main__":
    enter(main)
