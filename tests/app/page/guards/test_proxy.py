"""The page behind a proxy with TLS, as SECURITY.md tells to set it up; over real sockets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from remend.app.engine.model_pool import ModelPool
from remend.app.page.server import running_page
from tests.helpers.calling import ask, upload

PROXY = {"host": "photos.example", "x_forwarded_proto": "https", "x_forwarded_for": "203.0.113.5"}
FORM = {"content_type": "application/x-www-form-urlencoded"}


@pytest.fixture
def address(pool: ModelPool, free_port: int, tmp_path: Path) -> Iterator[str]:
    (tmp_path / "people").write_text("ada:lovelace\n")
    with running_page(
        pool, port=free_port, auth_file=tmp_path / "people", allow_hosts=["photos.example"]
    ) as started:
        yield started


def test_a_visitor_logs_in_and_works_under_the_proxys_name(address: str):
    own = {**PROXY, "origin": "https://photos.example", "sec_fetch_site": "same-origin"}
    right = ask(address, "/login", b"username=ada&password=lovelace", **own, **FORM)
    login = "; ".join(one.partition(";")[0] for one in right.headers.get_all("set-cookie") or [])
    config = ask(address, "/config", cookie=login, **own)
    assert config.status == 200 and config.json["root"] == "https://photos.example"
    assert upload(address, "a.png", b"x", cookie=login, **own).status == 200
    assert upload(address, "a.png", b"x", **own).status == 401
    for foreign in ("https://evil.example", "https://photos.example.evil.example", "null"):
        other = {**PROXY, "origin": foreign}
        assert upload(address, "a.png", b"x", cookie=login, **other).status == 403


def test_who_guesses_passwords_is_held_up_alone(address: str):
    wrong = [ask(address, "/login", b"username=ada&password=x", **PROXY, **FORM) for _ in range(6)]
    assert wrong[-1].status == 429
    other = {**PROXY, "x_forwarded_for": "203.0.113.6"}
    assert ask(address, "/login", b"username=ada&password=lovelace", **other, **FORM).status == 200


def test_a_proxy_that_hides_the_name_is_refused_in_words(address: str):
    hidden = {"origin": "https://photos.example", "sec_fetch_site": "same-origin"}
    assert ask(address, "/config", **hidden).status == 403
