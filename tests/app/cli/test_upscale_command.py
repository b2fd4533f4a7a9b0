"""``remend upscale`` and ``restore`` as a person types them: what is written, what is printed, the exit code.

The networks are small and random: what they paint is not looked at, only how large it is and how it is
reported.
"""

import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from remend.models.checkpoints.checkpoint import Card, save_network
from remend.models.checkpoints.registry import build_network
from tests.helpers.commands import Remend, load, save, save_mask, scene
from tests.helpers.images import open_image

pytestmark = pytest.mark.usefixtures("here")


def test_upscale_to_four_times_by_default(remend: Remend):
    save("photo.jpg")
    assert remend("upscale photo.jpg -o out").code == 0
    assert open_image("out/photo.jpg").size == (192, 160)


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
    assert open_image("big.png").size == size


def test_a_photo_of_one_pixel_is_upscaled(remend: Remend):
    save("dot.png", np.full((1, 1, 3), 77, np.uint8))
    assert remend("upscale dot.png -o big.png").code == 0
    assert open_image("big.png").size == (4, 4)


def test_formats_quality_suffix_and_metadata(remend: Remend):
    exif = Image.Exif()
    exif[0x010E] = "A scene"
    save("photo.jpg", exif=exif, dpi=(300, 300))
    assert remend("upscale photo.jpg -o out -s 2 --suffix _x2").code == 0
    kept = open_image("out/photo_x2.jpg")
    assert kept.getexif()[0x010E] == "A scene"
    assert kept.info["dpi"] == (300, 300)
    assert remend("upscale photo.jpg -o out -s 2 --strip-metadata --quality 20 -f webp").code == 0
    assert not open_image("out/photo.webp").getexif()
    assert Path("out/photo.webp").stat().st_size < Path("out/photo_x2.jpg").stat().st_size
    assert remend("upscale photo.jpg -o out -s 2 -f tiff").code == 0
    assert open_image("out/photo.tiff").format == "TIFF"


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
    assert "denoising cannot be set" in done.err
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
    assert done.code == 1
    assert (good["status"], bad["status"]) == ("planned", "will_fail")
    assert (good["width"], good["height"]) == (192, 160)
    assert good["memory_bytes"] > good["output_bytes"] > 1000
    assert good["estimated_seconds"] >= 0
    assert "not a picture" in bad["reason"]
    assert "remend: in/bad.png is not a picture" in done.err
    assert "1 of 2 will fail" in done.err
    assert re.search(r"1 to do, about .* of memory, .* on disk", done.err)


def test_a_dry_run_finds_what_only_the_pixels_show_and_what_a_format_cannot_hold(remend: Remend):
    whole = save("in/cut.jpg", scene(200, 200), quality=95).read_bytes()
    Path("in/cut.jpg").write_bytes(whole[: len(whole) // 2])
    save("in/wide.png", scene(6000, 2))
    save("in/deep.png", np.full((8, 8), 40_000, np.uint16))
    done = remend("upscale in -o out -f webp --dry-run --json")
    assert done.code == 1 and not Path("out").exists()
    cut, deep, wide = done.objects
    assert cut["status"] == wide["status"] == "will_fail"
    assert "24000 x 8 pixels do not fit into WEBP, whose sides end at 16383" in wide["reason"]
    assert deep["status"] == "planned"
    assert deep["notes"] == ["WebP holds 8 bits per colour; 16 bits are rounded."]
    really = remend("upscale in -o out -f webp --json")
    assert [entry["status"] for entry in really.objects] == ["failed", "done", "failed"]
    assert really.objects[2]["reason"] == wide["reason"] and really.objects[2]["seconds"] < 0.1


def test_what_a_format_cannot_hold_is_said_once_and_before_any_work(remend: Remend):
    save("in/flat.jpg", scene(9, 8))
    save("in/later.png", np.full((8, 8), 40_000, np.uint16))
    done = remend("upscale in -o out -f jpg")
    loss = "note: later.png: JPEG holds 8 bits per colour; 16 bits are rounded. Stop and write PNG"
    assert done.code == 0 and done.err.count("16 bits") == 1
    assert done.err.index(loss) < done.err.index("flat.jpg -> ")


@pytest.mark.parametrize("option", ["", "--dry-run"])
def test_a_result_too_long_for_its_format_is_refused_before_any_work(remend: Remend, option: str):
    save("pano.png", scene(17_000, 2))
    save_mask("mask.png", 17_000, 2)
    for command in ("upscale pano.png", "restore pano.png --mask mask.png"):
        done = remend(f"{command} -o out.jpg {option}")
        assert done.code == 2 and "do not fit into JPEG, whose sides end at 65500" in done.err
    done = remend(f"fill pano.png --mask mask.png -o out.webp {option}")
    assert done.code == 2 and "do not fit into WEBP" in done.err
    assert not list(Path().glob("out*"))


def test_clashes_are_numbered_and_the_numbers_resume(remend: Remend):
    save("one/a.png")
    save("two/a.png", scene(seed=2))
    done = remend("upscale one two -o out --on-clash refuse")
    assert done.code == 2
    assert "--on-clash refuse refuses this: one/a.png and two/a.png would both" in done.err
    done = remend("upscale one two -o out -s 2 --on-clash suffix")
    assert done.code == 0
    assert (load("out/a.png") != load("out/a-2.png")).any()
    again = remend("upscale one two -o out -s 2 --on-clash suffix --resume --json")
    assert [entry["status"] for entry in again.objects] == ["skipped", "skipped"]


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
    assert open_image("out/a b.png").size == (96, 80)


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
