"""Quality of our weights beside other programs' methods, on the same pictures in one run.

    python -m benchmarks.quality fill DATA... [--peers all] [--detail 0 --detail 1] [--sheet FILE.png]
    python -m benchmarks.quality upscale DATA... --scale 4 [--peers span] [--damaged] [--stlpips]

``fill`` wants folders with ``truth/NAME.*`` and ``mask/NAME_FAMILY.png`` (white = hole); every family is
a row of its own, scored over the whole picture. ``upscale`` wants folders of originals; the small inputs
are made by Pillow's bicubic, and a border of ``scale`` pixels is left out. Prints a markdown table.
"""

import argparse
import io
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks import peer_runs
from benchmarks.entry import enter
from benchmarks.peer_runs import Peer
from benchmarks.stlpips import perceptual_distance
from remend.app.engine.catalogue import find_model
from remend.models.device import choose_placement
from remend.models.imaging.picture import Pixels
from remend.models.inference.restorer import (
    FillOptions,
    Inpainter,
    UpscaleOptions,
    Upscaler,
    load_restorer,
)
from remend.training.evaluation import benchmark as evaluate
from remend.training.evaluation.cases import Case


def load_filler(model: str, detail: float = 1.0) -> evaluate.Filler:
    """A fill model by name or path."""
    restorer = load_restorer(find_model(model, "fill"), choose_placement())
    assert isinstance(restorer, Inpainter)
    return evaluate.our_filler(restorer, FillOptions(detail=detail))


def load_enlarger(
    model: str, detail: float = 1.0, denoise: float = 0.5, tile_px: int | None = None
) -> evaluate.Enlarger:
    """An upscaling model by name or path."""
    restorer = load_restorer(find_model(model, "upscale"), choose_placement())
    assert isinstance(restorer, Upscaler)
    options = UpscaleOptions(detail=detail, denoise=denoise, tile_px=tile_px)
    return evaluate.our_enlarger(restorer, options)


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


def damaged(rgb: Pixels, scale: int) -> Pixels:
    """A photo as it comes from a phone of ten years ago, the same one every time.

    Gaussian blur of 1.2 px, Pillow's bicubic, noise of 5/255, JPEG of quality 40.
    """
    blurred = cv2.GaussianBlur(rgb, (0, 0), 1.2)
    small = evaluate.reduced(np.asarray(blurred, np.uint8), scale).astype(np.float64)
    noisy = small + np.random.default_rng(0).normal(0, 5, small.shape)
    file = io.BytesIO()
    Image.fromarray(noisy.round().clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=40)
    return np.asarray(Image.open(file).convert("RGB"))


def compare(arguments: argparse.Namespace, stack: ExitStack) -> evaluate.Comparison:
    """Ours and the chosen peers on the chosen pictures."""
    extra = {"ST-LPIPS": perceptual_distance} if arguments.stlpips else {}
    scale = 0 if arguments.task == "fill" else arguments.scale
    known = peer_runs.ENLARGERS.get(scale, ()) if scale else peer_runs.FILLERS
    names = known if arguments.peers == ["all"] else arguments.peers
    peers = {name: stack.enter_context(Peer(name, scale)) for name in names}
    if not scale:
        ours = {
            f"{model} --detail {detail:g}": load_filler(model, detail)
            for model in arguments.model or ["fill"]
            for detail in arguments.detail or [1.0]
        }
        return evaluate.compare_fills(arguments.data, (peers or evaluate.FILLERS) | ours, extra)
    ours = {
        f"{model} --detail {detail:g}": load_enlarger(model, detail, arguments.denoise)
        for model in arguments.model or [f"x{scale}-fidelity"]
        for detail in arguments.detail or [1.0]
    }
    methods = (peers or evaluate.ENLARGERS) | ours
    reduce = damaged if arguments.damaged else evaluate.reduced
    return evaluate.compare_enlargements(arguments.data, scale, methods, extra, reduce)


def main() -> None:
    """Read the arguments, print the table."""
    parser = argparse.ArgumentParser(description="Quality beside other programs, in one run.")
    parser.add_argument("task", choices=["fill", "upscale"])
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--detail", action="append", type=float)
    parser.add_argument("--denoise", type=float, default=0.5)
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--peers", nargs="+", default=[], help="names, or all; default: ours")
    parser.add_argument("--damaged", action="store_true", help="blur, noise and JPEG on the inputs")
    parser.add_argument("--every", type=int, default=1, help="every so many-th photo only")
    parser.add_argument("--stlpips", action="store_true")
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        comparison = compare(arguments, stack)
        comparison = comparison._replace(cases=every(comparison.cases, arguments.every))
        sheet = Sheet(len(comparison.cases))
        print(evaluate.markdown(evaluate.mean_scores(comparison, sheet.add)))
    if arguments.sheet:
        sheet.save(arguments.sheet)


def every(cases: Sequence[Case], step: int) -> list[Case]:
    """The cases of every ``step``-th photo by name, with all their masks."""
    chosen = set(sorted({case.name for case in cases})[::step])
    return [case for case in cases if case.name in chosen]


if __name__ == "__main__":
    enter(main)
