"""Nothing is sent anywhere: the sockets of a whole session, and what a visitor could name to change that."""

import ipaddress
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file
from PIL import Image

from remend.app.page.guards.bodies import check_call
from remend.models.errors import RequestError
from remend.models.inference.regions import Box
from tests.helpers.calling import ask, call, upload
from tests.helpers.visiting import save_mask

WATCHED = {"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"}
ELSEWHERE = ("http://photos.example/a.png", "https://192.0.2.1/a.png", "//192.0.2.1/share/a.png")
_seen: list[list[str]] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event in WATCHED and _seen:
        place = arguments[0] if event.startswith("socket.get") else arguments[1]
        _seen[-1].append(str(place[0] if isinstance(place, tuple) else place))


sys.addaudithook(_watch)  # stays for ever, and does nothing between tests


@pytest.fixture
def places() -> Iterator[list[str]]:
    """Where to this process connects, and the names that it looks up."""
    _seen.append([])
    yield _seen[-1]
    _seen.pop()


def is_elsewhere(place: str) -> bool:
    try:
        return not ipaddress.ip_address(place).is_loopback
    except ValueError:
        return place not in ("localhost", "None")


def test_a_whole_session_connects_to_nothing_but_this_computer(
    places: list[str], page_address: str, tmp_path: Path
):
    photo, mask = tmp_path / "photo.png", tmp_path / "mask.png"
    Image.new("RGB", (40, 30), "olive").save(photo)
    save_mask(mask, (40, 30), Box(10, 10, 20, 20))
    client = Client(page_address, verbose=False, analytics_enabled=False)
    client.predict(photo=handle_file(photo), mask=handle_file(mask), api_name="/fill")
    client.predict(photo=handle_file(photo), scale=2, api_name="/upscale")
    client.predict(api_name="/models")
    (path,) = upload(page_address, "photo.png", photo.read_bytes()).json
    assert call(page_address, "open_photo", {"path": path}).json["width"] == 40
    assert ask(page_address, "/").status == 200

    for address in ELSEWHERE:
        assert ask(page_address, f"/gradio_api/file={address}").status == 403
        file = {"path": address, "url": address, "meta": {"_type": "gradio.FileData"}}
        for route in ("queue/join", "call/upscale", "run/upscale", "api/upscale"):
            body = {"data": [file, 2, "auto", 0.5], "fn_index": 0, "session_hash": "x"}
            refused = ask(page_address, f"/gradio_api/{route}", body)
            assert refused.status == 400 and "upload the file" in refused.sentence
        refused = ask(page_address, "/gradio_api/call/v2/upscale", {"photo": file})
        assert refused.status == 400
        assert call(page_address, "open_photo", {"path": address}).status == 400
    # The address alone is where the client's copy came from; nobody fetches it.
    file = {"path": path, "url": ELSEWHERE[0], "meta": {"_type": "gradio.FileData"}}
    body = {"data": [file, 2, "auto", 0.5]}
    event = ask(page_address, "/gradio_api/call/upscale", body).json["event_id"]
    assert b"complete" in ask(page_address, f"/gradio_api/call/upscale/{event}").body
    assert places
    assert not [place for place in places if is_elsewhere(place)]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"a": NaN}', b'{"a": 1e999}', b"[" * 10**5, b'"x"', b"\xff"]
)
def test_what_is_no_json_object_is_malformed(body: bytes):
    with pytest.raises(RequestError, match="malformed"):
        check_call(body)


def test_a_url_is_found_wherever_it_stands():
    check_call(b'{"data": [{"path": "/tmp/a.png", "url": "http://127.0.0.1/file=/tmp/a.png"}]}')
    with pytest.raises(RequestError, match="upload the file"):
        check_call(b'{"data": [[{"video": {"path": "https://a.example/b"}}]]}')
