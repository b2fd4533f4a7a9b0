"""Commands as processes: signals, the shell, and training that is stopped and goes on."""

import json
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from remend.models.checkpoints.checkpoint import read_card
from tests.helpers.commands import Remend, load, save, scene, start, wait_for

pytestmark = pytest.mark.usefixtures("here")


SLOW_HANGUP = pytest.param(signal.SIGHUP, marks=pytest.mark.slow)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, SLOW_HANGUP])
def test_an_interrupted_batch_leaves_whole_files(number: signal.Signals):
    for index in range(80):
        save(f"in/{index:03}.png", scene(160, 120, index))
    process = start("upscale", "in", "-o", "out", "-s", "8")
    wait_for(process, lambda: len(list(Path("out").glob("*.png"))) >= 3)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert err.splitlines()[-1].startswith("remend: Interrupted")
    assert "Traceback" not in err
    written = sorted(Path("out").glob("*"))
    pictures = [path for path in written if path.suffix == ".png"]
    assert 3 <= len(pictures) < 80
    assert {path.name for path in written} - {path.name for path in pictures} == {
        "remend-manifest.jsonl"
    }
    for path in pictures:
        assert load(path).shape == (960, 1280, 3)
    lines = Path("out/remend-manifest.jsonl").read_text().splitlines()
    done = [json.loads(line)["output"] for line in lines]
    assert set(done) <= {path.name for path in pictures}
    assert len(pictures) - len(done) <= 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_training_goes_on_as_if_it_had_not_been(
    remend: Remend, photo_files: Sequence[Path], number: signal.Signals
):
    data = [word for path in photo_files for word in ("--data", path)]
    # A rate that does not depend on the run's length, so that a longer run begins as a shorter one.
    settings = ("data.crop=32", "data.held_out=1", "run.report_images=8", "schedule.decay_from=1",
                "run.save_minutes=0.0001")  # fmt: skip
    words = [word for setting in settings for word in ("--set", setting)]
    command = ("train", "tiny", *data, "--threads", "1", *words, "--out")
    process = start(*command, "run", "--set", "images=100000")
    wait_for(process, lambda: Path("run/state.pt").is_file() and Path("run/stats.jsonl").is_file())
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    seen = torch.load("run/state.pt", weights_only=True)["images_seen"]
    assert read_card(Path("run/ema.safetensors")).images_seen >= seen > 0
    if number != signal.SIGKILL:
        assert process.returncode == 130, err
        assert f"remend: Stopped after {seen} of 100000 images" in err.splitlines()[-1]
    end = f"images={seen + 16}"
    assert remend(*command, "run", "--resume", "--set", end).code == 0
    assert remend(*command, "whole", "--set", end).code == 0
    resumed, whole = (load_file(f"{run}/ema.safetensors") for run in ("run", "whole"))
    assert resumed.keys() == whole.keys()
    assert all(torch.equal(value, whole[name]) for name, value in resumed.items())
    reports = [
        [json.loads(line) | {"seconds": 0} for line in path.read_text().splitlines()]
        for path in (Path("run/stats.jsonl"), Path("whole/stats.jsonl"))
    ]
    assert reports[0] == reports[1]


def test_help_and_a_wrong_request_from_the_shell():
    process = start("--help")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    for command in ("fill", "upscale", "ui", "train", "models", "doctor"):
        assert command in out
    process = start("upscale", "none.jpg", "-o", "out")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert err == "remend: none.jpg does not exist; check the path.\n"
