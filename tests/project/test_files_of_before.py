"""Files that version 0.1.0 wrote still open: weights, recipes, runs to go on with, and a batch's manifest.

`tests/data/made_by_0.1.0` holds what that version made of five small pictures. Only the states are packed
with xz, and the folder that everything lay in is called ``/before``.

    train.run/   remend train upscale-x2, 8 images, with a discriminator, augmented
    tuned.run/   remend finetune upscale --from parent.safetensors, stopped by a signal
    enlarged/    remend upscale folder -o enlarged --model parent.safetensors --precision fp32
"""

import json
import lzma
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from remend.models.checkpoints.checkpoint import open_network, read_card
from remend.training.engine.run_state import RunState
from remend.training.finetune.validation import Score
from remend.training.recipe.parse import parse_recipe
from tests.helpers.commands import Remend, save, scene
from tests.helpers.paths import ROOT

MADE = ROOT / "tests" / "data" / "made_by_0.1.0"


@pytest.fixture
def before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the files in the working folder, as they lay there then, with photos of the same names."""
    folder = tmp_path.resolve()
    shutil.copytree(MADE, folder, dirs_exist_ok=True)
    for packed in folder.rglob("*.xz"):
        packed.with_suffix("").write_bytes(lzma.decompress(packed.read_bytes()))
        packed.unlink()
    for text in (*folder.rglob("*.json"), *folder.rglob("*.jsonl")):
        text.write_text(text.read_text().replace("/before", str(folder)))
    for number in range(5):
        save(f"{folder}/photos/photo-{number}.png", scene(72, 68, seed=number))
    monkeypatch.chdir(folder)
    return folder


def load_state(run: Path) -> dict[str, Any]:
    return torch.load(run / "state.pt", weights_only=True)


def test_weights_open(before: Path) -> None:
    files = sorted(before.rglob("*.safetensors"))
    assert len(files) == 4
    for file in files:
        network, card = open_network(file)
        assert card.task == ("judge" if file.stem == "discriminator" else "upscale")
        assert all(value.isfinite().all() for value in network.state_dict().values())


@pytest.mark.parametrize("run", ["train.run", "tuned.run"])
def test_recipes_of_runs_and_of_cards_are_read(before: Path, run: str) -> None:
    table = json.loads((before / run / "recipe.json").read_text())
    assert parse_recipe(table).data.crop == table["data"]["crop"]
    (weights, *_) = (before / run).glob("*.safetensors")
    assert parse_recipe(read_card(weights).run["recipe"]).task == "upscale"


def test_a_run_goes_on(before: Path, remend: Remend) -> None:
    table = json.loads((before / "train.run" / "recipe.json").read_text())
    held = load_state(before / "train.run")
    kept = ("width", "blocks")
    settings = [
        "name=old", "images=16", "data.crop=32", "data.batch=4", "data.held_out=1",
        "run.report_images=8", "losses.adversarial=0.1", "losses.feature_matching=1",
        "adversary.augment=0.5", *(f"generator.{key}={table['generator'][key]}" for key in kept),
        *(f"discriminator.{key}={value}" for key, value in table["discriminator"].items()),
    ]  # fmt: skip
    words = [word for setting in settings for word in ("--set", setting)]
    run = ("train", "upscale-x2", "--data", "photos", "--out", "train.run", "--precision", "fp32")
    went_on = remend(*run, "--threads", "1", "--resume", *words)
    assert went_on.code == 0, went_on.err
    assert read_card(before / "train.run" / "ema.safetensors").images_seen == 16
    lines = (before / "train.run" / "stats.jsonl").read_text().splitlines()
    assert [json.loads(line)["images"] for line in lines] == [8, 16]
    state = load_state(before / "train.run")
    assert state.keys() == held.keys() | {"photos"}  # which a run of before could not compare
    assert state["adversary"].keys() == held["adversary"].keys()
    assert state["adversary"]["steps"] == held["adversary"]["steps"] + 2 == 4
    assert state["images_seen"] == held["images_seen"] + 8 == 16


def test_a_fine_tune_goes_on(before: Path, remend: Remend) -> None:
    held = load_state(before / "tuned.run")
    images = held["images_seen"] + 8
    tune = ("finetune", "upscale", "--data", "photos", "--from", "parent.safetensors", "--resume")
    went_on = remend(
        *tune, "-o", "tuned.safetensors", "--images", str(images), "--precision", "fp32",
        "--threads", "1",
    )  # fmt: skip
    assert went_on.code == 0, went_on.err
    assert "held-out photo" in went_on.err
    card = read_card(before / "tuned.safetensors")
    assert (card.name, card.parent) == ("tuned", "parent")


def test_what_a_stopped_fine_tune_remembers_is_understood(before: Path) -> None:
    state = RunState(images=100_000)
    state.load_state_dict(load_state(before / "tuned.run"))
    assert state.images_seen > 0 and state.seconds > 0 and state.rate_scale == 1
    assert state.notes["rollbacks"] == 0 and len(state.notes["held_out"]) == 1
    parent, best = (Score.from_list(state.notes[key]) for key in ("before", "best"))
    assert best.value >= parent.value and parent.is_finite


def test_a_batch_goes_by_its_manifest(before: Path, remend: Remend) -> None:
    lines = (before / "enlarged" / "remend-manifest.jsonl").read_text().splitlines()
    (entry,) = (line for line in map(json.loads, lines) if line["status"] == "done")
    photo, output = Path(entry["input"]), before / "enlarged" / entry["output"]
    os.utime(photo, ns=(entry["input_mtime_ns"], entry["input_mtime_ns"]))
    output.write_bytes(b"\0" * entry["output_bytes"])  # what it looks at is the size
    again = remend(
        "upscale", "folder", "-o", "enlarged", "--model", "parent.safetensors", "--resume",
        "--precision", "fp32", "--threads", "1",
    )  # fmt: skip
    assert again.code == 0, again.err
    assert "1 skipped" in again.err and not any(output.read_bytes())
