"""The page's server ends cleanly when it is told to, also in the midst of a tile."""

import dataclasses
import signal
import time
from pathlib import Path

import pytest
from PIL import Image

from remend.models.checkpoints.checkpoint import Card, save_network
from remend.models.checkpoints.registry import build_network
from tests.helpers.commands import start
from tests.helpers.visiting import ask_for_upscale


@pytest.fixture
def slow_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A network that takes more than a second for a tile."""
    folder = tmp_path / "weights"
    folder.mkdir()
    network = build_network("upscale", {"scale": 4, "width": 64, "blocks": 24})
    config = dataclasses.asdict(network.config)  # pyright: ignore[reportArgumentType, reportCallIssue]
    card = Card(task="upscale", architecture="upscale", config=config, name="slow", scale=4)
    save_network(folder / "slow.safetensors", network, card)
    monkeypatch.setenv("REMEND_MODELS", str(folder))
    return "slow"


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="the system has no such signals")
@pytest.mark.parametrize("numbers", [["SIGTERM"], ["SIGHUP", "SIGTERM", "SIGHUP"]])
def test_the_server_ends_cleanly_while_a_tile_is_computed(
    tmp_path: Path,
    slow_model: str,
    free_port: int,
    monkeypatch: pytest.MonkeyPatch,
    numbers: list[str],
):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    Image.new("RGB", (1000, 1000), (9, 99, 199)).save(tmp_path / "photo.png")
    server = start("ui", "--port", str(free_port))
    assert server.stdout is not None
    assert "ready" in server.stdout.readline()
    address = f"http://127.0.0.1:{free_port}"
    ask_for_upscale(address, tmp_path / "photo.png", slow_model)
    time.sleep(1.5)
    for number in numbers:
        server.send_signal(getattr(signal, number))
    out, err = server.communicate(timeout=30)
    assert (server.returncode, out) == (0, "Remend has stopped.\n"), err
    assert "terminate" not in err and "Traceback" not in err
    assert not list((tmp_path / "tmp").glob("remend-*"))
