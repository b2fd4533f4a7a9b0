"""Seconds that a person waits on the page for a large photo, and the memory of its server.

    python -m benchmarks.page [--megapixels 12] [--photo FILE] [--port 7993]

Starts ``remend ui``, opens a JPEG of that size in Chromium, paints over a hole of 300 px, fills it, and
fills a second one. Timed is what is seen: from choosing the file to a photo that can be painted on, from the
click to the fill on the screen; then how long the frames of six long strokes last. On a busy machine read the
share of the processor that the server had.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks.entry import enter
from benchmarks.peers import peak_mb
from benchmarks.speed import shipped_photo

READY = '#repair-editor[data-state="ready"]'


def large_photo(photo: Path, megapixels: float, folder: Path) -> Path:
    """The photo enlarged to so many megapixels, 4:3, as a JPEG with EXIF."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    image = Image.open(photo).convert("RGB").resize((height * 4 // 3, height))
    exif = Image.Exif()
    exif[0x013B] = "Ada"
    path = folder / "large.jpg"
    image.save(path, quality=92, exif=exif.tobytes())
    return path


def seconds(work: Callable[[], object]) -> float:
    """Wall time."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def paint(page: Page, x: int, y: int, side: int) -> None:
    """Paint a zigzag over a square of the photo."""
    places = [(x + side * (i % 2), y + side * i // 6) for i in range(7)]
    for number, (across, down) in enumerate(places):
        at = page.evaluate(f"window.remendEditor.toScreen({across}, {down})")
        page.mouse.move(at["x"], at["y"], steps=3)
        if number == 0:
            page.mouse.down()
    page.mouse.up()


def fill(page: Page) -> None:
    """Press Fill and wait until it is on the screen."""
    page.click("#repair-fill")
    page.wait_for_selector('#repair-editor[data-state="busy"]', timeout=5000)
    page.wait_for_selector(READY, timeout=300_000)


FRAMES = """() => {
  const lasted = [];
  let last = performance.now();
  const tick = (now) => {
    lasted.push(now - last);
    last = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  window.framesLasted = lasted;
}"""


def frames_while_painting(page: Page) -> list[float]:
    """Milliseconds between two frames while long strokes are painted, in order of length."""
    box = page.locator("#repair-editor canvas").bounding_box()
    assert box is not None
    page.evaluate(FRAMES)
    for row in range(6):
        x, y = box["x"] + box["width"] * 0.3, box["y"] + box["height"] * (0.2 + 0.1 * row)
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + box["width"] * 0.4, y + 40, steps=60)
        page.mouse.up()
    return sorted(page.evaluate("window.framesLasted"))


def measure(page: Page, address: str, photo: Path) -> dict[str, float]:
    """What a visitor waits for."""
    page.goto(address)
    page.wait_for_selector('#repair-editor[data-state="empty"]')
    waited: dict[str, float] = {}

    def choose() -> None:
        page.set_input_files("#repair-editor input[type=file]", photo)
        page.wait_for_selector(READY, timeout=120_000)

    waited["until it can be painted on"] = seconds(choose)
    width, height = Image.open(photo).size
    for name, share in (("first fill", 0.3), ("second fill", 0.6)):
        paint(page, int(width * share), int(height * share), 300)
        waited[name] = seconds(lambda: fill(page))
    with page.expect_download(timeout=120_000) as got:
        waited["until the download is there"] = seconds(
            lambda: (page.click("#repair-download"), got.value.path())
        )
    lasted = frames_while_painting(page)
    waited["a frame while painting, median"] = lasted[len(lasted) // 2] / 1000
    waited["the same, 95 of 100 are shorter"] = lasted[len(lasted) * 95 // 100] / 1000
    if Image.open(got.value.path()).getexif().get(0x013B) != "Ada":
        raise RuntimeError("The download has lost its EXIF.")
    return waited


def main() -> None:
    """Start the page, measure, print the table."""
    parser = argparse.ArgumentParser(description="Seconds on the page, and its memory.")
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--photo", type=Path, help="any photo; default: one that gradio ships")
    parser.add_argument("--port", type=int, default=7993)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    arguments = parser.parse_args()
    address = f"http://127.0.0.1:{arguments.port}"
    command = [sys.executable, "-m", "remend", "ui", "--port", str(arguments.port)]
    with tempfile.TemporaryDirectory() as folder, subprocess.Popen(command) as server:
        try:
            photo = large_photo(
                arguments.photo or shipped_photo(), arguments.megapixels, Path(folder)
            )
            wait_for(address)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=arguments.chromium, args=["--no-sandbox", "--disable-gpu"]
                )
                busy = user_seconds(server.pid)
                began = time.perf_counter()
                waited = measure(browser.new_page(), address, photo)
                share = (user_seconds(server.pid) - busy) / (time.perf_counter() - began)
                browser.close()
            peak = peak_mb(server.pid)
        finally:
            server.terminate()
    print(f"| {arguments.megapixels:g} megapixels | |\n| --- | ---: |")
    for name, value in waited.items():
        print(f"| {name} | {value:.3f} s |")
    print(f"| peak memory of the server | {peak:.0f} MB |")
    print(f"| cores that the server had meanwhile | {share:.2f} |")


def user_seconds(pid: int) -> float:
    """Seconds of processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) / os.sysconf("SC_CLK_TCK")


def wait_for(address: str) -> None:
    """Until the page answers."""
    for _ in range(120):
        try:
            urllib.request.urlopen(address, timeout=2).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise RuntimeError(f"{address} does not answer.")


if __name__ == "__main__":
    enter(main)
