"""What more than one test module needs: the project's folder, weights, the page and a browser for it."""

import importlib.util
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests remember is not what the person remembers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def photo_files() -> list[Path]:
    """Six real pictures of the gradio package, found without importing it; all but the first are photos."""
    spec = importlib.util.find_spec("gradio")
    assert spec is not None and spec.origin is not None
    images = Path(spec.origin).parent / "media_assets" / "images"
    names = ("bus.png", "cheetah.jpg", "cheetah1.jpg", "groot.jpeg", "lion.jpg", "tower.jpg")
    return [images / name for name in names]


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small random networks under the default names, so that no test needs shipped weights."""
    import dataclasses

    import torch

    from models.checkpoint import Card, save_network
    from models.registry import ARCHITECTURES, build_network

    folder = tmp_path_factory.mktemp("weights")
    narrow = {
        "coarse_width": 8,
        "coarse_blocks": 1,
        "width": 8,
        "half_blocks": 1,
        "quarter_blocks": 1,
    }
    kinds = [("fill", "inpaint", narrow)]
    kinds += [(f"x{n}-fidelity", "upscale", {"scale": n, "width": 8, "blocks": 1}) for n in (2, 4)]
    for name, architecture, config in kinds:
        torch.manual_seed(1)
        network = build_network(architecture, config)
        card = Card(
            task=ARCHITECTURES[architecture].task,
            architecture=architecture,
            config=dataclasses.asdict(network.config),  # pyright: ignore[reportArgumentType, reportCallIssue]
            name=name,
            scale=config.get("scale", 1),
            images_seen=1000,
        )
        save_network(folder / f"{name}.safetensors", network, card)
    return folder


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


@pytest.fixture(scope="module")
def tiny_models(tiny_weights: Path) -> Iterator[Path]:
    """The tiny networks, found by their names while a test module runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REMEND_MODELS", str(tiny_weights))
        yield tiny_weights


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    return find_free_port()


def find_free_port() -> int:
    """Ask the system for a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def page_address(tiny_models: Path) -> Iterator[str]:
    """The page, served with the tiny networks."""
    from app.ui import running_page
    from app.workshop import Workshop
    from models.device import choose_placement

    with running_page(Workshop(choose_placement("cpu", "fp32")), port=find_free_port()) as address:
        yield address
