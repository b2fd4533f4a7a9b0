"""The cases of a comparison: photos from folders, with holes or cut for enlarging.

Photos whose truth is known become `Case` objects. What is done with them, and how it is scored, is in
`training.evaluation.benchmark`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from remend.models.errors import RequestError
from remend.models.imaging.files import is_picture_name, read_picture
from remend.models.imaging.mask_file import read_mask
from remend.models.imaging.picture import Pixels, to_8_bit
from remend.training.data.masks import HoleSampler
from remend.training.evaluation.metrics import SSIM_WINDOW

MASK_SEED = 40_000
RANDOM_MASKS = {"strokes": 0.4, "scratches": 0.2, "text": 0.1, "boxes": 0.1, "blobs": 0.2}


class Case(NamedTuple):
    """A picture to restore."""

    group: str
    """The row of the report that it counts in."""
    name: str
    truth: Pixels
    mask: Pixels | None = None


def list_photos(folders: Sequence[Path]) -> list[tuple[str, Path]]:
    """(folder's name, file) of all pictures below folders.

    Raises:
        RequestError: A folder is missing or holds no pictures.
    """
    found: list[tuple[str, Path]] = []
    for folder in folders:
        if not folder.is_dir():
            raise RequestError(f"{folder} is no folder; give folders of photos.")
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
    return to_8_bit(rgb)


def read_hole(mask: Path, photo: Path, truth: Pixels) -> Pixels:
    """A mask file as 0 and 255, as when a photo is filled.

    Raises:
        RequestError: It has another size than the photo, or marks nothing.
    """
    hole = np.array(read_mask(mask).values)
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
    cases: list[Case] = []
    plain: list[Path] = []
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
    cases: list[Case] = []
    for group, file in list_photos(folders):
        # A border of the scale is not scored, and less than the scale is cut off.
        rgb = read_rgb(file, 2 * scale)
        height, width = (side - side % scale for side in rgb.shape[:2])
        cases.append(Case(group, file.stem, np.ascontiguousarray(rgb[:height, :width])))
    return cases
