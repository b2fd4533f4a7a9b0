"""Another web site in the same browser, which wants to use the page."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

# What a site can try: to read, to send and to read, to send without reading, to take a picture, to frame.
ATTACKS = """async (page) => {
  const form = new FormData();
  form.append("files", new File(["x"], "x.png"));
  const read = async (path, options) => {
    try {
      const answer = await fetch(page + path, {credentials: "include", ...options});
      return answer.type === "opaque" ? "sent" : await answer.text();
    } catch { return "blocked"; }
  };
  const frame = document.createElement("iframe");
  frame.src = page;
  document.body.append(frame);
  await new Promise((done) => (frame.onload = done));
  return {
    config: await read("/config"),
    upload: await read("/gradio_api/upload", {method: "POST", body: form}),
    preflight: await read("/gradio_api/queue/join", {
      method: "POST", body: "{}", headers: {"content-type": "application/json"},
    }),
    unread: await read("/gradio_api/upload", {method: "POST", body: form, mode: "no-cors"}),
  };
}"""


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>evil</title><body>")

    def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """A web site under a name of its own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://evil.localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture
def window(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def test_a_site_of_another_origin_can_do_nothing(window: Page, site: str, page_address: str):
    window.goto(site)
    answered: list[tuple[str, int]] = []
    window.on("response", lambda answer: answered.append((answer.url, answer.status)))
    got = window.evaluate(ATTACKS, page_address)
    assert {got["config"], got["upload"], got["preflight"]} == {"blocked"}
    statuses = {status for url, status in answered if url.startswith(page_address)}
    assert statuses <= {403, 404}, answered
    uploads = [status for url, status in answered if url.endswith("/upload")]
    assert uploads and set(uploads) == {403}


def test_a_name_that_was_made_to_lead_here_shows_no_page(window: Page, page_address: str):
    port = urlsplit(page_address).port
    answer = window.goto(f"http://x.localhost:{port}/")
    assert answer is not None and answer.status == 421
    assert "components" not in window.content()
    answer = window.goto(f"http://localhost:{port}/")
    assert answer is not None and answer.status == 200


def test_a_link_leads_to_the_page_and_it_works(window: Page, site: str, page_address: str):
    window.goto(site)
    window.evaluate(
        "(page) => { document.body.innerHTML = `<a href=${page}>go</a>`; }", page_address
    )
    window.click("a")
    window.wait_for_selector('#repair-editor[data-state="empty"]')
