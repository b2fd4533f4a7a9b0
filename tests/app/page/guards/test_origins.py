"""Other web sites cannot drive the page: names, origins, cookies, closed addresses; over real sockets."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from remend.app.engine.model_pool import ModelPool
from remend.app.page.guards.hosts import AllowedHosts, host_name
from remend.app.page.guards.routes import is_open, is_url
from remend.app.page.server import running_page
from remend.models.errors import OptionError
from tests.helpers.calling import ask, upload

JOIN = {"data": [], "fn_index": 0, "session_hash": "stranger"}


def test_only_names_of_this_computer_lead_to_the_page(page_address: str):
    port = urlsplit(page_address).port
    for name in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]"):
        assert ask(page_address, "/config", host=f"{name}:{port}").status == 200
    for name in ("x.localhost", "evil.example", "127.0.0.1.evil.example", "10.0.0.7", "a b", ""):
        refused = ask(page_address, "/config", host=f"{name}:{port}" if name else "")
        assert refused.status == 421, name
        assert b"components" not in refused.body
    told = ask(page_address, "/config", host="evil.example").sentence
    assert "--allow-host evil.example" in told
    chinese = ask(page_address, "/config", host="evil.example", accept_language="zh-CN").sentence
    assert "evil.example" in chinese and chinese != told


@pytest.mark.parametrize(
    ("listens_on", "named", "taken", "refused"),
    [
        ("127.0.0.1", (), ("::1", "localhost"), ("192.168.1.5", "photos.home", "")),
        ("0.0.0.0", (), ("192.168.1.5", "fd00::7", "localhost"), ("photos.home",)),
        ("192.168.1.5", ("Photos.Home",), ("192.168.1.5", "photos.home"), ("192.168.1.6",)),
        ("[::1]", ("fd00::7",), ("::1", "fd00::7"), ("fd00::8",)),
    ],
)
def test_which_names_are_allowed(
    listens_on: str, named: tuple[str, ...], taken: tuple[str, ...], refused: tuple[str, ...]
):
    hosts = AllowedHosts(listens_on, named)
    assert all(name in hosts for name in taken)
    assert not any(name in hosts for name in refused)


@pytest.mark.parametrize("name", ["http://photos.home", "photos.home/", "*", ""])
def test_a_name_that_is_none_is_refused(name: str):
    with pytest.raises(OptionError, match="no name of a host"):
        AllowedHosts("127.0.0.1", [name])


def test_the_port_and_brackets_are_no_part_of_a_name():
    for text in ("[::1]:7860", "[::1]"):
        assert host_name(text) == "::1"
    assert host_name("photos.home.:80") == "photos.home"
    for text in ("me@photos.home", "photos.home:80:90", "a/b"):
        assert host_name(text) == ""


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "null"},
        {"origin": "http://localhost", "host": "127.0.0.1"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_another_origin_gets_and_does_nothing(page_address: str, headers: dict[str, str]):
    for answer in (
        upload(page_address, "a.png", b"x", **headers),
        ask(page_address, "/gradio_api/queue/join", JOIN, **headers),
        ask(page_address, "/gradio_api/component_server", {}, **headers),
        ask(page_address, "/config", **headers),
        ask(page_address, "/gradio_api/queue/data?session_hash=x", **headers),
    ):
        assert answer.status == 403
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    asked = {"access_control_request_method": "POST", **headers}
    preflight = ask(page_address, "/gradio_api/upload", method="OPTIONS", **asked)
    assert preflight.status in (403, 404)
    assert "access-control-allow-origin" not in preflight.headers


def test_the_page_itself_a_program_and_a_link_are_served(page_address: str):
    own = {"origin": page_address, "sec_fetch_site": "same-origin"}
    mine = upload(page_address, "a.png", b"x", **own)
    assert mine.status == 200
    assert not [name for name in mine.headers if name.lower().startswith("access-control")]
    assert upload(page_address, "a.png", b"x").status == 200
    link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
    assert ask(page_address, "/", **link, sec_fetch_dest="document").status == 200
    assert ask(page_address, "/", **link, sec_fetch_dest="iframe").status == 403
    assert ask(page_address, "/config", **link, sec_fetch_dest="document").status == 403
    assert "frame-ancestors 'self'" in ask(page_address, "/").headers["content-security-policy"]


def test_what_the_page_does_not_use_is_closed(page_address: str):
    for path in ("token", "token/", "proxy=https://a.hf.space", "run-history/records", "deep_link"):
        assert ask(page_address, f"/gradio_api/{path}").status == 404
    for path in ("process_recording", "vibe-edit", "stream/1", "file=/etc/passwd", "token"):
        assert ask(page_address, f"/gradio_api/{path}", {}).status == 404
    assert ask(page_address, "/docs").status == ask(page_address, "/monitoring").status == 404
    assert not is_open("DELETE", "/") and not is_open("GET", "/gradio_api/upload")
    assert is_open("GET", "/static/fonts/a.woff") and is_open("HEAD", "/")


def test_a_place_in_a_network_is_no_file():
    for text in ("http://a", "HTTPS://a", "//server/share", "\\\\server\\share", "file:///x"):
        assert is_url(text)
    for text in ("/tmp/a:b.png", "C:\\photos\\a.png", "a.png", ""):
        assert not is_url(text)


def test_a_login_is_for_the_page_alone_and_guessing_is_slow(
    pool: ModelPool, tmp_path: Path, free_port: int
):
    (tmp_path / "people").write_text("ada:lovelace\n")
    form = {"content_type": "application/x-www-form-urlencoded"}
    with running_page(pool, port=free_port, auth_file=tmp_path / "people") as address:
        right = ask(address, "/login", b"username=ada&password=lovelace", **form)
        assert right.status == 200
        cookies = right.headers.get_all("set-cookie") or []
        assert len(cookies) == 2
        assert all("samesite=strict" in cookie.lower() for cookie in cookies)
        assert all("httponly" in cookie.lower() for cookie in cookies)
        login = "; ".join(cookie.partition(";")[0] for cookie in cookies)
        assert ask(address, "/config", cookie=login).status == 200
        assert ask(address, "/config").status == 401
        assert ask(address, "/gradio_api/token", cookie=login).status == 404

        wrong = [
            ask(address, "/login", b"username=ada&password=%d" % number, **form)
            for number in range(8)
        ]
        assert [answer.status for answer in wrong] == [400] * 5 + [429] * 3
        assert "wrong passwords" in wrong[-1].sentence
        assert ask(address, "/login", b"username=ada&password=lovelace", **form).status == 429
        assert ask(address, "/config", cookie=login).status == 200
