"""Adding weights and taking them out again, by command and as the page does; a server of files beside it."""

import hashlib
import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remend.app.engine.added_models import Origin, add_model, check_name
from remend.app.engine.catalogue import card_of
from remend.app.engine.download import check_address, fetch
from remend.models.errors import InputError, RequestError
from remend.models.progress import NO_PROGRESS, Cancelled, Progress
from tests.helpers.commands import Remend, only_sentence
from tests.models.inference.test_spandrel_adapter import ENLARGING, put


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of models; it does not exist yet."""
    monkeypatch.setenv("REMEND_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def gift(tiny_weights: Path, tmp_path: Path) -> Path:
    path = tmp_path / "gift.safetensors"
    path.write_bytes((tiny_weights / "x2-fidelity.safetensors").read_bytes())
    return path


class Server(http.server.BaseHTTPRequestHandler):
    """Serves files by name, and pieces of them; what was asked is remembered."""

    files: dict[str, bytes]
    asked: list[tuple[str, str | None]]
    cut: int | None = None
    redirect: str = ""

    def do_GET(self) -> None:
        data, wanted = self.files.get(self.path), self.headers.get("Range")
        self.asked.append((self.path, wanted))
        if self.path == "/away.pth":
            self.send_response(302)
            self.send_header("Location", self.redirect)
            self.end_headers()
            return
        if data is None:
            self.send_error(404)
            return
        tag = f'"{hashlib.md5(data).hexdigest()}"'
        start = int(wanted[6:-1]) if wanted and self.headers.get("If-Range") == tag else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", tag)
        self.send_header("Content-Type", "text/html" if self.path.endswith("html") else "x/y")
        self.end_headers()
        self.wfile.write(data[start : self.cut])

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server(gift: Path) -> Iterator[tuple[str, type[Server]]]:
    class Mine(Server):
        files = {"/gift.safetensors": gift.read_bytes(), "/page.html": b"<html>"}  # noqa: RUF012
        asked = []  # noqa: RUF012

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mine) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listener.server_port}", Mine
        listener.shutdown()


def test_a_file_is_added_used_and_removed(remend: Remend, folder: Path, gift: Path):
    digest = hashlib.sha256(gift.read_bytes()).hexdigest()
    done = remend("models", "add", gift, "--name", "2x-Mine", "--sha256", digest.upper())
    assert done.code == 0 and done.out.startswith("2x-Mine  upscale, upscale  ")
    assert (folder / "2x-Mine.safetensors").read_bytes() == gift.read_bytes()
    page = (folder / "2x-Mine.md").read_text()
    assert digest in page and str(gift) in page and "licence: Apache-2.0" in page
    assert "2x-Mine" in remend("models list").out
    assert remend("models remove 2x-Mine").code == 0
    assert list(folder.iterdir()) == []
    assert "is no model there" in only_sentence(remend("models remove 2x-Mine"))
    assert "belongs to Remend" in only_sentence(remend("models remove fill"))


def test_another_makers_file_is_added(folder: Path, tmp_path: Path):
    file = put(ENLARGING["Compact"][1](), tmp_path / "2x-Theirs.PTH")
    added = add_model(file, Origin("https://example.org/2x-Theirs.pth"))
    assert added.path == folder / "2x-Theirs.pth" and added.card.scale == 2
    page = (folder / "2x-Theirs.md").read_text()
    assert card_of(added.path).licence == "ask its maker"
    free = add_model(file, Origin("a friend", "MIT"), name="2x-Free")
    assert card_of(free.path).licence == "MIT"
    assert "licence: ask its maker" in page and "enlarges 2 times (RealESRGAN Compact)" in page


def test_another_hash_or_no_weights_leave_nothing(remend: Remend, folder: Path, gift: Path):
    assert "has the SHA-256" in only_sentence(remend("models", "add", gift, "--sha256", "0" * 64))
    assert "not 64 digits" in only_sentence(remend("models", "add", gift, "--sha256", "12"))
    gift.write_bytes(b"\x10" * 100)
    assert "no safetensors" in only_sentence(remend("models", "add", gift))
    assert "is no weights file" in only_sentence(remend("models", "add", Path(__file__)))
    assert not folder.exists()


@pytest.mark.parametrize(
    "name",
    ["Fill", "ﬁll", "FILL", "x2-Photo", "auto", "Auto", "..", ".", "a..b", "", "a/b", "a b", "-x", "con.x",
     ".hidden", "x" * 81, "ｆill"],
)  # fmt: skip
def test_names_that_could_be_taken_for_others_are_refused(name: str, folder: Path):
    with pytest.raises(RequestError):
        check_name(name)


def test_names_of_ones_own_are_refused_once_they_are_there(folder: Path, gift: Path):
    assert check_name("big-lama") == "big-lama" and check_name("4x模型") == "4x模型"
    add_model(gift, Origin("a friend"), name="Mine")
    with pytest.raises(RequestError, match="Mine already, one of yours"):
        check_name("mine")


def test_the_folder_has_a_limit(folder: Path, gift: Path):
    size = gift.stat().st_size
    add_model(gift, Origin("a friend"), name="one", most_bytes=2 * size)
    with pytest.raises(RequestError, match="would hold more than"):
        add_model(gift, Origin("a friend"), name="two", most_bytes=2 * size)


def test_a_file_is_fetched_and_added(
    remend: Remend, folder: Path, server: tuple[str, type[Server]], gift: Path
):
    address, handler = server
    done = remend("models", "add", f"{address}/gift.safetensors", "--licence", "mine [bold]")
    assert done.code == 0, done.err
    assert (folder / "gift.safetensors").read_bytes() == gift.read_bytes()
    assert f"from: {address}/gift.safetensors" in (folder / "gift.md").read_text()
    assert not any((folder / ".fetched").iterdir())
    missing = remend("models", "add", f"{address}/gone.pth")
    assert missing.code == 1 and "says 404" in only_sentence(missing)
    assert "no weights file" in only_sentence(remend("models", "add", f"{address}/page.html"))
    asked = len(handler.asked)
    assert "gift already" in only_sentence(remend("models", "add", f"{address}/gift.safetensors"))
    assert len(handler.asked) == asked


def test_a_broken_connection_is_continued(
    folder: Path, server: tuple[str, type[Server]], gift: Path
):
    address, handler = server
    handler.cut = 1000
    with pytest.raises(InputError, match="run it again to go on"):
        fetch(f"{address}/gift.safetensors", folder, NO_PROGRESS)
    handler.cut = None
    found = fetch(f"{address}/gift.safetensors", folder, NO_PROGRESS)
    assert found.read_bytes() == gift.read_bytes()
    assert handler.asked[-1] == ("/gift.safetensors", "bytes=1000-")


def test_another_file_at_the_address_is_fetched_from_its_beginning(
    folder: Path, server: tuple[str, type[Server]]
):
    address, handler = server

    class Impatient(Progress):
        def update(self, done: float, total: float, note: str = "") -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch(f"{address}/gift.safetensors", folder, Impatient())
    assert any(path.suffix == ".part" for path in folder.iterdir())
    handler.files["/gift.safetensors"] = b"another"
    assert fetch(f"{address}/gift.safetensors", folder, NO_PROGRESS).read_bytes() == b"another"


def test_too_much_is_not_fetched(folder: Path, server: tuple[str, type[Server]]):
    with pytest.raises(RequestError, match=re.escape("at most 100 bytes are fetched")):
        fetch(f"{server[0]}/gift.safetensors", folder, NO_PROGRESS, most_bytes=100)


def test_only_safe_addresses_are_asked(folder: Path, server: tuple[str, type[Server]]):
    for good in ("https://example.org/x.pth", "http://localhost:8/x", "http://[::1]/x"):
        check_address(good)
    for bad in ("http://example.org/x.pth", "ftp://x/y.pth", "file:///etc/passwd", "https://"):
        with pytest.raises(RequestError, match="is not fetched"):
            check_address(bad)
    address, handler = server
    handler.redirect = "http://example.org/x.pth"
    with pytest.raises(RequestError, match=r"example\.org/x\.pth is not fetched"):
        fetch(f"{address}/away.pth", folder, NO_PROGRESS)
