"""``remend fill`` as a person types it: what is written, what is printed, and the exit code.

The networks are small and random: what they paint is not looked at, only where and how it is reported.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.commands import Remend, load, save, save_mask, scene
from tests.helpers.images import open_image

pytestmark = pytest.mark.usefixtures("here")


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


def test_a_value_that_is_wrong_for_one_photo_is_named_by_its_flag(remend: Remend):
    save("photo.png")
    save_mask("mask.png")
    done = remend("fill photo.png --mask mask.png -o out.png --feather 900")
    assert done.code == 1
    assert "--feather 900 reaches every pixel" in done.err and "feather=" not in done.err


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
    assert open_image("out/a.png").size == open_image("out/b.webp").size == (48, 40)


def test_a_soft_rim_is_filled_wholly_and_in_shares_where_that_is_asked(remend: Remend):
    save("photo.png")
    rim = load(save_mask("mask.png")).copy()
    rim[9], rim[20] = rim[10] // 8, rim[19] // 2
    save("soft.png", rim)
    save("hard.png", np.where(rim > 15, 255, 0).astype(np.uint8))
    for name, option in (("soft", ""), ("hard", ""), ("shares", "--soft-mask")):
        mask = "soft" if name == "shares" else name
        done = remend(f"fill photo.png --mask {mask}.png -o out-{name}.png {option}")
        assert done.code == 0
    assert (load("out-soft.png") == load("out-hard.png")).all()
    before, hard, shares = (
        load(name)[20, 12:30].astype(int)
        for name in ("photo.png", "out-hard.png", "out-shares.png")
    )
    assert abs(shares - (before + 128 / 255 * (hard - before))).max() <= 1


def test_how_a_mask_was_understood_is_noted_with_the_options_name(remend: Remend):
    save("photo.png")
    hole = load(save_mask("mask.png"))
    save("red.png", np.dstack((hole, 0 * hole, 0 * hole)))
    done = remend("fill photo.png --mask red.png -o out.png --json")
    assert "colours" in done.objects[0]["notes"][0] and "note: The mask has colours" in done.err
    save("wide.png", np.maximum(hole, np.uint8(255) * (np.arange(40) > 1)[:, None]))
    done = remend("fill photo.png --mask wide.png -o out.png --json")
    assert done.code == 0
    assert done.objects[0]["notes"][0].endswith("invert the mask (--invert-mask).")


def test_a_mask_of_two_meanings_is_refused_before_any_work(remend: Remend):
    save("photo.png")
    hole = load(save_mask("mask.png"))
    save("black.png", np.dstack((0 * hole, 0 * hole, 0 * hole, 255 - hole)))
    done = remend("fill photo.png --mask black.png -o out/")
    assert done.code == 2 and not Path("out").exists()
    assert "can mean two things" in done.err
    save("in/photo.png")
    save("in/other.png")
    done = remend("fill in --mask black.png -o out/")
    assert done.code == 1 and done.err.count("can mean two things") == 2


def test_a_copy_of_the_photo_from_which_the_damage_was_erased(remend: Remend):
    save("photo.png")
    hole = load(save_mask("mask.png"))
    save("erased.png", np.dstack((scene(), 255 - hole)))
    assert remend("fill photo.png --mask mask.png -o one.png").code == 0
    assert remend("fill photo.png --mask erased.png -o other.png").code == 0
    assert (load("one.png") == load("other.png")).all()


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


def test_auto_takes_the_users_network_for_thick_holes(
    here: Path, remend: Remend, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
):
    (here / "big.safetensors").write_bytes((tiny_weights / "fill.safetensors").read_bytes())
    save("photo.png", scene(300, 200))
    hole = np.zeros((200, 300), np.uint8)
    hole[20:180, 40:43] = 255
    hole[40:160, 150:270] = 255
    save("mask.png", hole)
    command = "fill photo.png --mask mask.png -o out.png --model auto --json --device cpu"
    (line,) = remend(command).objects
    assert any("No model for thick holes" in note for note in line["notes"])
    chosen = "remend.app.batch.requests.thick_hole_model"
    monkeypatch.setattr(chosen, lambda: str(here / "big.safetensors"))
    (line,) = remend(command).objects
    assert any(note.startswith("Filled: 1 thick hole by fill and") for note in line["notes"]), line
