"""How well damage is found: drawn damage, clean photos, old photos, and time.

    python -m benchmarks.damage drawn PHOTOS... [--model NAME|PATH] [--every N]
    python -m benchmarks.damage clean PHOTOS...
    python -m benchmarks.damage truth OLD_PHOTOS
    python -m benchmarks.damage old PHOTOS... --sheet FOLDER
    python -m benchmarks.damage speed

``drawn`` damages clean photos with `benchmarks.damage.drawings`, whose shapes no training has seen. ``truth``
is about the scratched photos whose damage was drawn by hand, in ``truth.json``. ``old`` fills what is
found, and writes strips of before, found and after to look at. The classical finder is the baseline. Tables
are markdown.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.damage.classical import propose_mask
from benchmarks.damage.drawings import DRAWINGS, draw_damage
from benchmarks.quality import load_filler
from remend.app.engine.catalogue import find_model
from remend.models.device import choose_placement
from remend.models.imaging.files import is_picture_name, read_picture
from remend.models.imaging.picture import Picture, to_8_bit
from remend.models.inference.restorer import DamageFinder, load_restorer

Find = Callable[[Picture], NDArray[np.bool_]]
DRAWN_PX = 2
"""A drawn pixel counts as found, and a found one as right, within this distance."""
Truth = dict[str, list[list[int]]]
"""``lines``: width in px, then corners x, y; ``areas`` and ``either``: corners of polygons."""
TRUTH = Path(__file__).with_name("truth.json")
HAND_PX = 3
"""The same for masks drawn by hand."""


def load_finder(model: str) -> DamageFinder:
    """A damage network by name or path."""
    finder = load_restorer(find_model(model, "damage"), choose_placement())
    assert isinstance(finder, DamageFinder)
    return finder


def finders(model: str, sensitivity: float) -> dict[str, Find]:
    """Ours and the classical one."""
    ours = load_finder(model)
    return {
        "classical": lambda picture: propose_mask(picture, sensitivity).values > 0,
        model: lambda picture: ours.look(picture).mask(sensitivity).values > 0,
    }


def photos(paths: Sequence[Path], every: int = 1) -> Iterator[tuple[str, Picture]]:
    """Every so many-th photo of files and folders, by name."""
    files: list[Path] = []
    for path in paths:
        inside = sorted(filter(is_picture_name, path.iterdir())) if path.is_dir() else [path]
        files += [file for file in inside if isinstance(file, Path)]
    for file in files[::every]:
        yield file.stem, read_picture(file)


def _near(marked: NDArray[np.bool_], px: int) -> NDArray[np.bool_]:
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * px + 1, 2 * px + 1))
    return np.asarray(cv2.dilate(marked.astype(np.uint8), ellipse)) > 0


class Tally:
    """Pixels found and missed over many photos."""

    def __init__(self, px: int) -> None:
        self._px = px
        self._right = self._found = self._reached = self._true = 0

    def add(self, found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> None:
        """Count a photo."""
        self._right += int((found & _near(truth, self._px)).sum())
        self._found += int(found.sum())
        self._reached += int((truth & _near(found, self._px)).sum())
        self._true += int(truth.sum())

    @property
    def recall(self) -> float:
        """Share of the damage that is found."""
        return self._reached / max(1, self._true)

    @property
    def precision(self) -> float:
        """Share of what is found that is damage."""
        return self._right / max(1, self._found)

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        return 2 * self.recall * self.precision / max(1e-9, self.recall + self.precision)


def tally_drawn(
    methods: Mapping[str, Find], paths: Sequence[Path], every: int
) -> tuple[dict[str, Tally], dict[tuple[str, str], Tally]]:
    """Drawn damage found by each method, in all and by kind, (kind, method)."""
    whole = {name: Tally(DRAWN_PX) for name in methods}
    kinds = {(kind, name): Tally(DRAWN_PX) for kind in DRAWINGS for name in methods}
    for number, (_, picture) in enumerate(photos(paths, every)):
        for place, kind in enumerate(DRAWINGS):
            drawn = draw_damage(to_8_bit(picture.rgb), kind, 1000 * place + number)
            for name, find in methods.items():
                found = find(Picture(drawn.photo))
                whole[name].add(found, drawn.damaged)
                kinds[kind, name].add(found, drawn.damaged)
    return whole, kinds


def measure_drawn(arguments: argparse.Namespace) -> None:
    """Print F1, precision and recall on drawn damage, and recall by kind."""
    methods = finders(arguments.model, arguments.sensitivity)
    whole, kinds = tally_drawn(methods, arguments.photos, arguments.every)
    print("| finder | F1 | precision | recall | " + " | ".join(DRAWINGS) + " |")
    print("| --- |" + " ---: |" * (3 + len(DRAWINGS)))
    for name, tally in whole.items():
        recalls = " | ".join(f"{kinds[kind, name].recall:.2f}" for kind in DRAWINGS)
        print(
            f"| {name} | {tally.f1:.3f} | {tally.precision:.3f} | {tally.recall:.3f} | {recalls} |"
        )


def share_marked(
    methods: Mapping[str, Find], paths: Sequence[Path], every: int
) -> dict[str, list[tuple[float, str]]]:
    """Share of the pixels of each clean photo that each method marks, with the photo's name."""
    shares: dict[str, list[tuple[float, str]]] = {name: [] for name in methods}
    for stem, picture in photos(paths, every):
        for name, find in methods.items():
            shares[name].append((float(find(picture).mean()), stem))
    return shares


