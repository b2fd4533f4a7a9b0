"""Scores of restorers on photos whose truth is known, ours and classical ones side by side.

A `Comparison` is a list of cases, the methods to run on them and how an output is scored; the command
``remend evaluate`` and ``benchmarks/quality.py`` are two ways to ask for one. Nothing here reads weights
by name or prints.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from remend.models.errors import RequestError
from remend.models.imaging.files import is_picture_name, read_mask, read_picture
from remend.models.imaging.opencv import load_opencv
from remend.models.imaging.picture import Mask, Picture
from remend.models.inference.restorer import FillOptions, Inpainter, UpscaleOptions, Upscaler
from remend.training.data.masks import HoleSampler
from remend.training.evaluation.metrics import SSIM_WINDOW, luma, psnr, ssim

Pixels = NDArray[np.uint8]
Filler = Callable[[Pixels, Pixels], Pixels]
"""(rgb (H, W, 3), mask (H, W), 255 = hole) -> the filled rgb."""
Enlarger = Callable[[Pixels, int], Pixels]
"""(rgb (h, w, 3), scale) -> rgb (h·scale, w·scale, 3)."""
Reducer = Callable[[Pixels, int], Pixels]
"""(rgb (h·scale, w·scale, 3), scale) -> rgb (h, w, 3): how a low-resolution input is made."""

MASK_SEED = 40_000
RANDOM_MASKS = {"strokes": 0.4, "scratches": 0.2, "text": 0.1, "boxes": 0.1, "blobs": 0.2}


class Case(NamedTuple):
    """A picture to restore."""

    group: str
    """The row of the report that it counts in."""
    name: str
    truth: Pixels
    mask: Pixels | None = None


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


def list_photos(folders: Sequence[Path]) -> list[tuple[str, Path]]:
    """(folder's name, file) of all pictures below folders.

    Raises:
        RequestError: A folder is missing or holds no pictures.
    """
    found = []
    for folder in folders:
        if not folder.is_dir():
            raise RequestError(f"{folder} is no folder; --data wants folders of photos.")
        files = sorted(file for file in folder.rglob("*") if is_picture_name(file))
        if not files:
            raise RequestError(f"{folder} holds no pictures.")
        found += [(folder.name, file) for file in files]
    return found


def read_rgb(file: Path, border: int = 0) -> Pixels:
    """A photo as 8-bit RGB.

    Raises:
        RequestError: Without a ``border`` it is too small for the 11 px window of SSIM.
    """
    rgb = read_picture(file).rgb
    if min(rgb.shape[:2]) - 2 * border < SSIM_WINDOW:
        raise RequestError(
            f"{file} has {rgb.shape[1]}x{rgb.shape[0]} px; at least {SSIM_WINDOW + 2 * border} px on each "
            "side can be scored. Leave it out."
        )
    return np.asarray(
        rgb if rgb.dtype == np.uint8 else (rgb.astype(np.uint32) + 128) // 257, np.uint8
    )


def read_hole(mask: Path, photo: Path, truth: Pixels) -> Pixels:
    """A mask file as 0 and 255; whatever it touches is missing, as it is when a photo is filled.

    Raises:
        RequestError: It has another size than the photo, or marks nothing.
    """
    hole = np.where(read_mask(mask).values > 0, 255, 0).astype(np.uint8)
    if hole.shape != truth.shape[:2]:
        raise RequestError(
            f"{mask} has {hole.shape[1]}x{hole.shape[0]} px, {photo} has "
            f"{truth.shape[1]}x{truth.shape[0]}; give masks the size of their photos."
        )
    if not hole.any():
        raise RequestError(f"{mask} marks nothing to fill (white = fill); leave it out.")
    return hole


def match_masks(folder: Path, stems: Sequence[str]) -> dict[str, list[tuple[str, Path]]]:
    """(family, file) of every mask ``STEM.png`` or ``STEM_FAMILY.png``, by the photo it belongs to.

    Raises:
        RequestError: A mask belongs to no photo.
    """
    matched: dict[str, list[tuple[str, Path]]] = {}
    for mask in sorted(file for file in folder.iterdir() if is_picture_name(file)):
        # Of photo and photo_2, photo_2_thin.png is the second one's.
        fitting = [stem for stem in stems if mask.stem == stem or mask.stem.startswith(f"{stem}_")]
        if not fitting:
            raise RequestError(
                f"{mask} belongs to no photo of {folder.parent / 'truth'}; masks are called NAME.png or "
                "NAME_FAMILY.png after their photo."
            )
        stem = max(fitting, key=len)
        family = mask.stem[len(stem) + 1 :] or folder.parent.name
        matched.setdefault(stem, []).append((family, mask))
    return matched


def fill_cases(folders: Sequence[Path]) -> list[Case]:
    """Photos with holes.

    A folder with ``truth/NAME.*`` and ``mask/NAME_FAMILY.png`` gives a group for each family of masks;
    any other folder of photos gets masks of its own, the same ones every time.

    Raises:
        RequestError: No photos, a mask that belongs to none, or photos that none belongs to.
    """
    cases = []
    plain = []
    for folder in folders:
        if not ((folder / "truth").is_dir() and (folder / "mask").is_dir()):
            plain.append(folder)
            continue
        photos = [file for _, file in list_photos([folder / "truth"])]
        masks = match_masks(folder / "mask", [file.stem for file in photos])
        for file in photos:
            if file.stem not in masks:
                raise RequestError(
                    f"{file} has no mask in {folder / 'mask'}; add {file.stem}.png there."
                )
            truth = read_rgb(file)
            for family, mask in masks[file.stem]:
                cases.append(Case(family, file.stem, truth, read_hole(mask, file, truth)))
    sampler = HoleSampler(RANDOM_MASKS, (0.01, 0.35))
    random = torch.Generator().manual_seed(MASK_SEED)
    for group, file in list_photos(plain):
        truth = read_rgb(file)
        side = max(truth.shape[:2])
        mask = torch.zeros(truth.shape[:2])
        while not mask.any():  # the hole of a square may miss a long photo
            mask = sampler.sample(1, side, random)[0, 0, : truth.shape[0], : truth.shape[1]]
        cases.append(Case(group, file.stem, truth, (mask.numpy() * 255).astype(np.uint8)))
    return sorted(cases, key=lambda case: case.group)


def upscale_cases(folders: Sequence[Path], scale: int) -> list[Case]:
    """All originals, cut to multiples of the scale, a group for each folder."""
    cases = []
    for group, file in list_photos(folders):
        rgb = read_rgb(
            file, 2 * scale
        )  # a border of the scale is not scored, less than one is cut off
        height, width = (side - side % scale for side in rgb.shape[:2])
        cases.append(Case(group, file.stem, np.ascontiguousarray(rgb[:height, :width])))
    return cases


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
