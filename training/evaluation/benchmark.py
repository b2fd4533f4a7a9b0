"""Scores of restorers on photos whose truth is known, ours and classical ones side by side.

A `Comparison` is a list of cases, the methods to run on them and how an output is scored; the command
``remend evaluate`` and ``benchmarks/quality.py`` both ask for one. The cases come from
`training.evaluation.cases`. Nothing here reads weights by name or prints.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from remend.models.imaging.opencv import load_opencv
from remend.models.imaging.picture import Mask, Picture, Pixels
from remend.models.inference.restorer import FillOptions, Inpainter, UpscaleOptions, Upscaler
from remend.training.evaluation.cases import Case, fill_cases, upscale_cases
from remend.training.evaluation.metrics import luma, psnr, ssim

Filler = Callable[[Pixels, Pixels], Pixels]
"""(rgb (H, W, 3), mask (H, W), 255 = hole) -> the filled rgb."""
Enlarger = Callable[[Pixels, int], Pixels]
"""(rgb (h, w, 3), scale) -> rgb (h·scale, w·scale, 3)."""
Reducer = Callable[[Pixels, int], Pixels]
"""(rgb (h·scale, w·scale, 3), scale) -> rgb (h, w, 3): how a low-resolution input is made."""

Method = Callable[[Case], Pixels]
Scorer = Callable[[Pixels, Case], Mapping[str, float]]
Measure = Callable[[Pixels, Pixels], float]
Scores = dict[tuple[str, str], dict[str, float]]
"""(method, group) -> measure -> mean."""


class Comparison(NamedTuple):
    """Cases, the methods to compare on them, and how an output is scored."""

    cases: list[Case]
    methods: dict[str, Method]
    score: Scorer


def opencv_fill(name: str) -> Filler:
    """OpenCV's inpainting with a radius of 3 px, such as ``INPAINT_TELEA``."""
    cv2 = load_opencv()
    return lambda rgb, mask: np.asarray(cv2.inpaint(rgb, mask, 3, getattr(cv2, name)), np.uint8)


def pillow_enlarge(resampling: Image.Resampling) -> Enlarger:
    """Pillow's resize by a whole factor."""

    def enlarge(rgb: Pixels, scale: int) -> Pixels:
        size = (rgb.shape[1] * scale, rgb.shape[0] * scale)
        return np.asarray(Image.fromarray(rgb).resize(size, resampling))

    return enlarge


FILLERS: dict[str, Filler] = {
    "telea": lambda rgb, mask: opencv_fill("INPAINT_TELEA")(rgb, mask),
    "navier-stokes": lambda rgb, mask: opencv_fill("INPAINT_NS")(rgb, mask),
}
ENLARGERS: dict[str, Enlarger] = {
    "bicubic": pillow_enlarge(Image.Resampling.BICUBIC),
    "lanczos": pillow_enlarge(Image.Resampling.LANCZOS),
}


def our_filler(restorer: Inpainter, options: FillOptions | None = None) -> Filler:
    """A fill model of ours."""
    return lambda rgb, mask: np.asarray(
        restorer.restore(Picture(rgb.copy()), Mask.from_array(mask), options).rgb, np.uint8
    )


def our_enlarger(restorer: Upscaler, options: UpscaleOptions | None = None) -> Enlarger:
    """An upscaling model of ours, at its own scale."""
    return lambda rgb, _: np.asarray(restorer.restore(Picture(rgb.copy()), options).rgb, np.uint8)


def reduced(rgb: Pixels, scale: int) -> Pixels:
    """Pillow's antialiased bicubic reduction, as the literature makes its inputs."""
    size = (rgb.shape[1] // scale, rgb.shape[0] // scale)
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))


def run_filler(fill: Filler, case: Case) -> Pixels:
    """Fill a case's hole."""
    assert case.mask is not None
    return fill(case.truth, case.mask)


def run_enlarger(enlarge: Enlarger, scale: int, reduce: Reducer, case: Case) -> Pixels:
    """Make a case's picture small and large again."""
    return enlarge(reduce(case.truth, scale), scale)


def compare_fills(
    data: Sequence[Path], fillers: Mapping[str, Filler], extra: Mapping[str, Measure] | None = None
) -> Comparison:
    """Fills scored over the whole picture and inside the hole; ``extra`` measures beside them."""

    def score(output: Pixels, case: Case) -> dict[str, float]:
        return {
            "PSNR": psnr(output, case.truth),
            "Y-PSNR": psnr(luma(output), luma(case.truth)),
            "SSIM": ssim(output, case.truth),
            "hole PSNR": psnr(output, case.truth, hole=case.mask),
            "hole SSIM": ssim(output, case.truth, hole=case.mask),
            **{name: measure(output, case.truth) for name, measure in (extra or {}).items()},
        }

    methods: dict[str, Method] = {name: partial(run_filler, fill) for name, fill in fillers.items()}
    return Comparison(fill_cases(data), methods, score)


def compare_enlargements(
    data: Sequence[Path],
    scale: int,
    enlargers: Mapping[str, Enlarger],
    extra: Mapping[str, Measure] | None = None,
    reduce: Reducer = reduced,
) -> Comparison:
    """Enlargements scored on RGB and Y without a border of ``scale`` pixels."""

    def score(output: Pixels, case: Case) -> dict[str, float]:
        y, truth = luma(output), luma(case.truth)
        return {
            "Y-PSNR": psnr(y, truth, border=scale),
            "PSNR": psnr(output, case.truth, border=scale),
            "SSIM": ssim(y, truth, border=scale),
            **{name: measure(output, case.truth) for name, measure in (extra or {}).items()},
        }

    methods: dict[str, Method] = {
        name: partial(run_enlarger, enlarge, scale, reduce) for name, enlarge in enlargers.items()
    }
    return Comparison(upscale_cases(data, scale), methods, score)


def mean_scores(
    comparison: Comparison, on_case: Callable[[int, Case, dict[str, Pixels]], None] | None = None
) -> Scores:
    """Run every method on every case; means by method and group.

    ``on_case`` is shown each case's number and all its outputs, for a bar or a contact sheet.
    """
    scores: dict[tuple[str, str], list[Mapping[str, float]]] = {}
    for number, case in enumerate(comparison.cases):
        outputs = {name: method(case) for name, method in comparison.methods.items()}
        for name, output in outputs.items():
            scores.setdefault((name, case.group), []).append(comparison.score(output, case))
        if on_case:
            on_case(number, case, outputs)
    return {
        key: {name: float(np.mean([one[name] for one in all_])) for name in all_[0]}
        for key, all_ in sorted(scores.items(), key=lambda item: item[0][1])
    }


def markdown(scores: Scores) -> str:
    """One table: a row for each method and group."""
    names = list(next(iter(scores.values())))
    lines = [f"| method | set | {' | '.join(names)} |", "| --- " * (len(names) + 2) + "|"]
    for (method, group), values in scores.items():
        cells = [f"{value:.4f}" if value < 2 else f"{value:.2f}" for value in values.values()]
        lines.append(f"| {method} | {group} | {' | '.join(cells)} |")
    return "\n".join(lines)
