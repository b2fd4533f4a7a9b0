"""The page's services on a visitor's folder, without a server; the page in a browser's window."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from remend.app.engine.model_pool import ModelPool
from remend.app.page.repair.masks import MaskService
from remend.app.page.repair.photo_sessions import PhotoSessions
from remend.app.page.repair.repair_tab import RepairService
from remend.app.page.work.jobs import Jobs
from tests.helpers.browsing import EMPTY

WINDOW: Any = {"viewport": {"width": 1280, "height": 720}}
FORGET = """if (location.origin !== "null" && !sessionStorage.getItem("visited")) {
  localStorage.clear();
  sessionStorage.setItem("visited", "yes");
}"""
"""Before the first visit of a tab, as the other tests of the file used the same window."""


@pytest.fixture
def sessions(upload_folder: Path) -> PhotoSessions:
    return PhotoSessions(upload_folder / "photos", max_megapixels=1.0)


@pytest.fixture
def repair(pool: ModelPool, sessions: PhotoSessions) -> RepairService:
    return RepairService(pool, sessions, Jobs())


@pytest.fixture
def masks(pool: ModelPool, sessions: PhotoSessions) -> MaskService:
    return MaskService(pool, sessions, Jobs())


@pytest.fixture
def options(request: pytest.FixtureRequest, engine: tuple[str, str]) -> dict[str, Any]:
    """What a test wants of its browser window; given by parametrising."""
    wanted = getattr(request, "param", {})
    if engine[0] == "firefox" and wanted.get("color_scheme") == "dark":
        pytest.skip("Firefox as Mozilla builds it cannot be asked for a colour scheme.")
    return wanted


@pytest.fixture(scope="module")
def shared_window(browser: Browser) -> Iterator[BrowserContext]:
    """A window that keeps the page's files: to load and to compile them takes seconds."""
    context = browser.new_context(**WINDOW)
    yield context
    context.close()


@pytest.fixture
def window(
    request: pytest.FixtureRequest,
    browser: Browser,
    options: dict[str, Any],
) -> Iterator[BrowserContext]:
    """A window: one of the test's own where it has a wish, else that of the file."""
    if options:
        context = browser.new_context(**{**WINDOW, **options})
        yield context
        context.close()
        return
    context: BrowserContext = request.getfixturevalue("shared_window")
    yield context
    for left in context.pages:
        left.close()
    context.clear_cookies()


@pytest.fixture
def page(window: BrowserContext, page_address: str) -> Iterator[Page]:
    """The page, freshly visited; no error in its scripts, no request that leaves this computer."""
    visited = window.new_page()
    visited.add_init_script(FORGET)
    wrong: list[str] = []
    visited.on("pageerror", lambda error: wrong.append(str(error)))
    visited.on(
        "request",
        lambda asked: (
            None
            if asked.url.startswith((page_address, "data:", "blob:"))
            else wrong.append(asked.url)
        ),
    )
    # From the first on: else Chromium may take a key before it hears that its file dialog is watched.
    visited.on("filechooser", lambda _: None)
    visited.set_default_timeout(30_000)
    visited.goto(page_address)
    visited.wait_for_selector(EMPTY)
    yield visited
    visited.close()
    assert wrong == []
