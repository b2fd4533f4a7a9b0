"""What tests send to the page's server without Gradio's client: requests as any program could."""

import functools
import http.client
import json
import socket
from typing import Any, NamedTuple
from urllib.parse import urlsplit

BOUNDARY = "----photos"


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def sentence(self) -> str:
        """That of a refusal."""
        return self.json["detail"]


def ask(address: str, path: str, body: Any = None, method: str = "", **headers: str) -> Answer:
    """Send one request; ``body`` = bytes, or what becomes JSON. ``accept_language`` = ``Accept-Language``."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        named.setdefault("content-type", "application/json")
    try:
        connection.request(method or ("GET" if body is None else "POST"), path, body, named)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def multipart(name: str, content: bytes, *, ends: bool = True) -> bytes:
    """The body of an upload of one file; without its end as it is when the sending breaks off."""
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    )
    return head.encode() + content + (f"\r\n--{BOUNDARY}--\r\n".encode() if ends else b"")


def upload(address: str, name: str, content: bytes, **headers: str) -> Answer:
    """Upload one file; the answer's body is a list of one path."""
    return ask(
        address, "/gradio_api/upload", multipart(name, content),
        content_type=f"multipart/form-data; boundary={BOUNDARY}", **headers,
    )  # fmt: skip


def half_open(
    address: str, path: str, sent: bytes, length: int, method: str = "POST", **headers: str
) -> socket.socket:
    """Begin to send ``length`` bytes, send ``sent`` of them and leave the connection open."""
    place = urlsplit(address)
    assert place.hostname
    connection = socket.create_connection((place.hostname, place.port or 80), timeout=30)
    told = {
        "Host": place.netloc,
        "Content-Length": str(length),
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    head = f"{method} {path} HTTP/1.1\r\n{lines}\r\n"
    connection.sendall(head.encode() + sent)
    return connection


@functools.cache
def server_functions(address: str) -> dict[str, int]:
    """By name of a function that the browser may call: the number of its component."""
    config = ask(address, "/config").json
    return {
        name: component["id"]
        for component in config["components"]
        for name in component["props"].get("server_fns") or ()
    }


def call(address: str, name: str, message: Any, **headers: str) -> Answer:
    """Call a function of the editor as the browser does."""
    body = {
        "data": message,
        "component_id": server_functions(address)[name],
        "fn_name": name,
        "session_hash": "program",
    }
    return ask(address, "/gradio_api/component_server", body, **headers)
