"""``remend finetune`` as a person types it: what it says, what it writes, and how it ends if things go wrong.

The networks are small and random. Tests about signals, a full disk and a killed run start a process.
"""

import json
import re
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from remend.models.checkpoints.checkpoint import open_network, read_card
from tests.helpers.commands import Remend, start, wait_for

CROP = ("--set", "data.crop=32")
"""Smaller than people's: a validation of 40 crops costs a tenth."""
TUNE = ("finetune", "upscale", "--data", "album", "--from", "x2-fidelity", *CROP)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_weights: Path) -> Path:
    """An empty working folder with copies of the small networks as the user's models."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_weights, "models")
    monkeypatch.setenv("REMEND_MODELS", str(tmp_path / "models"))
    return tmp_path


@pytest.fixture
def album(photo_files: Sequence[Path]) -> Path:
    """Five photos, reduced to 160 x 140 px."""
    folder = Path("album")
    folder.mkdir()
    for file in photo_files[1:]:
        with Image.open(file) as photo:
            photo.convert("RGB").resize((160, 140)).save(folder / f"{file.stem}.png")
    return folder


def refused(remend: Remend, *words: str | Path) -> str:
    """The sentence of a request that is wrong; nothing may have been written."""
    before = sorted(Path().rglob("*"))
    code, _, said = remend(*words)
    last = said.splitlines()[-1]
    assert code == 2, said
    assert last.startswith("remend: ") and last[-1] in ".)?", last
    assert sorted(Path().rglob("*")) == before
    return last


def test_a_folder_with_bad_pictures_is_audited_and_trained(album: Path, remend: Remend) -> None:
    first, *_ = sorted(album.iterdir())
    (album / "broken.jpg").write_bytes(first.read_bytes()[:3000])
    shutil.copy(first, album / "x-copy.png")
    with Image.open(first) as photo:
        photo.resize((32, 28)).save(album / "tiny.png")
    code, _, said = remend(*TUNE, "-o", "models/mine.safetensors", "--images", "48")
    assert code == 0, said
    assert "5 of 8 pictures can be used" in said
    assert "left out: 1 unreadable, 1 too small, 1 copy." in said
    assert "tensors (100 %) are those of x2-fidelity.safetensors" in said
    assert re.search(r"[+-]\d\.\d\d dB on 1 held-out photo \(40 crops\): ", said), said
    assert "in `remend models` and on the page as mine" in said
    assert read_card(Path("models/mine.safetensors")).parent == "x2-fidelity"
    assert not list(Path("models").glob("**/.*")) and not Path("models/mine.run/state.pt").exists()
    assert re.search(r"^ *mine +upscale +upscale +x2", remend("models").out, re.M)
    photo = str(first)
    assert remend("upscale", photo, "-s", "2", "-o", "out.png", "--model", "mine").code == 0
    with Image.open("out.png") as large:
        assert large.size == (320, 280)


def test_an_adapter_is_dialled_in_and_out(album: Path, remend: Remend) -> None:
    code, _, said = remend(*TUNE, "-o", "mine.safetensors", "--images", "48", "--adapter")
    assert code == 0, said
    assert read_card(Path("mine.safetensors")).adapter > 0, said
    photo = next(album.iterdir())

    def enlarged(model: str, *more: str) -> np.ndarray:
        command = ["upscale", str(photo), "-s", "2", "-o", "out.png", "--model", model, *more]
        assert remend(*command).code == 0
        with Image.open("out.png") as large:
            return np.asarray(large).astype(int)

    parent = enlarged("x2-fidelity")
    assert (enlarged("mine.safetensors", "--strength", "0") == parent).all()
    full = np.abs(enlarged("mine.safetensors") - parent).sum()
    half = np.abs(enlarged("mine.safetensors", "--strength", "0.5") - parent).sum()
    assert full > half > 0
    assert (enlarged("x2-fidelity", "--strength", "1") == parent).all()


@pytest.mark.parametrize("command", ["fill", "upscale"])
def test_strength_without_an_adapter_is_refused(album: Path, remend: Remend, command: str) -> None:
    photo = next(album.iterdir())
    more = ("--mask", photo) if command == "fill" else ("-s", "2")
    said = refused(remend, command, photo, *more, "-o", "out.png", "--strength", "0.5")
    assert "--strength 0.5 does not go with" in said and "which has no adapter" in said
    said = refused(remend, command, photo, *more, "-o", "out.png", "--strength", "1.5")
    assert "--strength 1.5 is out of range" in said


def test_data_that_will_not_do(album: Path, remend: Remend) -> None:
    def tune(data: str) -> str:
        return refused(remend, "finetune", "fill", "--data", data, "-o", "mine.safetensors")

    Path("empty").mkdir()
    assert "No pictures were found in empty" in tune("empty")
    Path("text").mkdir()
    for name in ("a.txt", "b.md"):
        Path("text", name).write_text("no picture")
    assert "No pictures were found in text" in tune("text")
    Path("text", "c.jpg").write_text("no picture either")
    assert "None of the 1 pictures in text can be used" in tune("text")
    assert "missing does not exist" in tune("missing")
    for photo in sorted(album.iterdir())[3:]:
        photo.unlink()
    assert "Too few photos to fine-tune on: 3 of 3" in tune("album")


def test_weights_that_will_not_do(album: Path, remend: Remend) -> None:
    def tune(parent: str, task: str = "upscale") -> str:
        return refused(
            remend, "finetune", task, "--data", "album", "--from", parent, "-o", "mine.safetensors"
        )

    assert "trained to fill, not to upscale" in tune("fill")
    assert "trained to upscale, not to fill" in tune("x2-fidelity", "fill")
    assert "There is no upscale model 'x9'" in tune("x9")
    assert "its first bytes are those of no weights file" in tune(str(next(album.iterdir())))
    assert "is no file" in tune("missing.safetensors")
    assert "nothing to fine-tune called 'colour'" in tune("fill", "colour")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("-o", "mine.pth"), "name one that ends in .safetensors"),
        (("-o", "models/fill.safetensors"), "exists already"),
        (("-o", "m.safetensors", "--minutes", "1", "--images", "8"), "exclude each other"),
        (("-o", "m.safetensors", "--minutes", "0"), "--minutes 0 is not possible"),
        (("-o", "m.safetensors", "--images", "0"), "--images 0 is not possible"),
        (("-o", "m.safetensors", "--resume"), "holds no run to resume"),
        (("-o", "album/lion.png/m.safetensors"), "cannot be written"),
    ],
)
def test_requests_that_cannot_be_meant(
    album: Path, remend: Remend, words: tuple[str, ...], reason: str
) -> None:
    assert reason in refused(remend, *TUNE, *words)


def test_values_of_the_recipe_can_be_set_but_not_what_the_parent_decides(
    album: Path, remend: Remend
) -> None:
    words = (*TUNE, "-o", "mine.safetensors", "--images", "8")
    for setting in ("generator.width=3", "parent=x.safetensors", "images=3", "adapter.rank=2"):
        said = refused(remend, *words, "--set", setting)
        assert f"--set {setting} cannot be set in a fine-tune: " in said
    assert "optimiser.generator.lr = -1" in refused(
        remend, *words, "--set", "optimiser.generator.lr=-1"
    )
    assert "nearest one is data.batch" in refused(remend, *words, "--set", "data.bach=2")
    changes = ("--set", "optimiser.generator.lr=1e-5", "--set", "data.held_out=2")
    code, _, said = remend(*words, *changes)
    assert code == 0, said
    assert "on 2 held-out photos" in said
    recipe = json.loads(Path("mine.run/recipe.json").read_text())
    assert recipe["optimiser"]["generator"]["lr"] == 1e-5
    assert recipe["data"]["held_out"] == 2


def test_a_fill_learns_the_holes_of_masks_of_ones_own(album: Path, remend: Remend) -> None:
    mark = np.zeros((60, 60), np.uint8)
    mark[20:24] = 255
    Path("dust").mkdir()
    Image.fromarray(mark).save("dust/line.png")
    words = (
        "finetune",
        "fill",
        "--data",
        "album",
        "-o",
        "mine.safetensors",
        "--images",
        "4",
        *CROP,
    )
    assert "dust is for fill; upscale has no holes" in refused(
        remend, *TUNE, "-o", "mine.safetensors", "--masks", "dust"
    )
    assert "no-such holds no masks" in refused(remend, *words, "--masks", "no-such")
    code, _, said = remend(*words, "--masks", "dust")
    assert code == 0, said
    assert json.loads(Path("mine.run/recipe.json").read_text())["holes"]["masks"] == "dust"


def test_photos_to_validate_on_are_not_trained_on(album: Path, remend: Remend) -> None:
    first, *others = sorted(album.iterdir())
    Path("exam").mkdir()
    with Image.open(first) as photo:
        photo.save("exam/one.png")
    words = (*TUNE, "-o", "mine.safetensors", "--images", "8", "--validate", "exam")
    code, _, said = remend(*words)
    assert code == 0, said
    assert f"{first} was left out: it has the same pixels as exam/one.png" in said
    assert "4 photos to learn from, 1 held out" in said and "on 1 held-out photo " in said
    assert read_card(Path("mine.run/best.safetensors")).trained_on == {"own photos": 4}
    others[0].unlink()
    again = ("upscale", "--data", "album", "--from", "x2-fidelity", "-o", "b.safetensors")
    assert "Too few photos to fine-tune on: 3 of 4" in refused(
        remend, "finetune", *again, "--validate", "exam"
    )


def test_training_refuses_to_be_examined_on_what_it_learns(album: Path, remend: Remend) -> None:
    first, *_ = sorted(album.iterdir())
    Path("exam").mkdir()
    shutil.copy(first, "exam/one.png")
    sizes = ("data.crop=32", "data.batch=2", "images=4", "generator.width=8", "generator.blocks=1")
    settings = [word for size in sizes for word in ("--set", size)]
    words = ("train", "upscale-x2", "--data", "album", "--out", "run", *settings)
    assert "1 photos to validate on are trained on as well, such as one" in refused(
        remend, *words, "--validate", "exam"
    )
    first.unlink()
    assert remend(*words, "--validate", "exam").code == 0
    assert sum(read_card(Path("run/ema.safetensors")).trained_on.values()) == 4


# Processes


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_goes_on(album: Path, remend: Remend, number: signal.Signals) -> None:
    command = (*TUNE, "-o", "mine.safetensors", "--threads", "1")
    process = start(*command, "--images", "1000000")
    wait_for(process, Path("mine.run/state.pt").is_file)
    time.sleep(1)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert "Traceback" not in said and not Path("mine.safetensors").exists()
    if number == signal.SIGINT:
        assert process.returncode == 130, said
        assert re.fullmatch(
            r"remend: Stopped after \d+ images; the state is saved in mine\.run and --resume goes on\.",
            said.splitlines()[-1],
        )
    assert "already holds a run; resume it" in refused(remend, *command)
    state = torch.load("mine.run/state.pt", weights_only=True)
    images = state["images_seen"] + 8
    code, _, said = remend(*command, "--resume", "--images", str(images))
    assert code == 0, said
    assert read_card(Path("mine.safetensors")).parent == "x2-fidelity"
    assert "The parent scores" not in said  # that was known already


def test_a_full_disk_is_one_sentence_and_what_was_saved_stays(album: Path) -> None:
    words = (*TUNE, "-o", "mine.safetensors", "--images", "1000000")
    process = start(*words, limit_bytes=25_000)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1, said
    last = said.splitlines()[-1]
    assert "Traceback" not in said and last.startswith("remend: ") and "cannot be written" in last
    assert not Path("mine.safetensors").exists() and not list(Path("mine.run").glob(".*"))
    for file in Path("mine.run").glob("*.safetensors"):
        open_network(file)
