"""The commands round the weights: models, doctor, train."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from remend.models.checkpoints.checkpoint import open_network, read_card
from tests.helpers.commands import Remend, save, save_mask

pytestmark = pytest.mark.usefixtures("here")


def test_models_list_inspect_and_verify(
    remend: Remend, tiny_weights: Path, here: Path, monkeypatch: pytest.MonkeyPatch
):
    listed = remend("models")
    assert listed.code == 0
    assert listed == remend("models list")
    (row,) = [line for line in listed.out.splitlines() if "x2-fidelity" in line]
    assert {"upscale", "x2", "MiB", "1,000", "Apache-2.0"} <= set(row.split())

    path = tiny_weights / "x2-fidelity.safetensors"
    for name in ("x2-fidelity", path):
        card = json.loads(remend("models", "inspect", name).out)
        assert (card["task"], card["scale"], card["images_seen"]) == ("upscale", 2, 1000)

    folder = here / "weights"
    shutil.copytree(tiny_weights, folder)
    monkeypatch.setenv("REMEND_MODELS", str(folder))
    good = remend("models verify")
    assert good.code == 0
    assert str(folder / "fill.safetensors") in good.out
    weights = path.read_bytes()
    (folder / "fill.safetensors").write_bytes(weights[:-500])
    bad = remend("models verify")
    assert bad.code == 1
    (line,) = [line for line in bad.out.splitlines() if line.startswith("BAD")]
    assert "fill.safetensors" in line


def test_doctor_tries_everything_out(remend: Remend):
    report = remend("doctor --precision fp32 --threads 1")
    assert report.code == 0, report.out
    for words in (
        "torch 2",
        "1 threads",
        "fp32 on cpu as asked for",
        "sha256",
        "fill with fill: good",
    ):
        assert words in report.out
    assert report.out.count("good") == 4


def test_doctor_says_what_does_not_work(
    remend: Remend, here: Path, monkeypatch: pytest.MonkeyPatch
):
    (here / "fill.safetensors").write_bytes(b"junk")
    monkeypatch.setenv("REMEND_MODELS", str(here))
    report = remend("doctor")
    assert report.code == 1
    assert "FAILED: " in report.out


TINY = ("--set", "images=16", "--set", "data.held_out=1", "--set", "run.report_images=8")


def test_train_by_the_name_of_a_recipe(remend: Remend, photo_files: Sequence[Path]):
    data = [word for path in photo_files for word in ("--data", path)]
    done = remend("train", "tiny", *data, "--out", "run", "--threads", "1", *TINY)
    assert done.code == 0, done.err
    assert "run/ema.safetensors" in done.err.splitlines()[-1]
    assert read_card(Path("run/ema.safetensors")).images_seen == 16
    open_network(Path("run/ema.safetensors"))

    again = remend("train", "tiny", *data, "--out", "run", *TINY)
    assert again.code == 2
    assert "already holds a run; resume it" in again.err.splitlines()[-1]
    longer = ("--set", "images=24", *TINY[2:])
    assert remend("train", "tiny", *data, "--out", "run", "--resume", *longer).code == 0
    assert read_card(Path("run/ema.safetensors")).images_seen == 24
    save("photo.png")
    save_mask("mask.png")
    used = remend("fill photo.png --mask mask.png -o out.png --model run/ema.safetensors")
    assert used.code == 0


def test_what_is_missing_for_training_is_said_and_training_goes_on(
    remend: Remend, photo_files: Sequence[Path], monkeypatch: pytest.MonkeyPatch
):
    def no_compiler(*_: Any, **__: Any) -> None:
        raise RuntimeError("No working C++ compiler found.\nMore words.")

    monkeypatch.setattr(torch, "compile", no_compiler)
    for module in ("remend.app.cli.train_command", "remend.training.engine.trackers"):
        monkeypatch.setattr(f"{module}.has_tensorboard", lambda: False)
    settings = ("--set", "images=8", "--set", "data.crop=32", "--set", "data.held_out=1")
    data = [word for path in photo_files for word in ("--data", path)]
    done = remend("train", "tiny", *data, "--out", "run", "--set", "run.compile=true", *settings)
    assert done.code == 0, done.err
    assert "run.compile = true is not possible here (No working C++ compiler found);" in done.err
    assert "TensorBoard is not installed" in done.err
    assert Path("run/ema.safetensors").is_file() and not list(Path("run").glob("events*"))
