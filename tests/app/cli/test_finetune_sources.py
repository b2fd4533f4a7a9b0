"""Fine-tunes from what people bring along: real pairs, and weights of other makers."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image

from remend.models.checkpoints.checkpoint import read_card
from tests.helpers.commands import Remend
from tests.helpers.community import build

TUNE = ("finetune", "upscale", "--data", "album", "-o", "mine.safetensors", "--images", "8")
QUICK = ("--set", "data.crop=32")


@pytest.fixture(autouse=True)
def album(
    photo_files: Sequence[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_weights: Path
) -> Path:
    """A working folder with small networks, five photos of 160 x 140 px and the same in half that size."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_weights, "models")
    monkeypatch.setenv("REMEND_MODELS", str(tmp_path / "models"))
    for file in photo_files[1:]:
        with Image.open(file) as photo:
            picture = photo.convert("RGB")
        for folder, size in (("album", (160, 140)), ("small", (80, 70))):
            Path(folder).mkdir(exist_ok=True)
            picture.resize(size, Image.Resampling.BOX).save(f"{folder}/{file.stem}.png")
    return Path("album")


def test_an_upscale_learns_from_real_pairs(album: Path, remend: Remend) -> None:
    first, *others = sorted(album.iterdir())
    (Path("small") / first.name).unlink()
    words = (*TUNE, *QUICK, "--from", "x2-fidelity", "--pairs", "small")
    code, _, said = remend(*words)
    assert code == 0, said
    assert "4 of 5 pictures can be used" in said and "left out: 1 without a partner." in said
    assert f"{first} was left out: small has no low-resolution picture for it; call it" in said
    assert json.loads(Path("mine.run/recipe.json").read_text())["data"]["pairs"] == "small"
    assert read_card(Path("mine.safetensors")).parent == "x2-fidelity"
    again = ("-o", "b.safetensors", "--from", "x2-fidelity")
    for file in others:
        with Image.open(Path("small") / file.name) as picture:
            picture.resize((40, 35)).save(Path("small") / file.name)
    code, _, said = remend(*TUNE, *again, "--pairs", "small")
    assert code == 2 and "None of the 5 pictures in album can be used" in said
    for wrong in ("nowhere", "models"):
        code, _, said = remend(*TUNE, *again, "--pairs", wrong)
        assert code == 2 and said.splitlines()[-1].startswith(f"remend: {wrong} ")
    code, _, said = remend("finetune", "fill", *TUNE[2:], "--pairs", "small")
    assert code == 2 and "--pairs small is for upscale; fill enlarges nothing" in said


def test_a_training_learns_from_real_pairs(remend: Remend) -> None:
    sizes = ("data.crop=32", "data.batch=2", "images=4", "generator.width=8", "generator.blocks=1")
    settings = [word for size in (*sizes, "data.held_out=1") for word in ("--set", size)]
    words = ("train", "upscale-x2", "--data", "album", "--out", "run", *settings)
    code, _, said = remend(*words, "--set", "data.pairs=small")
    assert code == 0, said
    assert "note: The low-resolution pictures are those of data.pairs" in said
    recipe = read_card(Path("run/ema.safetensors")).run["recipe"]
    assert recipe["data"]["pairs"] == "small"
    code, _, said = remend(*words, "--set", "data.pairs=small", "--set", "generator.scale=4")
    assert code == 2 and "that is x2.00, and x4 is trained" in said


def test_weights_of_others_are_tuned_and_used(album: Path, remend: Remend) -> None:
    network = build("Compact", "SRVGGNetCompact", num_feat=8, num_conv=2, upscale=2)
    torch.save({"params": network.state_dict()}, "2x-tiny.pth")
    code, _, said = remend(*TUNE, *QUICK, "--from", "2x-tiny.pth", "--adapter")
    assert code == 0, said
    assert "tensors (100 %) are those of 2x-tiny.pth" in said and "Traceback" not in said
    photo = str(min(album.iterdir()))
    assert (
        remend("upscale", photo, "-s", "2", "-o", "out.png", "--model", "mine.safetensors").code
        == 0
    )
    with Image.open("out.png") as large:
        assert large.size == (320, 280)
    words = ("upscale", photo, "-s", "2", "-o", "b.png", "--model", "mine.safetensors")
    assert "which has no adapter" in remend(*words, "--strength", "0.5").err
    code, _, said = remend(
        "finetune", "fill", *TUNE[2:4], "-o", "b.safetensors", "--from", "2x-tiny.pth"
    )
    assert code == 2 and "2x-tiny.pth was trained to upscale, not to fill" in said
