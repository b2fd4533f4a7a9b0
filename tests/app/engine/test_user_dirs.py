"""A person's folders stay where they were before a library chose them."""

from pathlib import Path

import pytest
from platformdirs.macos import MacOS
from platformdirs.unix import Unix

from remend.app.engine.user_dirs import cache_folder, data_folder


@pytest.fixture
def linux(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folders of a Linux user; returns their home."""
    monkeypatch.setattr("platformdirs.PlatformDirs", Unix)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return tmp_path


def test_on_linux_they_are_in_the_home(linux: Path):
    assert data_folder() == linux / ".local" / "share" / "remend"
    assert cache_folder() == linux / ".cache" / "remend"


def test_on_linux_the_variables_of_xdg_move_them(linux: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(linux / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(linux / "cache"))
    assert data_folder() == linux / "data" / "remend"
    assert cache_folder() == linux / "cache" / "remend"


def test_on_a_mac_they_are_in_the_library(linux: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("platformdirs.PlatformDirs", MacOS)
    assert data_folder() == linux / "Library" / "Application Support" / "remend"
    assert cache_folder() == linux / "Library" / "Caches" / "remend"


def test_on_windows_they_are_in_the_local_application_data(
    linux: Path, monkeypatch: pytest.MonkeyPatch
):
    from platformdirs.windows import Windows

    monkeypatch.setattr("platformdirs.PlatformDirs", Windows)
    monkeypatch.setattr("platformdirs.windows.get_win_folder", lambda _: "C:/Local")
    assert Path(str(data_folder()).replace("\\", "/")) == Path("C:/Local/remend")
    assert str(cache_folder()).replace("\\", "/").lower() == "c:/local/remend/cache"
