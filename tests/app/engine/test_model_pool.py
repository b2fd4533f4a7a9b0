"""The pool loads once, forgets in order, works on one picture at a time, and lets waiters go."""

import pickle
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from remend.app.engine import model_pool as module
from remend.app.engine.model_pool import ModelPool
from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.models.imaging.picture import Mask, Picture
from remend.models.inference.restorer import FillOptions, Inpainter, UpscaleOptions, load_restorer
from remend.models.progress import Cancelled, Progress

FP32 = Placement(torch.device("cpu"), torch.float32, "tests are exact")


@pytest.fixture(autouse=True)
def names(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMEND_MODELS", str(tiny_weights))


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stems of the weights that were loaded, in order."""
    stems: list[str] = []

    def load(path: Path, placement: Placement, *, strength: float):
        stems.append(path.stem)
        return load_restorer(path, placement, strength=strength)

    monkeypatch.setattr(module, "load_restorer", load)
    return stems


def make_picture(width: int = 40, height: int = 32) -> Picture:
    random = np.random.default_rng(3)
    return Picture(random.integers(0, 256, (height, width, 3), dtype=np.uint8))


def make_mask(picture: Picture) -> Mask:
    hole = np.zeros((picture.height, picture.width), np.bool_)
    hole[8:16, 10:20] = True
    return Mask.from_array(hole)


def test_fill_is_what_the_restorer_makes(tiny_weights: Path):
    picture = make_picture()
    mask = make_mask(picture)
    filled = ModelPool([FP32]).fill(picture, mask, "fill", FillOptions())
    restorer = load_restorer(tiny_weights / "fill.safetensors", FP32)
    assert isinstance(restorer, Inpainter)
    assert (filled.rgb == restorer.restore(picture, mask, FillOptions()).rgb).all()
    assert (filled.rgb[mask.values == 0] == picture.rgb[mask.values == 0]).all()
    assert (filled.rgb != picture.rgb).any()


def test_patches_are_the_fill():
    picture, pool = make_picture(), ModelPool([FP32])
    mask = make_mask(picture)
    pasted = picture.rgb.copy()
    for patch in pool.fill_patches(picture, mask, "fill"):
        height, width = patch.rgb.shape[:2]
        pasted[patch.top : patch.top + height, patch.left : patch.left + width] = patch.rgb
    assert (pasted == pool.fill(picture, mask, "fill").rgb).all()


def test_upscale_has_the_size_asked_for():
    pool, picture = ModelPool([FP32]), make_picture()
    assert pool.upscale(picture, "x2-fidelity").size == (80, 64)
    assert pool.upscale(picture, "x4-fidelity", UpscaleOptions(size=(60, 48))).size == (60, 48)


def test_weights_are_loaded_once_and_the_stalest_goes_first(loads: list[str]):
    pool = ModelPool([FP32], keep=2)
    for name in ("x2-fidelity", "x4-fidelity", "x2-fidelity"):
        pool.upscaler(name)
    pool.inpainter("fill")
    pool.upscaler("x2-fidelity")
    pool.upscaler("x4-fidelity")
    assert loads == ["x2-fidelity", "x4-fidelity", "fill", "x4-fidelity"]


def test_a_replaced_file_is_loaded_again(loads: list[str], tiny_weights: Path, tmp_path: Path):
    path = tmp_path / "mine.safetensors"
    shutil.copy(tiny_weights / "x2-fidelity.safetensors", path)
    pool = ModelPool([FP32])
    assert pool.upscaler(path).card.scale == 2
    shutil.copy(tiny_weights / "x4-fidelity.safetensors", path)
    assert pool.upscaler(path).card.scale == 4
    assert loads == ["mine", "mine"]


def test_the_wrong_kind_of_weights_is_refused():
    picture = make_picture()
    with pytest.raises(RequestError, match="not to fill"):
        ModelPool([FP32]).fill(picture, make_mask(picture), "x2-fidelity")
    with pytest.raises(RequestError, match="not to upscale"):
        ModelPool([FP32]).upscale(picture, "fill")


def test_one_picture_at_a_time(monkeypatch: pytest.MonkeyPatch):
    running: list[int] = []
    most: list[int] = []
    restore = Inpainter.restore

    def slow(self: Inpainter, *arguments: object, **more: object) -> Picture:
        running.append(1)
        most.append(len(running))
        time.sleep(0.05)
        running.pop()
        return restore(self, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Inpainter, "restore", slow)
    pool, picture = ModelPool([FP32]), make_picture()
    threads = [
        threading.Thread(target=pool.fill, args=(picture, make_mask(picture), "fill"))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]


def test_who_waits_can_leave(monkeypatch: pytest.MonkeyPatch):
    entered, leave = threading.Event(), threading.Event()

    def stay(*_: object, **__: object) -> None:
        entered.set()
        leave.wait(20)

    monkeypatch.setattr(Inpainter, "restore", stay)
    pool, picture = ModelPool([FP32]), make_picture()
    first = threading.Thread(target=pool.fill, args=(picture, make_mask(picture), "fill"))
    first.start()
    assert entered.wait(20)

    class Impatient(Progress):
        def update(self, done: float, total: float, note: str = "") -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        pool.upscale(picture, "x2-fidelity", progress=Impatient())
    leave.set()
    first.join()
    assert pool.upscale(picture, "x2-fidelity").size == (80, 64)


def test_a_loaded_network_is_given_while_its_device_is_busy(monkeypatch: pytest.MonkeyPatch):
    entered, leave = threading.Event(), threading.Event()

    def stay(*_: object, **__: object) -> None:
        entered.set()
        leave.wait(20)

    monkeypatch.setattr(Inpainter, "restore", stay)
    pool, picture = ModelPool([FP32]), make_picture()
    first = threading.Thread(target=pool.fill, args=(picture, make_mask(picture), "fill"))
    first.start()
    assert entered.wait(20)
    assert pool.inpainter("fill").card.task == "fill"
    assert first.is_alive()
    leave.set()
    first.join()


def test_each_device_has_its_networks_and_takes_one_picture(
    monkeypatch: pytest.MonkeyPatch, loads: list[str]
):
    both = threading.Barrier(2, timeout=20)

    def meet(self: Inpainter, *_: object, **__: object) -> None:
        both.wait()

    monkeypatch.setattr(Inpainter, "restore", meet)
    pool, picture = ModelPool([FP32, FP32]), make_picture()
    assert pool.devices == 2
    threads = [
        threading.Thread(target=pool.fill, args=(picture, make_mask(picture), "fill"))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not both.broken
    assert loads == ["fill", "fill"]
    pool.inpainter("fill")
    pool.upscaler("x2-fidelity")
    assert loads == ["fill", "fill", "x2-fidelity", "x2-fidelity"]


def test_another_process_gets_an_empty_pool_of_one_device():
    pool = pickle.loads(pickle.dumps(ModelPool([FP32, FP32], keep=2)))
    assert (pool.devices, pool.placement) == (1, FP32)
