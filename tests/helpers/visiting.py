"""What a visitor of the page is and sends, where no browser is needed."""

import io
import json
import threading
import urllib.request
from base64 import b64decode
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from remend.models.imaging.picture import Picture
from remend.models.inference.regions import Box
from remend.models.progress import Cancelled, Progress

if TYPE_CHECKING:
    from remend.app.engine.model_pool import ModelPool

ENGLISH: Any = SimpleNamespace(headers={}, session_hash="one")
CHINESE: Any = SimpleNamespace(headers={"accept-language": "zh-CN,zh;q=0.9"}, session_hash="two")

RANDOM = np.random.default_rng(7)


def photo_of(width: int, height: int, kind: type = np.uint8) -> Picture:
    top = np.iinfo(kind).max
    return Picture(RANDOM.integers(0, top, (height, width, 3), endpoint=True).astype(kind))


def save_mask(path: Path, size: tuple[int, int], box: Box) -> Path:
    values = np.zeros(size[::-1], np.uint8)
    values[box.slices] = 255
    Image.fromarray(values).save(path)
    return path


def decoded(address: str) -> np.ndarray:
    """The picture of a data URL."""
    return np.asarray(Image.open(io.BytesIO(b64decode(address.partition(",")[2]))))


def fill_in_page(pool: "ModelPool", photo: Path, mask: Path, model: str) -> np.ndarray:
    """What a visitor of the page downloads who fills a photo; both files lie in the folder of uploads."""
    from remend.app.page.repair.photo_sessions import PhotoSessions
    from remend.app.page.repair.repair_tab import RepairService
    from remend.app.page.work.jobs import Jobs

    page = RepairService(pool, PhotoSessions(photo.parent / "photos", max_megapixels=1.0), Jobs())
    key = page.open_photo({"path": str(photo), "replaces": None})["photo"]
    asked = {"photo": key, "mask": str(mask), "left": 0, "top": 0, "job": 1}
    event: Any = SimpleNamespace(_data={**asked, "model": model, "grow": 0, "detail": 1.0})
    assert page.fill(event, ENGLISH)["result"] == {"job": 1}
    return np.asarray(Image.open(page.save({"photo": key, "format": "auto"})["path"]))


class Endless:
    """Work of the models that ends only if it is cancelled, or if the test is over."""

    def __init__(self) -> None:
        self.begun, self.ended = threading.Semaphore(0), threading.Semaphore(0)
        self.is_over = threading.Event()
        self.tile_s = 0.02

    def __call__(self, *arguments: Any, **_: Any) -> None:
        progress: Progress = next(one for one in arguments if isinstance(one, Progress))
        self.begun.release()
        try:
            while not self.is_over.wait(self.tile_s):
                progress.update(1, 3, "tile 1 of 3")
        except Cancelled:
            self.ended.release()
            raise


def ask_for_upscale(address: str, photo: Path, model: str) -> str:
    """Upload a photo and ask for it twice as large, without any client; gives the call's name."""
    head = b"--x\r\nContent-Disposition: form-data; name=files; filename=photo.png\r\n\r\n"
    body = head + photo.read_bytes() + b"\r\n--x--\r\n"
    (path,) = _post(f"{address}/gradio_api/upload", body, "multipart/form-data; boundary=x")
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    call = json.dumps({"data": [file, 2, model, 0.5]}).encode()
    return _post(f"{address}/gradio_api/call/upscale", call, "application/json")["event_id"]


def _post(address: str, body: bytes, kind: str) -> Any:
    asked = urllib.request.Request(address, body, {"Content-Type": kind})
    with urllib.request.urlopen(asked) as answer:
        return json.load(answer)
