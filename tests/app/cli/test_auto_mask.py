"""Albums that repair themselves: ``--mask auto``, what it finds, what it says, what it leaves alone.

The fill is small and random here; the network that finds damage is the shipped one.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import remend
from remend.app.batch.fill_work import describe_damage
from remend.models.inference.damage import DamageCount
from tests.helpers.commands import Remend, load, only_sentence, save
from tests.helpers.prints import print_of

pytestmark = pytest.mark.usefixtures("here")


def test_an_album_is_repaired_in_one_command(remend: Remend):
    damaged, where = print_of()
    save("album/damaged.png", damaged)
    save("album/whole.jpg", print_of(5, scratched=False)[0], quality=95)
    done = remend("fill album --mask auto -o out --save-masks masks")
    assert done.code == 0, done.err
    changed = (load("out/damaged.png") != damaged).any(-1)
    assert changed[where].mean() > 0.9
    assert changed[~where].mean() < 0.1
    mask = load("masks/damaged.png")
    assert set(np.unique(mask)) == {0, 255}
    assert not changed[mask == 0].any()
    assert Path("out/whole.jpg").read_bytes() == Path("album/whole.jpg").read_bytes()
    lines = map(json.loads, Path("out/remend-manifest.jsonl").read_text().splitlines())
    notes = {Path(line["input"]).name: " ".join(line["notes"]) for line in lines}
    assert notes["damaged.png"].startswith("Damage was found: 1 scratch")
    assert "% of the photo." in notes["damaged.png"]
    assert notes["whole.jpg"] == "No damage was found."


def test_the_masks_that_were_saved_give_the_same_again(remend: Remend):
    save("album/photo.png", print_of()[0])
    assert remend("fill album --mask auto -o out --save-masks masks --grow 2").code == 0
    assert remend("fill album --mask masks -o again").code == 0
    assert (load("out/photo.png") == load("again/photo.png")).all()


def test_a_second_run_goes_on_and_another_sensitivity_does_not(remend: Remend):
    save("album/photo.png", print_of()[0])
    assert remend("fill album --mask auto -o out").code == 0
    again = remend("fill album --mask auto -o out --resume --json")
    assert [line["status"] for line in again.objects] == ["skipped"]
    other = remend("fill album --mask auto --sensitivity 0.7 -o out --resume --json")
    assert [line["status"] for line in other.objects] == ["done"]


def test_what_is_found_is_filled_and_then_enlarged(remend: Remend):
    damaged, where = print_of()
    save("photo.png", damaged)
    assert remend("restore photo.png --mask auto -o out.png -s 2 --save-masks masks").code == 0
    assert load("out.png").shape == (384, 512, 3)
    assert (load("masks/photo.png")[where] > 0).mean() > 0.9


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (
            DamageCount(3, 87, 0.021),
            "Damage was found: 3 scratches and 87 spots, 2.1% of the photo.",
        ),
        (DamageCount(1, 0, 0.004), "Damage was found: 1 scratch, 0.4% of the photo."),
        (
            DamageCount(0, 1, 0.18),
            "Damage was found: 1 spot, 18.0% of the photo, which is much: look at the result.",
        ),
        (DamageCount(0, 0, 0.0), "No damage was found."),
    ],
)
def test_what_was_found_is_a_sentence(count: DamageCount, sentence: str):
    assert describe_damage(count) == sentence


REFUSED = {
    "sensitivity without auto": ("--mask mask.png --sensitivity 0.4", "is for --mask auto"),
    "sensitivity out of range": ("--mask auto --sensitivity 2", "0 to 1"),
    "inverted": ("--mask auto --invert-mask", "the program finds them"),
    "soft": ("--mask auto --soft-mask", "the program finds them"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_means_nothing_together_is_refused(case: str, remend: Remend):
    given, sentence = REFUSED[case]
    save("photo.png", print_of()[0])
    save("mask.png", print_of()[1].astype(np.uint8) * 255)
    refused = remend(f"fill photo.png -o out.png {given}")
    assert refused.code == 2
    assert sentence in only_sentence(refused)
    assert not Path("out.png").exists()


def test_masks_are_not_written_over_each_other_or_over_photos(remend: Remend):
    for name in ("a.png", "a.jpg"):
        save(f"album/{name}", print_of()[0])
    for folder in ("masks", "album"):
        refused = remend(f"fill album --mask auto -o out --save-masks {folder}")
        assert refused.code == 2
        assert "--save-masks" in only_sentence(refused)
        assert not Path("masks").exists()
    numbered = remend("fill album --mask auto -o out --save-masks masks --on-clash suffix")
    assert numbered.code == 0
    assert sorted(path.name for path in Path("masks").iterdir()) == ["a.png", "a.png.png"]
    again = remend("fill album --mask masks -o again --json")
    assert again.code == 0, again.err


def test_python_finds_and_fills_what_is_damaged():
    damaged, where = print_of()
    mask = remend.find_damage(damaged)
    assert (mask.shape, mask.dtype) == ((192, 256), np.uint8)
    assert (mask[where] > 0).mean() > 0.9
    assert isinstance(remend.find_damage(Image.fromarray(damaged)), Image.Image)
    filled = remend.fill(damaged, "auto")
    assert (filled[mask == 0] == damaged[mask == 0]).all()
    assert (filled != damaged).any()
    less = remend.find_damage(damaged, sensitivity=0.1)
    assert (less > mask).mean() < 0.001  # a patch that grows too wide is left out
    with pytest.raises(remend.RequestError, match="sensitivity"):
        remend.find_damage(damaged, sensitivity=3)
    with pytest.raises(remend.RequestError, match="auto"):
        remend.fill(damaged, mask, sensitivity=0.5)
