"""Fine-tunes in a process of their own: one at a time, none lost when something ends it."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image

from remend.app.tuning.process import TuningProcess
from remend.app.tuning.request import FinetuneRequest
from remend.app.tuning.state import TuningState
from remend.models.device import choose_placement
from remend.models.errors import RequestError

PLACEMENT = choose_placement("cpu", "fp32")


@pytest.fixture
def request_of(
    tmp_path: Path, tiny_weights: Path, photo_files: Sequence[Path]
) -> Callable[[int], FinetuneRequest]:
    """A fine-tune of a small network on five photos, of so many images."""
    album = tmp_path / "album"
    album.mkdir()
    for file in photo_files[1:]:
        with Image.open(file) as photo:
            photo.convert("RGB").resize((160, 140)).save(album / f"{file.stem}.png")
    parent = str(tiny_weights / "x2-fidelity.safetensors")
    crop = ("data.crop=32",)
    out = tmp_path / "mine.safetensors"
    return lambda images: FinetuneRequest(
        "upscale", (album,), out, parent, images=images, settings=crop
    )


@pytest.fixture
def process() -> Iterator[TuningProcess]:
    made = TuningProcess()
    yield made
    made.close()


def wait_for(process: TuningProcess, is_so: Callable[[TuningState], bool]) -> TuningState:
    end = time.monotonic() + 180
    while not is_so(state := process.look()):
        assert time.monotonic() < end and not state.has_ended, state
        time.sleep(0.1)
    return state


def has_learned(state: TuningState) -> bool:
    return state.phase == "training" and state.done > 0


def test_it_is_alone_and_goes_on_after_a_kill_and_after_the_page_has_gone(
    process: TuningProcess, request_of: Callable[[int], FinetuneRequest], tmp_path: Path
):
    process.start(request_of(1_000_000), PLACEMENT)
    wait_for(process, has_learned)
    with pytest.raises(RequestError, match="mine is being fine-tuned already"):
        process.start(request_of(8), PLACEMENT)
    assert process._process is not None
    os.kill(process._process._process.pid, signal.SIGKILL)
    state = wait_for(process, lambda state: state.has_ended)
    assert state.phase == "failed" and "(SIGKILL)" in state.end and "goes on" in state.end
    assert (tmp_path / "mine.run" / "state.pt").is_file()
    process.start(request_of(1_000_000), PLACEMENT)
    seen = wait_for(process, has_learned).done
    process.close()  # as a page does that is ended
    state = torch.load(tmp_path / "mine.run" / "state.pt", weights_only=True)
    assert state["images_seen"] >= seen and not (tmp_path / "mine.safetensors").exists()
    process.start(request_of(state["images_seen"] + 4), PLACEMENT)
    end = wait_for(process, lambda state: state.has_ended)
    assert end.phase == "done" and " held-out photo" in end.end
    assert not any("The parent scores" in said for said in end.said)  # that was known already
    assert (tmp_path / "mine.safetensors").is_file()
