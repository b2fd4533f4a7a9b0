"""A share of the queue for each client, and no work for which nobody waits; half-open posts."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from types import SimpleNamespace
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from remend.app.engine.model_pool import ModelPool
from remend.app.page.guards.bodies import BodyLimits
from remend.app.page.guards.fairness import PLACES_OF_ONE, Lanes
from remend.app.page.guards.limits import Limits
from remend.app.page.server import running_page
from tests.helpers.calling import ask, half_open, multipart, upload


@pytest.fixture
def hasty_page(pool: ModelPool, free_port: int) -> Iterator[str]:
    """A page that soon gives up on who is slow."""
    body = BodyLimits(stall_s=0.4, call_s=0.8, call_bytes=100_000, at_once=3)
    limits = Limits(body=body, patience_s=1, sweep_s=0.5)
    with running_page(pool, port=free_port, limits=limits) as address:
        yield address


def photo_on(address: str, side: int = 200) -> str:
    """The path of an uploaded photo that takes about a second to enlarge."""
    stored = BytesIO()
    pixels = np.random.default_rng(1).integers(0, 255, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stored, "PNG")
    return upload(address, "photo.png", stored.getvalue()).json[0]


def begin(address: str, path: str, client: str) -> str | None:
    """Ask for an enlargement; the name of the call, None where it was refused."""
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    answer = ask(
        address, "/gradio_api/call/upscale", {"data": [file, 4, "x4-fidelity", 0]},
        x_forwarded_for=client,
    )  # fmt: skip
    if answer.status == 429:
        assert "wait already" in answer.sentence
        return None
    return answer.json["event_id"]


def waiting(address: str) -> int:
    return ask(address, "/gradio_api/queue/status").json["queue_size"]


def test_one_client_has_a_share_and_another_comes_next(hasty_page: str):
    path = photo_on(hasty_page)
    done: list[str] = []

    def listen(name: str, call: str) -> None:
        told = ask(hasty_page, f"/gradio_api/call/upscale/{call}").body
        assert b"complete" in told, told
        done.append(name)

    threads = []

    def follow(name: str, call: str | None) -> None:
        assert call
        threads.append(threading.Thread(target=listen, args=(name, call)))
        threads[-1].start()

    follow("greedy", begin(hasty_page, path, "10.0.0.1"))
    while waiting(hasty_page):  # until the first one runs
        time.sleep(0.01)
    for _ in range(PLACES_OF_ONE):
        follow("greedy", begin(hasty_page, path, "10.0.0.1"))
    assert begin(hasty_page, path, "10.0.0.1") is None
    follow("other", begin(hasty_page, path, "10.0.0.2"))
    follow("third", begin(hasty_page, path, "10.0.0.3"))
    for thread in threads:
        thread.join(60)
    assert done == ["greedy", "other", "third", *["greedy"] * PLACES_OF_ONE]


def test_calls_for_which_nobody_listens_are_dropped(hasty_page: str):
    path = photo_on(hasty_page, side=700)
    for _ in range(4):
        assert begin(hasty_page, path, "10.0.0.1")
    assert waiting(hasty_page) >= 2
    end = time.monotonic() + 5
    while waiting(hasty_page):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_half_open_posts_end(hasty_page: str):
    for path, sent in (
        ("/gradio_api/upload", multipart("a.png", b"a" * 1000, ends=False)),
        ("/gradio_api/component_server", b'{"data": '),
        ("/gradio_api/queue/join", b""),
        ("/login", b"username=ada"),
    ):
        begun = time.monotonic()
        with half_open(hasty_page, path, sent, 10_000) as connection:
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
            assert answer.startswith(b"HTTP/1.1 408"), answer
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["detail"].startswith("The sending")
        assert 0.3 < time.monotonic() - begun < 3


def test_connections_that_say_nothing_end(hasty_page: str):
    place = urlsplit(hasty_page)
    assert place.hostname
    for sent in (b"", b"GET / HTTP/1.1\r\nHost: 127"):
        with socket.create_connection((place.hostname, place.port or 80), timeout=5) as connection:
            connection.sendall(sent)
            assert connection.recv(100) == b""


def test_a_body_that_trickles_ends_too(hasty_page: str):
    with half_open(hasty_page, "/gradio_api/cancel", b"{", 10_000) as connection:
        connection.settimeout(0.2)
        answer, begun = b"", time.monotonic()
        while not answer:
            assert time.monotonic() < begun + 3
            connection.sendall(b" ")
            try:
                answer = connection.recv(4096)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408")


def test_a_client_sends_few_bodies_at_once_and_no_large_calls(hasty_page: str):
    held = [half_open(hasty_page, "/gradio_api/cancel", b"{", 100) for _ in range(3)]
    time.sleep(0.1)
    assert ask(hasty_page, "/gradio_api/cancel", {}).status == 429
    assert ask(hasty_page, "/gradio_api/cancel", {}, x_forwarded_for="10.0.0.9").status != 429
    for connection in held:
        connection.close()
    time.sleep(0.1)
    assert ask(hasty_page, "/gradio_api/cancel", {}).status != 429
    large = ask(hasty_page, "/gradio_api/cancel", {"a": "x" * 200_000})
    assert large.status == 413 and "0.1 MB" in large.sentence


class Waiting:
    """What Gradio's queue keeps of a call."""

    def __init__(self, number: int, client: str) -> None:
        self._id, self.enqueue_time = f"{client}{number}", float(number)
        self.request = SimpleNamespace(scope={"client": (client, 0)})


def test_clients_take_turns_also_with_calls_that_came_before():
    lane = SimpleNamespace(queue=[])
    lanes = Lanes(SimpleNamespace(event_queue_per_concurrency_id={"model": lane}))
    done = []

    def come(number: int, client: str) -> None:
        lane.queue.append(Waiting(number, client))
        lanes.share_out()

    for number in range(4):
        come(number, "a")
    done += [lane.queue.pop(0)._id, lane.queue.pop(0)._id]
    come(4, "b")
    come(5, "a")
    done.append(lane.queue.pop(0)._id)
    come(6, "c")
    come(7, "b")
    done += [event._id for event in lane.queue]
    assert done == ["a0", "a1", "b4", "c6", "a2", "b7", "a3", "a5"]
