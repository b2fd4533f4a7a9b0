"""What more than one test module needs: the project's folder, weights, the page and a browser for it."""

import importlib.util
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers.paths import ROOT

# Gradio's client, which tests call the page with, would ask for news elsewhere; read at its import.
os.environ["HF_HUB_OFFLINE"] = "1"

# Read at torch's import, and by the programs that tests start. A thread that waits for another in a loop
# takes the core that the other needs: on a busy machine a step of training took twenty times as long. So
# threads sleep while they wait, and processes that test side by side share the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(workers))))

if TYPE_CHECKING:
    import numpy as np
    from playwright.sync_api import Browser

    from remend.app.engine.model_pool import ModelPool
    from tests.helpers.commands import Remend
    from tests.helpers.screen import Screen
    from tests.helpers.visiting import Endless


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

    from remend.models.checkpoints.checkpoint import Card, save_network
    from remend.models.checkpoints.registry import ARCHITECTURES, build_network

    folder = tmp_path_factory.mktemp("weights")
    narrow = {
        "coarse_width": 8,
        "coarse_blocks": 1,
        "width": 8,
        "half_blocks": 1,
        "quarter_blocks": 1,
    }
    kinds = [("fill", "inpaint", narrow)]
    photo = {"refine": True, "refine_blocks": 1, "denoise": True}
    for scale in (2, 4):
        faithful = {"scale": scale, "width": 8, "blocks": 1}
        kinds.append((f"x{scale}-fidelity", "upscale", faithful))
        kinds.append((f"x{scale}-photo", "upscale", faithful | photo))
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
def engine() -> tuple[str, str]:
    """The engine that tests of the page drive, and the path of its program.

    It is Chromium, or Firefox with ``REMEND_BROWSER=firefox``. Where it is not installed the test is skipped,
    so that the suite can be run on any machine; with ``REMEND_REQUIRE_BROWSER=1`` it fails, so that no check
    can quietly go without its browser.
    """
    from tests.helpers.browsing import PROGRAMS

    name = os.environ.get("REMEND_BROWSER", "chromium")
    for program in PROGRAMS[name]:
        if path := shutil.which(program):
            return name, path
    missing = f"No {name} on PATH; install the package {PROGRAMS[name][0]} to test the page."
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
def upload_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a visitor uploads in these tests."""
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


@pytest.fixture
def pool(tiny_models: Path) -> "ModelPool":
    """What restores photos, with the small networks, on the CPU."""
    from remend.app.engine.model_pool import ModelPool
    from remend.models.device import choose_placement

    return ModelPool([choose_placement("cpu", "fp32")])


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Iterator["Endless"]:
    """In place of the models' work: it ends only if it is cancelled."""
    from remend.app.engine.model_pool import ModelPool
    from tests.helpers.visiting import Endless

    work = Endless()
    for name in ("upscale", "fill_patches", "fill"):
        monkeypatch.setattr(ModelPool, name, work)
    yield work
    work.is_over.set()


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
    from remend.app.engine.model_pool import ModelPool
    from remend.app.page.server import running_page
    from remend.models.device import choose_placement

    with running_page(
        ModelPool([choose_placement("cpu", "fp32")]), port=find_free_port()
    ) as address:
        yield address


@pytest.fixture(scope="session")
def browser(engine: tuple[str, str]) -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    from tests.helpers.browsing import launch

    with sync_playwright() as playwright:
        started = launch(playwright, *engine)
        yield started
        started.close()


@pytest.fixture(scope="module")
def screen(browser: "Browser") -> "Screen":
    """What that browser shows of a picture."""
    from tests.helpers.screen import Screen

    return Screen(browser)


@pytest.fixture(scope="module")
def scene() -> "np.ndarray":
    """A soft picture with a scratch, 320 x 240."""
    import numpy as np

    y, x = np.mgrid[:240, :320]
    pixels = np.stack([40 + x // 2, 60 + y // 2, 200 - x // 3], -1).astype(np.uint8)
    pixels[118:122, 60:260] = 255
    return pixels


@pytest.fixture
def png(scene: "np.ndarray", tmp_path: Path) -> Path:
    from PIL import Image

    path = tmp_path / "scratched.png"
    Image.fromarray(scene).save(path)
    return path


@pytest.fixture
def phone_jpeg(scene: "np.ndarray", tmp_path: Path) -> Path:
    """As a camera held upright stores it: lying, with EXIF and a profile."""
    from PIL import Image, ImageCms

    from tests.helpers.browsing import ARTIST, ORIENTATION

    exif = Image.Exif()
    exif[ARTIST], exif[ORIENTATION] = "Ada", 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = tmp_path / "phone.jpg"
    Image.fromarray(scene).rotate(90, expand=True).save(
        path, quality=95, exif=exif.tobytes(), icc_profile=profile
    )
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_weights: Path) -> Path:
    """An empty working folder, in which the small networks have the default names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REMEND_MODELS", str(tiny_weights))
    return tmp_path


@pytest.fixture
def remend(capsys: pytest.CaptureFixture[str]) -> "Remend":
    """Run a command line, given as one string or as words."""
    from remend.app.cli.main import main
    from tests.helpers.commands import Outcome

    def run(*words: str | Path) -> Outcome:
        split = words[0].split() if len(words) == 1 and isinstance(words[0], str) else words
        capsys.readouterr()
        code = main([str(word) for word in split])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Outcome(code, captured.out, captured.err)

    return run
