"""Quality of our weights beside classical methods, on the same pictures in one run.

    python benchmarks/quality.py fill DATA... [--model NAME|PATH ...] [--stlpips] [--sheet FILE.png]
    python benchmarks/quality.py upscale DATA... --scale 4 [--model NAME|PATH ...] [--stlpips]

``fill`` wants folders with ``truth/NAME.*`` and ``mask/NAME_FAMILY.png`` (white = hole); every family is
a row of its own, scored over the whole picture. ``upscale`` wants folders of originals; the small inputs
are made by Pillow's bicubic, and a border of ``scale`` pixels is left out. Prints a markdown table.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from app.catalogue import find_model
from benchmarks.stlpips import perceptual_distance
from models.device import choose_placement
from models.restorer import Inpainter, Upscaler, load_restorer
from training import evaluate
from training.evaluate import Case, Pixels


def load_filler(model: str) -> evaluate.Filler:
    """A fill model by name or path."""
    restorer = load_restorer(find_model(model, "fill"), choose_placement())
    assert isinstance(restorer, Inpainter)
    return evaluate.our_filler(restorer)


def load_enlarger(model: str) -> evaluate.Enlarger:
    """An upscaling model by name or path."""
    restorer = load_restorer(find_model(model, "upscale"), choose_placement())
    assert isinstance(restorer, Upscaler)
    return evaluate.our_enlarger(restorer)


class Sheet:
    """A dozen cases side by side: input, every method, truth."""

    def __init__(self, cases: int) -> None:
        self.every, self.strips = max(1, cases // 12), list[Pixels]()

    def add(self, number: int, case: Case, outputs: dict[str, Pixels]) -> None:
        """Take a case's pictures in if it is its turn."""
        if number % self.every:
            return
        given = case.truth
        if case.mask is not None:
            given = np.where(case.mask[..., None] == 255, np.uint8(127), case.truth)
        tiles = [cv2.resize(tile, (256, 256)) for tile in (given, *outputs.values(), case.truth)]
        self.strips.append(np.asarray(np.hstack(tiles), np.uint8))

    def save(self, file: Path) -> None:
        """Write the sheet."""
        Image.fromarray(np.vstack(self.strips)).save(file)


def main() -> None:
    """Read the arguments, print the table."""
    parser = argparse.ArgumentParser(description="Quality beside classical methods, in one run.")
    parser.add_argument("task", choices=["fill", "upscale"])
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--stlpips", action="store_true")
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    extra = {"ST-LPIPS": perceptual_distance} if arguments.stlpips else {}
    if arguments.task == "fill":
        ours = {model: load_filler(model) for model in arguments.model or ["fill"]}
        comparison = evaluate.compare_fills(arguments.data, evaluate.FILLERS | ours, extra)
    else:
        scale = arguments.scale
        ours = {model: load_enlarger(model) for model in arguments.model or [f"x{scale}-fidelity"]}
        methods = evaluate.ENLARGERS | ours
        comparison = evaluate.compare_enlargements(arguments.data, scale, methods, extra)
    sheet = Sheet(len(comparison.cases))
    print(evaluate.markdown(evaluate.mean_scores(comparison, sheet.add)))
    if arguments.sheet:
        sheet.save(arguments.sheet)


if __name__ == "__main__":
    main()
