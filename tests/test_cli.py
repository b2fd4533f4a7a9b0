"""The commands as a person types them: what is written, what is said, and the exit code.

The networks are small and random: what they paint is not looked at, only where, how large, and how it is
told. Most tests call the real ``main``; those about signals and the terminal start a process.
"""

import errno
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from app.cli import main
from models.checkpoint import Card, open_network, peek, save_network
from models.registry import build_network


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The JSON lines of stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


Remend = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_weights: Path) -> Path:
    """An empty working folder, in which the small networks have the default names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REMEND_MODELS", str(tiny_weights))
    return tmp_path


@pytest.fixture
def remend(capsys: pytest.CaptureFixture[str]) -> Remend:
    """Run a command line, given as one string or as words."""

    def run(*words: str | Path) -> Outcome:
        split = words[0].split() if len(words) == 1 and isinstance(words[0], str) else words
        capsys.readouterr()
        code = main([str(word) for word in split])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Outcome(code, captured.out, captured.err)

    return run


def scene(width: int = 48, height: int = 40, seed: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


def save(name: str, pixels: np.ndarray | None = None, **how: Any) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene() if pixels is None else pixels).save(path, **how)
    return path


def save_mask(name: str, width: int = 48, height: int = 40, value: int = 255) -> Path:
    hole = np.zeros((height, width), np.uint8)
    hole[10:20, 12:30] = value
    return save(name, hole)


def load(name: str | Path) -> np.ndarray:
    return np.asarray(Image.open(name))


def only_sentence(outcome: Outcome) -> str:
    """The one line on stderr of a command that went wrong."""
    (line,) = outcome.err.splitlines()
    assert line.startswith("remend: "), line
    assert line[-1] in ".?)", line
    return line.removeprefix("remend: ")


# fill


def test_fill_changes_what_the_mask_marks_and_nothing_else(remend: Remend):
    save("photo.png")
    mask = load(save_mask("mask.png"))
    done = remend("fill photo.png --mask mask.png -o filled.png")
    assert (done.code, done.out) == (0, "")
    assert re.fullmatch(r"photo\.png -> filled\.png \(\d+\.\d s\)\n", done.err)
    before, after = load("photo.png"), load("filled.png")
    assert (before[mask == 0] == after[mask == 0]).all()
    assert (before[mask > 0] != after[mask > 0]).any(axis=-1).mean() > 0.5


def test_what_lies_under_the_mask_has_no_say(remend: Remend):
    pixels = scene().copy()
    save("one.png", pixels)
    pixels[10:20, 12:30] = (255, 0, 255)
    save("two.png", pixels)
    save_mask("mask.png")
    for name in ("one", "two"):
        assert remend(f"fill {name}.png --mask mask.png -o {name}-filled.png").code == 0
    assert (load("one-filled.png") == load("two-filled.png")).all()


def test_the_masks_options_change_what_is_filled(remend: Remend):
    save("photo.png")
    mask = load(save_mask("mask.png")) > 0
    save("inverted.png", np.uint8(255) - load("mask.png"))
    before = load("photo.png")

    def changed(options: str) -> np.ndarray:
        assert remend(f"fill photo.png -o out.png {options}").code == 0
        return (load("out.png") != before).any(axis=-1)

    plain = changed("--mask mask.png")
    assert (changed("--mask inverted.png --invert-mask") == plain).all()
    grown = changed("--mask mask.png --grow 4")
    assert grown[6:10, 14:28].any()
    assert not grown[:6].any()
    feathered = changed("--mask mask.png --feather 3")
    assert feathered[~mask].any()
    assert not feathered[:6].any()


def test_a_folder_of_photos_and_a_folder_of_masks(remend: Remend):
    save("in/a.jpg")
    save("in/b.png", scene(60, 50))
    save("in/c.png")
    save_mask("masks/a.png")
    save_mask("masks/b.mask.png")
    done = remend("fill in --mask masks -o out --json")
    assert done.code == 1
    assert [entry["status"] for entry in done.objects] == ["done", "failed", "failed"]
    assert done.objects[0]["mask"] == "masks/a.png"
    assert "48 x 40 px, the photo 60 x 50 px" in done.objects[1]["reason"]
    assert "c.mask.png, or c.png" in done.objects[2]["reason"]
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.jpg", "remend-manifest.jsonl"]
    assert "1 done, 2 failed in" in done.err


def test_one_mask_for_a_folder(remend: Remend):
    save("in/a.png")
    save("in/b.webp", lossless=True)
    save_mask("mask.png")
    assert remend("fill in --mask mask.png -o out").code == 0
    assert Image.open("out/a.png").size == Image.open("out/b.webp").size == (48, 40)


def test_an_empty_mask_gives_the_photo_back_and_says_so(remend: Remend):
    photo = save("photo.jpg", quality=60)
    save_mask("mask.png", value=0)
    done = remend("fill photo.jpg --mask mask.png -o same.jpg")
    assert done.code == 0
    assert Path("same.jpg").read_bytes() == photo.read_bytes()
    assert "note: " in done.err
    assert "mask is empty" in done.err.lower()
    done = remend("fill photo.jpg --mask mask.png -o same.png --json --quiet")
    assert (load("same.png") == load("photo.jpg")).all()
    assert "mask is empty" in " ".join(done.objects[0]["notes"]).lower()
    assert done.err == ""


def test_the_names_of_other_programs_serve(remend: Remend):
    save("photo.png")
    save_mask("mask.png")
    assert remend("fill --image photo.png --mask mask.png --output out --device cpu").code == 0
    expected = load("out/photo.png")
    assert remend("fill -i photo.png --mask mask.png -o b.png -n fill -g -1").code == 0
    assert (load("b.png") == expected).all()
    assert remend("upscale -i photo.png -o c.png -n x2-fidelity -s 2 -t 0 -g -1 -f png").code == 0
    assert load("c.png").shape == (80, 96, 3)


# upscale


def test_upscale_to_four_times_by_default(remend: Remend):
    save("photo.jpg")
    assert remend("upscale photo.jpg -o out").code == 0
    assert Image.open("out/photo.jpg").size == (192, 160)


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ("-s 2", (96, 80)),
        ("-s1.5", (72, 60)),
        ("--scale 3", (144, 120)),
        ("-s 8", (384, 320)),
        ("--width 100", (100, 83)),
        ("--height 80", (96, 80)),
        ("--width 100 --height 60", (72, 60)),
        ("--megapixels 0.00768", (96, 80)),
    ],
)
def test_sizes(remend: Remend, options: str, size: tuple[int, int]):
    save("photo.png")
    assert remend(f"upscale photo.png -o big.png {options}").code == 0
    assert Image.open("big.png").size == size


def test_a_photo_of_one_pixel_is_upscaled(remend: Remend):
    save("dot.png", np.full((1, 1, 3), 77, np.uint8))
    assert remend("upscale dot.png -o big.png").code == 0
    assert Image.open("big.png").size == (4, 4)


def test_formats_quality_suffix_and_metadata(remend: Remend):
    exif = Image.Exif()
    exif[0x010E] = "A scene"
    save("photo.jpg", exif=exif, dpi=(300, 300))
    assert remend("upscale photo.jpg -o out -s 2 --suffix _x2").code == 0
    kept = Image.open("out/photo_x2.jpg")
    assert kept.getexif()[0x010E] == "A scene"
    assert kept.info["dpi"] == (300, 300)
    assert remend("upscale photo.jpg -o out -s 2 --strip-metadata --quality 20 -f webp").code == 0
    assert not Image.open("out/photo.webp").getexif()
    assert Path("out/photo.webp").stat().st_size < Path("out/photo_x2.jpg").stat().st_size
    assert remend("upscale photo.jpg -o out -s 2 -f tiff").code == 0
    assert Image.open("out/photo.tiff").format == "TIFF"


def test_restore_fills_then_enlarges(remend: Remend):
    save("photo.png")
    save_mask("mask.png")
    assert remend("fill photo.png --mask mask.png -o filled.png").code == 0
    assert remend("upscale filled.png -o both.png -s 2").code == 0
    assert remend("restore photo.png --mask mask.png -o once.png -s 2").code == 0
    assert Path("once.png").read_bytes() == Path("both.png").read_bytes()
    save("in/a.png")
    save("in/b.png", scene(60, 50))
    done = remend("restore in --mask mask.png -o out -s 2 --json --resume")
    assert [entry["status"] for entry in done.objects] == ["done", "failed"]
    again = remend("restore in --mask mask.png -o out -s 2 --json --resume")
    assert [entry["status"] for entry in again.objects] == ["skipped", "failed"]


def test_options_of_realesrgan_serve(remend: Remend):
    save("photo.png")
    done = remend(
        "upscale -i photo.png -o a.png -n x2-fast -s 2 -t 0 -g -1 -x -dn 0.7 -j 1:2:2 -f png"
    )
    assert done.code == 0
    assert "not told how much to denoise" in done.err
    assert remend("upscale photo.png -o b.png -n x2-fast -s 2 --tta").code == 0
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


def test_a_model_that_is_told_how_much_to_denoise(remend: Remend):
    config = {"scale": 2, "width": 8, "blocks": 1, "denoise": True}
    torch.manual_seed(3)
    card = Card("upscale", "upscale", config, "told", 2)
    network = build_network("upscale", config)
    torch.nn.init.normal_(network.get_parameter("kept_noise"))  # nought before training
    save_network(Path("told.safetensors"), network, card)
    save("in/photo.png")

    def denoised(options: str) -> bytes:
        done = remend(f"upscale in -s 2 -n ./told.safetensors -o out --resume --json {options}")
        assert (done.code, [entry["status"] for entry in done.objects]) == (0, ["done"])
        assert "notes" not in done.objects[0]
        return Path("out/photo.png").read_bytes()

    plain = denoised("")
    none, all_of_it = denoised("--denoise 0"), denoised("--denoise 1")
    assert len({plain, none, all_of_it}) == 3
    assert denoised("-dn 0.5 --tile 0") == plain
    save_mask("mask.png", value=0)
    restored = remend(
        "restore in/photo.png --mask mask.png -n ./told.safetensors -s 2 -dn 1 -o r.png"
    )
    assert restored.code == 0
    assert Path("r.png").read_bytes() == all_of_it


def test_a_dry_run_says_what_it_takes(remend: Remend):
    save("in/a.jpg")
    Path("in/bad.png").write_text("no picture")
    done = remend("upscale in -o out --dry-run --json")
    good, bad = done.objects
    assert (good["width"], good["height"]) == (192, 160)
    assert good["memory_bytes"] > good["output_bytes"] > 1000
    assert "It will fail" in bad["notes"][0]
    assert re.search(r"1 to do, about .* of memory, .* on disk", done.err)


def test_a_batch_goes_on_past_what_fails_and_resumes(remend: Remend):
    save("in/a.jpg")
    save("in/deep/b.png")
    Path("in/text.png").write_text("no picture")
    whole = save("in/cut.jpg", scene(200, 200), quality=95).read_bytes()
    Path("in/cut.jpg").write_bytes(whole[: len(whole) // 2])
    Path("in/readme.txt").write_text("ignored")
    done = remend("upscale in -r -s 2 -o out --json")
    assert done.code == 1
    statuses = {entry["input"]: entry["status"] for entry in done.objects}
    assert statuses == {
        "in/a.jpg": "done",
        "in/cut.jpg": "failed",
        "in/deep/b.png": "done",
        "in/text.png": "failed",
    }
    complaints = [line for line in done.err.splitlines() if line.startswith("remend: ")]
    assert len(complaints) == 2
    assert "2 done, 2 failed in" in done.err.splitlines()[-1]
    assert sorted(path.as_posix() for path in Path("out").rglob("*.*")) == [
        "out/a.jpg",
        "out/deep/b.png",
        "out/remend-manifest.jsonl",
    ]

    record = Path("out/remend-manifest.jsonl").read_text()
    lines = [json.loads(line) for line in record.splitlines()]
    assert [line["output"] for line in lines] == ["a.jpg", "cut.jpg", "deep/b.png", "text.png"]
    assert {"input_bytes", "input_mtime_ns", "settings", "seconds"} <= set(lines[3])
    assert "text.png" in lines[3]["reason"]

    save("in/text.png")
    again = remend("upscale in -r -s 2 -o out --json --resume --quiet")
    assert [entry["status"] for entry in again.objects] == ["skipped", "failed", "skipped", "done"]
    other = remend("upscale in -r -s 1.5 -o out --json --resume --quiet --on-error stop")
    assert [entry["status"] for entry in other.objects] == ["done", "failed"]
    skipped = remend("upscale in -r -s 2 -o out --json --skip-existing --quiet")
    assert [entry["status"] for entry in skipped.objects] == [
        "skipped",
        "failed",
        "skipped",
        "skipped",
    ]


def test_a_dry_run_prints_the_plan(remend: Remend):
    save("in/a.jpg")
    save("in/b.bmp")
    done = remend("upscale in -o out --dry-run")
    assert done.code == 0
    assert done.out == f"{Path('in/a.jpg')} -> {Path('out/a.jpg')}\nin/b.bmp -> out/b.png\n"
    assert not Path("out").exists()


def test_a_list_on_stdin(remend: Remend, monkeypatch: pytest.MonkeyPatch):
    save("a b.png")
    monkeypatch.setattr(sys, "stdin", io.StringIO("a b.png\n"))
    assert remend("upscale - -s 2 -o out").code == 0
    assert Image.open("out/a b.png").size == (96, 80)


def test_the_same_photo_gives_the_same_bytes_alone_and_in_a_batch(remend: Remend):
    save("in/a.png")
    assert remend("upscale in/a.png -s 2 -o alone.png").code == 0
    assert remend("upscale in -s 2 -o out").code == 0
    assert Path("alone.png").read_bytes() == Path("out/a.png").read_bytes()


def test_tiles(remend: Remend):
    save("photo.png", scene(100, 90))
    for tile in ("0", "48", "auto"):
        assert remend(f"upscale photo.png -s 2 -o tile{tile}.png --tile {tile}").code == 0
    whole = load("tile0.png").astype(int)
    assert np.abs(load("tile48.png") - whole).max() <= 1
    assert np.abs(load("tileauto.png") - whole).max() <= 1


# What goes wrong: one sentence, the right exit code, nothing written


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
        "The scale 0 is out of range; choose 1.5 to 8",
    ),
    "scale 20": ("upscale photo.png -s 20 -o out.png", "The scale 20 is out of range"),
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
def trouble(tiny_weights: Path) -> None:
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
    assert "--device auto" in outcome.err


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

    monkeypatch.setattr("app.shelf.list_models", fail)
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


# models, doctor, train


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
    assert report.out.count("good") == 3


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
    assert peek(Path("run/ema.safetensors")).images_seen == 16
    open_network(Path("run/ema.safetensors"))

    again = remend("train", "tiny", *data, "--out", "run", *TINY)
    assert again.code == 2
    assert "--resume" in again.err.splitlines()[-1]
    longer = ("--set", "images=24", *TINY[2:])
    assert remend("train", "tiny", *data, "--out", "run", "--resume", *longer).code == 0
    assert peek(Path("run/ema.safetensors")).images_seen == 24
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
    for module in ("app.training_run", "training.events"):
        monkeypatch.setattr(f"{module}.has_tensorboard", lambda: False)
    settings = ("--set", "images=8", "--set", "data.crop=32", "--set", "data.held_out=1")
    data = [word for path in photo_files for word in ("--data", path)]
    done = remend("train", "tiny", *data, "--out", "run", "--set", "run.compile=true", *settings)
    assert done.code == 0, done.err
    assert "run.compile = true is not possible here (No working C++ compiler found);" in done.err
    assert "TensorBoard is not installed" in done.err
    assert Path("run/ema.safetensors").is_file() and not list(Path("run").glob("events*"))


# Processes


def start(*words: str | Path, **how: Any) -> subprocess.Popen[str]:
    program = Path(__file__).parents[1] / "remend.py"
    return subprocess.Popen(
        [sys.executable, program, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        # A shell may have started these tests with interrupts ignored, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **how,
    )


def wait_for(process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 180
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_batch_leaves_whole_files(number: signal.Signals):
    for index in range(200):
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
    assert 3 <= len(pictures) < 200
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
    assert peek(Path("run/ema.safetensors")).images_seen >= seen > 0
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