def measure_clean(arguments: argparse.Namespace) -> None:
    """Print the share of the pixels of clean photos that are marked, and the worst photos."""
    methods = finders(arguments.model, arguments.sensitivity)
    shares = share_marked(methods, arguments.photos, arguments.every)
    print("| finder | marked, mean | worst |\n| --- | ---: | --- |")
    for name, marked in shares.items():
        worst = ", ".join(f"{stem} {share:.1%}" for share, stem in sorted(marked)[:-4:-1])
        print(f"| {name} | {np.mean([share for share, _ in marked]):.3%} | {worst} |")


def draw_truth(
    by_hand: Truth, size: tuple[int, int]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where the damage is, and where (beyond the print's edge) marking it is neither right nor wrong."""
    drawn, either = (np.zeros(size[::-1], np.uint8) for _ in range(2))
    for width, *numbers in by_hand["lines"]:
        cv2.polylines(drawn, [np.reshape(numbers, (-1, 2)).astype(np.int32)], False, 1, width)
    for canvas, key in ((drawn, "areas"), (either, "either")):
        for numbers in by_hand[key]:
            cv2.fillPoly(canvas, [np.reshape(numbers, (-1, 2)).astype(np.int32)], 1)
    return drawn > 0, (either > 0) & (drawn == 0)


def measure_truth(arguments: argparse.Namespace) -> None:
    """Recall and precision on old photos with masks drawn by hand."""
    methods = finders(arguments.model, arguments.sensitivity)
    by_hand: dict[str, Truth] = json.loads(TRUTH.read_text("utf-8"))
    whole = {name: Tally(HAND_PX) for name in methods}
    for stem, picture in photos(arguments.photos):
        if stem not in by_hand:
            continue
        truth, either = draw_truth(by_hand[stem], picture.size)
        for name, find in methods.items():
            tally = Tally(HAND_PX)
            found = find(picture) & ~either
            tally.add(found, truth)
            whole[name].add(found, truth)
            print(f"{stem}, {name}: recall {tally.recall:.2f}, precision {tally.precision:.2f}")
    for name, tally in whole.items():
        print(f"all, {name}: recall {tally.recall:.3f}, precision {tally.precision:.3f}")


def draw_sheets(arguments: argparse.Namespace) -> None:
    """Strips of before, found and after of every photo."""
    finder, fill = load_finder(arguments.model), load_filler("fill")
    arguments.sheet.mkdir(parents=True, exist_ok=True)
    for stem, picture in photos(arguments.photos, arguments.every):
        damage = finder.look(picture)
        mask, count = damage.mask_and_count(arguments.sensitivity)
        print(f"{stem}: {count.scratches} scratches, {count.spots} spots, {count.share:.2%} marked")
        rgb = to_8_bit(picture.rgb)
        shown = np.where(mask.values[..., None] > 0, np.array((255, 0, 0), np.uint8), rgb // 2 + 60)
        mended = rgb if mask.is_empty else fill(rgb, mask.values)
        strip = np.hstack((rgb, shown.astype(np.uint8), mended))
        Image.fromarray(strip).save(arguments.sheet / f"{stem}.png")


def measure_speed(arguments: argparse.Namespace) -> None:
    """Seconds for 12 megapixels, and the most memory that this process has taken."""
    finder = load_finder(arguments.model)
    dice = np.random.default_rng(0)
    soft = cv2.resize(dice.integers(0, 256, (60, 80, 3), np.uint8), (4000, 3000))
    picture = Picture(np.asarray(soft, np.uint8))
    seconds: list[float] = []
    for _ in range(4):
        begin = time.perf_counter()
        finder.look(picture).mask(0.5)
        seconds.append(time.perf_counter() - begin)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"12 MP: {min(seconds[1:]):.2f} s, peak {peak:.0f} MB")


TASKS = {
    "drawn": measure_drawn,
    "clean": measure_clean,
    "truth": measure_truth,
    "old": draw_sheets,
    "speed": measure_speed,
}


def main() -> None:
    """Read the arguments, measure."""
    parser = argparse.ArgumentParser(description="How well damage is found.")
    parser.add_argument("task", choices=list(TASKS))
    parser.add_argument("photos", nargs="*", type=Path)
    parser.add_argument("--model", default="damage")
    parser.add_argument("--sensitivity", type=float, default=0.5)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--sheet", type=Path, help="folder for strips to look at")
    arguments = parser.parse_args()
    TASKS[arguments.task](arguments)
