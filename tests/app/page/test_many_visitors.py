"""Ten visitors at once, a hundred calls in parallel, stops at random; a real server, watched from outside."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import numpy as np
import psutil
import pytest
from PIL import Image

from remend.app.batch.fill_work import FillWork
from remend.app.batch.plan import Job
from remend.app.batch.requests import FillRequest, UpscaleRequest
from remend.app.batch.target_size import TargetSize
from remend.app.batch.upscale_work import UpscaleWork
from remend.app.engine.model_pool import ModelPool
from remend.app.page.guards.disk import measure
from remend.models.inference.regions import Box
from remend.models.progress import NO_PROGRESS
from tests.helpers.calling import Answer, ask, call, half_open, multipart, upload
from tests.helpers.visiting import photo_of, save_mask

VISITORS, CALLS_OF_ONE = 10, 10
MEMORY, DISK = 1_200_000_000, 400_000_000
REFUSALS = {429: "wait already", 503: "Queue is full", 507: "server"}
"""By status, what a visitor may be told while many others are there."""


@dataclass
class Server:
    """A page in a process of its own, and the most that it took."""

    address: str
    process: psutil.Process
    folder: Path
    memory: int = 0
    disk: int = 0

    def watch(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.memory = max(self.memory, self.process.memory_info().rss)
            self.disk = max(self.disk, measure(self.folder))
            time.sleep(0.5)

    @property
    def waiting(self) -> int:
        return ask(self.address, "/gradio_api/queue/status").json["queue_size"]


@pytest.fixture
def server(tiny_models: Path, tmp_path: Path, free_port: int) -> Iterator[Server]:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "remend", "ui", "--port", str(free_port), "--device", "cpu",
         "--max-memory", str(MEMORY), "--max-disk", str(DISK), "--threads", "1",
         "--precision", "fp32"],
        stdout=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        assert process.stdout
        assert "ready" in process.stdout.readline()
        address = f"http://127.0.0.1:{free_port}"
        yield Server(address, psutil.Process(process.pid), temporary)
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert list(temporary.iterdir()) == []


@dataclass
class Visitor:
    """One of them, with a photo of their own and what must be made of it."""

    address: str
    number: int
    photo: bytes
    mask: bytes
    made: dict[str, bytes]
    told: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def client(self) -> dict[str, str]:
        return {"x_forwarded_for": f"10.0.0.{self.number}"}

    @property
    def works(self) -> int:
        """Results that came."""
        return self.told["fill"] + self.told["upscale"]

    def work(self, seconds: float) -> None:
        """Do one thing after the other for so long."""
        chance = random.Random(threading.get_ident())
        actions = [self.make, self.make, self.make, self.stop, self.edit, self.break_off]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                chance.choice(actions)(chance)
            except Exception as error:
                self.wrong.append(f"{type(error).__name__}: {error}")

    def make(self, chance: random.Random) -> None:
        """Ask for a result, wait for it and compare it."""
        name = chance.choice(list(self.made))
        if (event := self.begin(name)) is None:
            return
        told = ask(self.address, f"/gradio_api/call/{name}/{event}", **self.client).body.decode()
        if "event: complete" in told:
            path = json.loads(told.rpartition("data: ")[2])[0]["path"]
            file = ask(self.address, f"/gradio_api/file={quote(path)}", **self.client)
            self.note(name if same_picture(file.body, self.made[name]) else f"another {name}")
        else:
            sentence = json.loads(told.rpartition("data: ")[2])["error"]
            self.note("refused" if "server" in sentence or "try again" in sentence else sentence)

    def stop(self, chance: random.Random) -> None:
        """Ask for a result and go away before it is there."""
        name = chance.choice(list(self.made))
        if event := self.begin(name):
            stream = f"/gradio_api/call/{name}/{event}"
            with half_open(self.address, stream, b"", 0, method="GET", **self.client):
                time.sleep(chance.uniform(0, 0.3))
            self.note("stopped")

    def edit(self, chance: random.Random) -> None:
        """Open the photo and save it as it is."""
        path = self.send("photo.png", self.photo)
        if path is None:
            return
        opened = call(self.address, "open_photo", {"path": path}, **self.client).json
        if "error" in opened:
            self.note("refused" if "try again" in opened["error"] else opened["error"])
            return
        message = {"photo": opened["photo"], "sensitivity": 0.5, "format": "png"}
        for name in chance.sample(["suggest", "save", "changes"], 2):
            told = call(self.address, name, message, **self.client).json
            is_refused = any(word in told.get("error", "") for word in ("server", "try again"))
            self.note("refused" if is_refused else told.get("error", "edited"))

    def break_off(self, chance: random.Random) -> None:
        """Begin an upload and go away."""
        sent = multipart("photo.png", bytes(chance.randrange(100_000)), ends=False)
        with half_open(self.address, "/gradio_api/upload", sent, 200_000, **self.client):
            time.sleep(chance.uniform(0, 0.1))
        self.note("broken off")

    def begin(self, name: str) -> str | None:
        """Put a call into the queue; None where it was refused."""
        paths = [self.send("photo.png", self.photo)]
        if name == "fill":
            paths.append(self.send("mask.png", self.mask))
        if None in paths:
            return None
        files = [{"path": path, "meta": {"_type": "gradio.FileData"}} for path in paths]
        more = ["fill", 0, 1] if name == "fill" else [2, "x2-fidelity", 0]
        answer = ask(
            self.address, f"/gradio_api/call/{name}", {"data": [*files, *more]}, **self.client
        )
        return None if self.is_refused(answer) else answer.json["event_id"]

    def send(self, name: str, content: bytes) -> str | None:
        answer = upload(self.address, name, content, **self.client)
        return None if self.is_refused(answer) else answer.json[0]

    def is_refused(self, answer: Answer) -> bool:
        if answer.status == 200:
            return False
        sentence = REFUSALS.get(answer.status)
        is_known = sentence is not None and sentence in answer.sentence
        self.note("refused" if is_known else f"{answer.status}: {answer.body[:200]}")
        return True

    def note(self, what: str) -> None:
        known = {*self.made, "refused", "stopped", "edited", "broken off"}
        if what in known:
            self.told[what] += 1
        else:
            self.wrong.append(what)


@pytest.fixture
def visitors(server: Server, pool: ModelPool, tmp_path: Path) -> list[Visitor]:
    """Each with what the command line makes of their photo."""
    found = []
    mask = save_mask(tmp_path / "mask.png", (64, 48), Box(20, 10, 40, 20))
    fill, upscale = (
        FillWork(pool, FillRequest(model="fill")),
        UpscaleWork(pool, UpscaleRequest(TargetSize(scale=2), "x2-fidelity", detail=0)),
    )
    for number in range(VISITORS):
        photo, made = tmp_path / f"{number}.png", tmp_path / "made.png"
        Image.fromarray(photo_of(64, 48).rgb).save(photo)
        results = {}
        for name, work, job in (
            ("fill", fill, Job(photo, made, mask)),
            ("upscale", upscale, Job(photo, made)),
        ):
            work.perform(job, NO_PROGRESS)
            results[name] = made.read_bytes()
        own = Visitor(server.address, number, photo.read_bytes(), mask.read_bytes(), results)
        found.append(own)
    return found


def same_picture(got: bytes, expected: bytes) -> bool:
    """Whether two files show the same, but for the rounding of two processes with other threads."""
    one, other = (np.asarray(Image.open(BytesIO(stored))).astype(int) for stored in (got, expected))
    return one.shape == other.shape and np.abs(one - other).max() <= 1


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)


@pytest.mark.parametrize("seconds", [8, pytest.param(180, marks=pytest.mark.slow)])
def test_ten_visitors_get_what_is_theirs_and_the_server_stays_within_its_budgets(
    server: Server, visitors: list[Visitor], seconds: float
):
    newcomer = visitors.pop()
    threads = [
        threading.Thread(target=visitor.work, args=(seconds,))
        for visitor in visitors
        for _ in range(CALLS_OF_ONE + 2)  # the newcomer's share too
    ]
    threads.append(threading.Thread(target=server.watch, args=(seconds,)))
    for thread in threads:
        thread.start()
    end, overtaken = time.monotonic() + seconds, list[int]()
    while time.monotonic() < end:
        before = sum(visitor.works for visitor in visitors)
        newcomer.make(random.Random())
        overtaken.append(sum(visitor.works for visitor in visitors) - before)
    for thread in threads:
        thread.join(120)
    assert not [visitor.wrong for visitor in [*visitors, newcomer] if visitor.wrong]
    told = sum((visitor.told for visitor in visitors), Counter())
    print(f"{told}; newcomer {newcomer.told}, after {max(overtaken)} others at most")
    print(f"memory {server.memory / 1e6:.0f} MB, disk {server.disk / 1e6:.1f} MB")
    assert min(told[name] for name in ("fill", "upscale", "stopped", "edited", "broken off")) > 0
    assert newcomer.told.total() == newcomer.works == len(overtaken)
    # The work in hand, and one piece of each other visitor; the rest came while answers were on their way.
    assert max(overtaken) < 3 * (VISITORS + 1)
    assert server.memory < MEMORY and server.disk < DISK

    wait_until(lambda: server.waiting == 0, 30)
    before = sum(server.process.cpu_times()[:2])
    time.sleep(2)
    assert sum(server.process.cpu_times()[:2]) - before < 1  # idle
    newcomer.make(random.Random())
    assert newcomer.told.total() == len(overtaken) + 1 and not newcomer.wrong
