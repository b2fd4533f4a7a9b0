"""The project as a wheel and as an editable install, each in an environment of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.installing import Installed, install


@pytest.fixture(scope="session")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=root, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel, installed."""
    return install(tmp_path_factory.mktemp("installed"), str(wheel))


@pytest.fixture(scope="session")
def editable(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The checkout, as ``pip install -e`` installs it."""
    return install(tmp_path_factory.mktemp("editable"), "-e", str(root))
