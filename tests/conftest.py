"""What more than one test module needs: the project's folder, and a browser for its page."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def photo_files() -> list[Path]:
    """Six real photos that the gradio package ships, found without importing it."""
    spec = importlib.util.find_spec("gradio")
    assert spec is not None and spec.origin is not None
    images = Path(spec.origin).parent / "media_assets" / "images"
    names = ("bus.png", "cheetah.jpg", "cheetah1.jpg", "groot.jpeg", "lion.jpg", "tower.jpg")
    return [images / name for name in names]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of an installed Chromium.

    Where there is none the test is skipped, so that the suite can be run on any machine; with
    ``REMEND_REQUIRE_BROWSER=1`` it fails, so that no check can quietly go without its browser.
    """
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    missing = "No Chromium on PATH; install the package chromium to test the page."
    if os.environ.get("REMEND_REQUIRE_BROWSER") == "1":
        pytest.fail(missing)
    pytest.skip(missing)
