"""Who may fine-tune through the page: nobody from elsewhere, whichever way they ask."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from remend.app.engine.model_pool import ModelPool
from remend.app.page.server import running_page
from remend.app.page.tuning.access import check_is_here, is_for_this_computer
from remend.models.errors import RequestError
from tests.helpers.calling import ask


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]"])
def test_a_page_for_this_computer_offers_it(host: str):
    assert is_for_this_computer(host, share=False, auth_file=None, allow_hosts=())


@pytest.mark.parametrize(
    ("host", "others"),
    [
        ("0.0.0.0", {}),
        ("::", {}),
        ("192.168.1.5", {}),
        ("localhost.evil.example", {}),
        ("127.0.0.1", {"share": True}),
        ("127.0.0.1", {"auth_file": Path("people")}),
        ("127.0.0.1", {"allow_hosts": ["photos.home"]}),
    ],
)
def test_a_page_that_others_reach_does_not(host: str, others: dict[str, Any]):
    assert not is_for_this_computer(
        host, **{"share": False, "auth_file": None, "allow_hosts": (), **others}
    )


def request(client: str, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return SimpleNamespace(client=SimpleNamespace(host=client), headers=named)


def test_a_request_of_this_computer_is_let_in():
    check_is_here(request("127.0.0.1", host="127.0.0.1:7860"))
    check_is_here(request("::1", host="localhost:7860"))


@pytest.mark.parametrize(
    "asked",
    [
        None,
        request("", host="127.0.0.1"),
        request("192.168.1.9", host="127.0.0.1"),
        request("127.0.0.1", host="photos.home"),
        request("127.0.0.1"),
        request("127.0.0.1", host="127.0.0.1", x_forwarded_for="127.0.0.1"),
        request("127.0.0.1", host="127.0.0.1", forwarded="for=127.0.0.1"),
        request("127.0.0.1", host="127.0.0.1", X_Real_IP="127.0.0.1"),
        request("127.0.0.1", host="127.0.0.1", via="1.1 proxy"),
    ],
)
def test_any_other_request_is_refused(asked: Any):
    with pytest.raises(RequestError, match="person at this computer alone"):
        check_is_here(asked)


# Without a browser, as any program asks


def functions_of(address: str) -> dict[str, int]:
    """By what they are called in the code: the numbers of the page's functions that it tells of."""
    return {
        f"{one['targets'][0][0]} {one['targets'][0][1]}": one["id"]
        for one in ask(address, "/config").json["dependencies"]
        if one["targets"]
    }


def components_of(address: str) -> dict[str, int]:
    components = ask(address, "/config").json["components"]
    return {str(one["props"].get("elem_id")): one["id"] for one in components}


def start(address: str, folder: Path, **headers: str) -> str:
    """Press Start as a program: call the function of the button by its number; gives the status line."""
    button = components_of(address)["tune-start"]
    data = [str(folder), "small", "stolen", 1, 0]
    body = {"data": data, "fn_index": functions_of(address)[f"{button} click"]}
    answer = ask(address, "/gradio_api/run/predict", {**body, "session_hash": "x"}, **headers)
    return str(answer.json)


def test_a_page_that_is_bound_elsewhere_has_nothing_of_it(pool: ModelPool, free_port: int):
    with running_page(pool, host="0.0.0.0", port=free_port) as _:
        address = f"http://127.0.0.1:{free_port}"
        assert "tune-start" not in components_of(address)
        text = ask(address, "/config").body.decode()
        assert "tune-" not in text and "remend_tune" not in text.partition('"i18n')[0]
        # Every function there is, with what Start takes: none begins a fine-tune.
        for number in functions_of(address).values():
            body = {
                "data": ["/etc", "fill", "stolen", 1, 0],
                "fn_index": number,
                "session_hash": "x",
            }
            said = str(ask(address, "/gradio_api/run/predict", body).body)
            assert "fine-tuned" not in said


def test_who_comes_through_a_proxy_is_refused_by_the_function_itself(
    page_address: str, models: Path, tmp_path: Path
):
    said = start(page_address, tmp_path, x_forwarded_for="203.0.113.5")
    assert "for the person at this computer alone" in said
    said = start(page_address, tmp_path, x_forwarded_for="127.0.0.1")
    assert "for the person at this computer alone" in said
    said = start(page_address, tmp_path / "nowhere")
    assert "does not exist; check the path" in said
    assert not list(models.glob("stolen*"))
