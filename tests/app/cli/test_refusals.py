"""What goes wrong with a command: one sentence, the right exit code, nothing written."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from remend.app.cli.main import main
from tests.helpers.commands import Remend, only_sentence, save, save_mask, scene

pytestmark = pytest.mark.usefixtures("here")


REFUSED = {
    "missing file": ("upscale none.jpg -o out", "none.jpg does not exist"),
    "directory without images": ("upscale empty -o out", "empty holds no pictures"),
    "fill: directory without images": ("fill empty --mask mask.png -o out", "holds no pictures"),
    "missing mask": (
        "fill photo.png --mask none.png -o out.png",
        "The mask none.png does not exist",
    ),
    "mask of another size": ("fill photo.png --mask small.png -o out.png", "20 x 40 px"),
    "mask that covers everything": ("fill photo.png --mask full.png -o out.png", "whole photo"),
    "mask grown over everything": (
        "fill photo.png --mask mask.png --grow 90 -o out.png",
        "whole photo",
    ),
    "scale 0": (
        "upscale photo.png -s 0 -o out.png",
        "--scale 0 is out of range; choose 1.5 to 8",
    ),
    "scale 20": ("upscale photo.png -s 20 -o out.png", "--scale 20 is out of range"),
    "scale nan": ("upscale photo.png -s nan -o out.png", "out of range"),
    "scale no number": ("upscale photo.png -s big -o out.png", "number"),
    "too wide": ("upscale photo.png --width 999 -o out.png", "times as large"),
    "two sizes": ("upscale photo.png -s 2 --width 99 -o out.png", "Only one of"),
    "unknown model": ("upscale photo.png --model nice -o out.png", "no upscale model 'nice'"),
    "fill: unknown model": ("fill photo.png --mask mask.png -n x -o out.png", "no fill model 'x'"),
    "weights for another task": ("upscale photo.png -n fill -o out.png", "not to upscale"),
    "missing weights": ("upscale photo.png -n ./w.safetensors -o out.png", "is no file"),
    "weights that are no weights": (
        "upscale photo.png -n corrupt.safetensors -o out.png",
        "safetensors",
    ),
    "weights cut short": ("upscale photo.png -n cut.safetensors -o out.png", "cut.safetensors"),
    "weights with other tensors": ("upscale photo.png -n odd.safetensors -o out.png", "damaged"),
    "tensors of nobody's": ("upscale photo.png -n pickle.pth -o out.png", "of no architecture"),
    "output folder not writable": ("upscale photo.png -o photo.png/out", "cannot be written"),
    "output folder is a file": ("upscale photo.png -o file", "cannot be written"),
    "no such folder can be": ("upscale photo.png -o /proc/remend/out.png", "cannot be written"),
    "over the input": ("upscale photo.png -o photo.png", "never written over"),
    "two to one": ("upscale one two -o out", "would both be written to"),
    "format": ("upscale photo.png -o out.gif", "not written"),
    "quality": ("upscale photo.png -o out.jpg --quality 0", "--quality 0"),
    "detail": ("fill photo.png --mask mask.png -o out.png --detail 2", "--detail 2"),
    "tile": ("upscale photo.png -o out.png --tile 5", "--tile 5"),
    "jobs": ("upscale photo.png -o out.png --jobs 0", "--jobs 0"),
    "memory": ("upscale photo.png -o out.png --max-memory lots", "--max-memory lots"),
    "too little memory": ("upscale photo.png -o out.png --max-memory 300M", "may be used"),
    "denoise": ("upscale photo.png -o out.png -dn 2", "--denoise 2"),
    "threads": ("upscale photo.png -o out.png --threads 0", "--threads 0"),
    "device": ("upscale photo.png -o out.png --device tpu", "--device tpu"),
    "no output": ("upscale photo.png", "--output"),
    "no input": ("upscale -o out", "There is no input"),
    "two photos for fill": ("fill photo.png -i photo.png --mask mask.png -o out.png", "once"),
    "resume into a file": ("upscale photo.png -o out.png --resume", "--resume"),
    "unknown option": ("upscale photo.png -o out.png --fast", "--fast"),
    "unknown command": ("paint photo.png", "paint"),
    "unknown recipe": ("train nice --data photo.png --out run", "no recipe 'nice'"),
    "wrong setting": ("train tiny --data one --out run --set imagse=3", "nearest one is images"),
    "no photos": ("train tiny --data empty --out run", "No pictures"),
    "inspect": ("models inspect nothing", "no model 'nothing'"),
}


@pytest.fixture
def trouble(here: Path, tiny_weights: Path) -> None:
    """Everything that the wrong requests name."""
    save("photo.png")
    save("one/a.png")
    save("two/a.png")
    save_mask("mask.png")
    save("small.png", np.zeros((40, 20), np.uint8))
    save("full.png", np.full((40, 48), 255, np.uint8))
    Path("empty").mkdir()
    Path("file").write_text("a file")
    Path("corrupt.safetensors").write_bytes(b"\xff" * 100)
    weights = (tiny_weights / "x4-fidelity.safetensors").read_bytes()
    Path("cut.safetensors").write_bytes(weights[:-500])
    Path("odd.safetensors").write_bytes(weights.replace(b'"stem.weight"', b'"stam.weight"'))
    torch.save({"params": torch.zeros(4)}, "pickle.pth")


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.usefixtures("trouble")
def test_a_wrong_request_is_refused(remend: Remend, here: Path, case: str):
    command, words = REFUSED[case]
    before = sorted(here.rglob("*"))
    outcome = remend(command)
    assert outcome.code == 2, outcome.err
    assert words in only_sentence(outcome)
    assert outcome.out == ""
    assert sorted(here.rglob("*")) == before


@pytest.mark.skipif(torch.cuda.is_available() or torch.mps.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("device", ["cuda", "mps", "0", "0,1"])
def test_a_device_that_is_not_there(remend: Remend, device: str):
    save("photo.png")
    outcome = remend(f"upscale photo.png -o out.png --quiet -g {device}")
    assert outcome.code == 2
    assert f"--device {device.partition(',')[0]} is not available" in outcome.err
    assert "auto" in outcome.err


@pytest.mark.parametrize("name", ["text.png", "cut.jpg", "empty.png", "folder.png/x"])
def test_a_file_that_is_no_picture_is_a_failed_input(remend: Remend, name: str):
    whole = save("whole.jpg", scene(200, 200), quality=95).read_bytes()
    Path("text.png").write_text("no picture")
    Path("cut.jpg").write_bytes(whole[: len(whole) // 2])
    Path("empty.png").write_bytes(b"")
    Path("folder.png").mkdir()
    Path("folder.png/x").write_bytes(os.urandom(100))
    save_mask("mask.png", 200, 200)
    for command in (f"upscale {name} -o out.png", f"fill {name} --mask mask.png -o out.png"):
        outcome = remend(command)
        assert outcome.code == 1
        assert Path(name).name in only_sentence(outcome)
        assert not Path("out.png").exists()


def test_a_mask_that_is_no_picture_is_a_failed_input(remend: Remend):
    save("photo.png")
    Path("mask.png").write_text("no mask")
    outcome = remend("fill photo.png --mask mask.png -o out.png")
    assert outcome.code == 1
    assert "mask.png" in only_sentence(outcome)


def test_a_full_disk(remend: Remend, monkeypatch: pytest.MonkeyPatch):
    save("in/a.png")
    save("in/b.png")
    replace = os.replace

    def fail(source: str | Path, target: str | Path) -> None:
        if Path(target).name == "a.png":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    outcome = remend("upscale in/a.png -s 2 -o out")
    assert outcome.code == 1
    assert "is full" in only_sentence(outcome)
    assert list(Path("out").iterdir()) == []
    outcome = remend("upscale in -s 2 -o out")
    assert outcome.code == 1
    assert sorted(path.name for path in Path("out").iterdir()) == ["b.png", "remend-manifest.jsonl"]


def test_a_mistake_of_ours_is_one_sentence_too(remend: Remend, monkeypatch: pytest.MonkeyPatch):
    def fail() -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr("remend.app.cli.models_command.list_models", fail)
    outcome = remend("models")
    assert outcome.code == 1
    sentence = only_sentence(outcome)
    assert sentence.startswith("Unexpected ZeroDivisionError: by nought; the report is ")
    report = Path(sentence.partition("the report is ")[2].partition("; please")[0]).read_text()
    for words in ("remend models\n", "torch 2", "Python 3", "in print_models", "by nought"):
        assert words in report


def test_debug_shows_where(capsys: pytest.CaptureFixture[str]):
    assert main(["upscale", "none.jpg", "-o", "out", "--debug"]) == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith("remend: none.jpg does not exist")
