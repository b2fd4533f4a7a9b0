"""The page's server and what visitors bring, without a browser; the endpoints through gradio_client."""

import shutil
import socket
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from remend.app.batch.fill_work import FillWork
from remend.app.batch.plan import Job
from remend.app.batch.requests import FillRequest, UpscaleRequest
from remend.app.batch.target_size import TargetSize
from remend.app.batch.upscale_work import UpscaleWork
from remend.app.engine.model_pool import ModelPool
from remend.app.page.custom_weights import keep_weights
from remend.app.page.guards.passwords import read_auth
from remend.app.page.server import running_page
from remend.models.errors import RequestError
from remend.models.inference.regions import Box
from remend.models.progress import NO_PROGRESS
from tests.helpers.images import open_image
from tests.helpers.prints import print_of
from tests.helpers.visiting import photo_of, save_mask


def test_weights_are_kept_only_if_they_are_weights_and_new(
    tiny_weights: Path, upload_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("REMEND_MODELS", str(tmp_path / "mine"))
    good = upload_folder / "gift.safetensors"
    good.write_bytes((tiny_weights / "x2-fidelity.safetensors").read_bytes())
    assert keep_weights(good) == "gift"
    assert (tmp_path / "mine" / "gift.safetensors").read_bytes() == good.read_bytes()
    with pytest.raises(RequestError, match="already"):
        keep_weights(good)
    for name, data in (
        ("a b.safetensors", good.read_bytes()),
        ("code.pt", b"x"),
        ("bad.safetensors", b"x"),
    ):
        (upload_folder / name).write_bytes(data)
        with pytest.raises(RequestError):
            keep_weights(upload_folder / name)
    assert {path.name for path in (tmp_path / "mine").iterdir()} == {"gift.safetensors", "gift.md"}


# The server


@pytest.fixture(scope="module")
def client(page_address: str) -> Client:
    return Client(page_address, verbose=False, analytics_enabled=False)


@pytest.fixture(scope="module")
def jpeg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A JPEG with EXIF."""
    path = tmp_path_factory.mktemp("photos") / "wedding day.jpg"
    exif = Image.Exif()
    exif[0x013B] = "Ada"
    Image.fromarray(np.asarray(photo_of(48, 40).rgb)).save(path, exif=exif.tobytes())
    return path


def test_fill_gives_the_bytes_that_the_command_gives(
    client: Client, jpeg: Path, pool: ModelPool, tmp_path: Path
):
    mask = save_mask(tmp_path / "mask.png", (48, 40), Box(10, 10, 20, 20))
    made = client.predict(
        photo=handle_file(jpeg), mask=handle_file(mask), model="fill", grow=2, detail=1.0,
        api_name="/fill",
    )  # fmt: skip
    work = FillWork(pool, FillRequest(grow=2))
    work.perform(Job(jpeg, tmp_path / "out.jpg", mask), NO_PROGRESS)
    assert Path(made).read_bytes() == (tmp_path / "out.jpg").read_bytes()
    assert Path(made).name == "wedding day-repaired.jpg"
    assert open_image(made).getexif()[0x013B] == "Ada"


def test_upscale_gives_the_bytes_that_the_command_gives(
    client: Client, jpeg: Path, pool: ModelPool, tmp_path: Path
):
    made = client.predict(photo=handle_file(jpeg), scale=3, api_name="/upscale")
    work = UpscaleWork(pool, UpscaleRequest(TargetSize(scale=3)))
    work.perform(Job(jpeg, tmp_path / "out.jpg"), NO_PROGRESS)
    assert Path(made).read_bytes() == (tmp_path / "out.jpg").read_bytes()
    assert Path(made).name == "wedding day-x3.jpg"
    assert open_image(made).size == (144, 120)


def test_damage_is_found_as_a_mask_of_the_photos_size(client: Client, tmp_path: Path):
    pixels, where = print_of()
    Image.fromarray(pixels).save(tmp_path / "old.png")
    made = client.predict(photo=handle_file(tmp_path / "old.png"), api_name="/find_damage")
    assert Path(made).name == "old.mask.png"
    mask = np.asarray(open_image(made))
    assert set(np.unique(mask)) == {0, 255}
    assert (mask[where] > 0).mean() > 0.8
    with pytest.raises(AppError, match=r"Sensitivity|sensitivity|maximum"):
        client.predict(
            photo=handle_file(tmp_path / "old.png"), sensitivity=7, api_name="/find_damage"
        )


def test_models_lists_cards(client: Client):
    cards = client.predict(api_name="/models")
    scales = {card["name"]: card["scale"] for card in cards}
    assert {"fill": 1, "x2-fidelity": 2, "x4-fidelity": 4}.items() <= scales.items()


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"scale": 20}, "Scale: 20 is out of range; choose 1.5 to 8"),
        ({"detail": 2}, "2.* maximum .*1"),
        ({"model": "/etc/passwd"}, "no model '/etc/passwd' here"),
    ],
)
def test_a_refusal_reaches_the_caller_as_a_sentence(
    client: Client, jpeg: Path, asked: dict[str, Any], sentence: str
):
    with pytest.raises(AppError, match=sentence):
        client.predict(photo=handle_file(jpeg), **asked, api_name="/upscale")


def status_of(address: str) -> int:
    try:
        with urllib.request.urlopen(address) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_the_server_gives_out_no_file_of_the_machine(page_address: str):
    assert status_of(page_address) == 200
    for path in ("/etc/passwd", __file__, "tests/app/page/test_server.py"):
        assert status_of(f"{page_address}/gradio_api/file={path}") == 403
    assert status_of(f"{page_address}/monitoring/summary") in (401, 403, 404)


def test_a_password_file_closes_the_page(pool: ModelPool, tmp_path: Path, free_port: int):
    people = tmp_path / "people"
    people.write_text("ada:lovelace\n\ncharles:bab:bage\n")
    assert read_auth(people) == [("ada", "lovelace"), ("charles", "bab:bage")]
    with running_page(pool, port=free_port, auth_file=people) as address:
        assert status_of(f"{address}/config") == 401
        with (
            pytest.raises(RequestError, match=str(free_port)),
            running_page(pool, port=free_port),
        ):
            pass


def test_an_impossible_port_is_refused_in_a_sentence(pool: ModelPool):
    with pytest.raises(RequestError, match="99999"), running_page(pool, port=99_999):
        pass


@pytest.mark.parametrize("text", ["", "ada", "ada:", ":word"])
def test_a_password_file_of_another_form_is_refused(tmp_path: Path, text: str):
    (tmp_path / "people").write_text(text)
    with pytest.raises(RequestError, match="user:password"):
        read_auth(tmp_path / "people")


def test_starting_the_page_looks_up_no_name(
    pool: ModelPool, free_port: int, monkeypatch: pytest.MonkeyPatch
):
    asked: list[Any] = []
    look_up = socket.getaddrinfo

    def watched(host: Any, *arguments: Any, **options: Any) -> Any:
        asked.append(host)
        return look_up(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", watched)
    with running_page(pool, port=free_port) as address:
        assert status_of(address) == 200
    assert {str(host) for host in asked} <= {"127.0.0.1", "localhost", "None"}


def test_the_documented_example_works(
    root: Path,
    client: Client,
    jpeg: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    text = (root / "docs" / "api.md").read_text(encoding="utf-8")
    code = text.partition("```python\n")[2].partition("```")[0]
    save_mask(tmp_path / "mask.png", (48, 40), Box(10, 10, 20, 20))
    shutil.copy(jpeg, tmp_path / "photo.jpg")
    code = code.replace("http://127.0.0.1:7860", client.src)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "docs/api.md", "exec"), {"__name__": "__main__"})
    said = capsys.readouterr().out
    assert "photo-repaired-x2.jpg" in said and "'fill'" in said
