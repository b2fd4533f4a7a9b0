"""Calls that are not what they should be: a sentence each, and no report of a crash."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from remend.app.engine.user_dirs import cache_folder
from tests.helpers.calling import ask, call, server_functions, upload

FILE = {"path": "{path}", "meta": {"_type": "gradio.FileData"}}
FUNCTIONS: list[tuple[str, Any]] = [
    ("open_photo", None),
    ("open_photo", []),
    ("open_photo", "{path}"),
    ("open_photo", {}),
    ("open_photo", {"path": 7}),
    ("open_photo", {"path": None}),
    ("open_photo", {"path": "a\0b"}),
    ("open_photo", {"path": "{path}", "language": {"a": 1}}),
    ("read_mask_file", {"photo": "{photo}"}),
    ("save_mask", {"photo": "{photo}", "mask": "{path}", "left": "x", "top": 0}),
    ("save_mask", {"photo": "{photo}", "mask": "{path}", "left": 10**12, "top": 0}),
    ("save_mask", {"photo": "{photo}", "mask": "{path}", "left": None, "top": 0}),
    ("change_mask", {"photo": "{photo}", "mask": "{path}", "left": 0, "top": 0, "grow": "a"}),
    ("suggest", {"photo": "{photo}"}),
    ("suggest", {"photo": "{photo}", "sensitivity": []}),
    ("stop", {"photo": "{photo}", "job": {}}),
    ("save", {"photo": "{photo}", "format": "exe"}),
    ("save", {"photo": "{photo}", "format": "../../x"}),
    ("undo", {"photo": ["{photo}"]}),
    ("no_such_function", {}),
]
CALLS: list[tuple[str, Any]] = [
    ("fill", []),
    ("fill", [None, None, "fill", 0, 1]),
    ("fill", [FILE, None, "fill", 0, 1]),
    ("fill", ["{path}", "{path}", "fill", 0, 1]),
    ("fill", [{"a": 1}, FILE, "fill", 0, 1]),
    ("fill", [FILE, FILE, "fill", 0, "much"]),
    ("fill", [FILE, FILE, {"a": 1}, 0, 1]),
    ("fill", [FILE, FILE, None, 0, 1]),
    ("upscale", [None, 2, "auto", 0.5]),
    ("upscale", [FILE, 2, None, 0.5]),
    ("upscale", [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}, 2, "auto", 1]),
    ("nothing", []),
    ("fill_painted", [None]),
]


@pytest.fixture(scope="module")
def photo_path(page_address: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    Image.effect_noise((40, 30), 60).convert("RGB").save(path)
    return upload(page_address, "photo.png", path.read_bytes()).json[0]


@pytest.fixture(scope="module")
def photo(page_address: str, photo_path: str) -> str:
    return call(page_address, "open_photo", {"path": photo_path}).json["photo"]


@pytest.fixture
def no_report() -> Any:
    """No report is written."""
    folder = cache_folder() / "reports"
    before = set(folder.glob("*"))
    yield
    assert {path.read_text() for path in set(folder.glob("*")) - before} == set()


def filled_in(sent: Any, **values: str) -> Any:
    text = json.dumps(sent)
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return json.loads(text)


@pytest.mark.parametrize(("name", "message"), FUNCTIONS)
def test_a_malformed_message_is_answered_by_a_sentence(
    no_report: None, page_address: str, photo: str, photo_path: str, name: str, message: Any
):
    functions = {"no_such_function": 1, **server_functions(page_address)}
    body = {
        "data": filled_in(message, photo=photo, path=photo_path),
        "component_id": functions[name],
        "fn_name": name,
        "session_hash": "program",
    }
    answer = ask(page_address, "/gradio_api/component_server", body)
    assert answer.status in (200, 400, 404)
    sentence = answer.json.get("error") or answer.json["detail"]
    assert sentence.endswith(".") and "went wrong" not in sentence


@pytest.mark.parametrize(("name", "data"), CALLS)
def test_a_malformed_call_is_answered_by_a_sentence(
    no_report: None, page_address: str, photo_path: str, name: str, data: Any
):
    body = {"data": filled_in(data, path=photo_path)}
    answer = ask(page_address, f"/gradio_api/call/{name}", body)
    assert answer.status in (200, 400, 404, 422), answer
    if answer.status == 200:
        event = answer.json["event_id"]
        told = ask(page_address, f"/gradio_api/call/{name}/{event}").body.decode()
        assert "went wrong" not in told
        assert "event: error" in told or '"error"' in told, told


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("component_server", {}),
        ("component_server", {"data": {}, "component_id": 10**6, "fn_name": "save", "session_hash": "x"}),
        ("component_server", {"data": {}, "component_id": {}, "fn_name": 3, "session_hash": []}),
        ("queue/join", {}),
        ("queue/join", {"data": [], "fn_index": 10**6, "session_hash": "x"}),
        ("queue/join", {"data": {}, "fn_index": "a", "session_hash": 3}),
        ("run/fill", {"data": []}),
        ("run/nothing", {"data": []}),
        ("call/v2/fill", {"photo": 7}),
        ("call/v2/nothing", {}),
        ("cancel", {}),
        ("upload", {}),
    ],
)  # fmt: skip
def test_a_call_that_no_function_gets_is_refused(
    no_report: None, page_address: str, path: str, body: Any
):
    answer = ask(page_address, f"/gradio_api/{path}", body)
    assert answer.status in (400, 404, 411, 422), answer
    assert b"Traceback" not in answer.body


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_refused(page_address: str, photo_path: str, number: str):
    file = json.dumps(filled_in(FILE, path=photo_path))
    body = f'{{"data": [{file}, 2, "auto", {number}]}}'.encode()
    for route in ("call/upscale", "run/upscale"):
        assert ask(page_address, f"/gradio_api/{route}", body).status == 400


def test_what_waits_in_the_queue_cannot_be_asked_for_beside_it(page_address: str, photo_path: str):
    body = {"data": [filled_in(FILE, path=photo_path), 2, "auto", 0.5], "fn_index": None}
    for route in ("run", "api"):
        assert ask(page_address, f"/gradio_api/{route}/upscale", body).status == 404


def test_a_path_stays_in_the_folder(page_address: str, photo_path: str, tmp_path: Path):
    outside = tmp_path / "secret.png"
    Image.new("RGB", (8, 8)).save(outside)
    for path in (str(outside), f"{Path(photo_path).parent}/../../{outside}", "/etc/passwd"):
        assert "not uploaded" in call(page_address, "open_photo", {"path": path}).json["error"]
