"""Holes of one's own to train filling with: windows of mask files, such as one scanner's dust or a watermark.

Random holes are drawn in `training.data.masks`; both have the same `sample`.
"""

import functools
from pathlib import Path

import torch
from torch import Tensor

from remend.models.errors import RequestError
from remend.models.imaging.files import is_picture_name
from remend.models.imaging.mask_file import read_mask

MOST_COVERED = 0.9
"""Of a window: beyond it there is nothing to continue from."""
REDRAWS = 20


class MaskFiles:
    """Windows of masks, each with at least one marked pixel; nothing is mirrored or scaled.

    Args:
        masks: (H, W) bool each, True = hole.
    """

    def __init__(self, masks: list[Tensor]) -> None:
        self._masks = masks
        self._marked = [mask.nonzero() for mask in masks]

    def sample(self, batch: int, size: int, random: torch.Generator) -> Tensor:
        """Draw (batch, 1, size, size) float32 holes on the generator's device, 1 = hole."""
        holes = [self._window(size, random) for _ in range(batch)]
        return torch.stack(holes)[:, None].to(random.device)

    def _window(self, size: int, random: torch.Generator) -> Tensor:
        window = torch.zeros(size, size)
        for _ in range(REDRAWS):
            draws = torch.rand(4, generator=random, device=random.device, dtype=torch.float64)
            which, pixel, down, right = map(float, draws.cpu().unbind())
            number = int(which * len(self._masks))
            mask, marked = self._masks[number], self._marked[number]
            row, column = map(int, marked[int(pixel * len(marked))].unbind())
            # The window lies anywhere round that pixel, beyond the mask's edges too.
            top, left = row - int(down * size), column - int(right * size)
            window.zero_()
            part = mask[max(0, top) : top + size, max(0, left) : left + size]
            first, second = max(0, -top), max(0, -left)
            window[first : first + part.shape[0], second : second + part.shape[1]] = part.float()
            if window.mean() <= MOST_COVERED:
                break
        return window


@functools.cache
def load_mask_files(folder: str) -> MaskFiles:
    """Read the masks of a folder, or one file, as when a photo is filled.

    Raises:
        RequestError: There is none, or one marks nothing or nearly everything.
    """
    path = Path(folder)
    files = sorted(path.rglob("*")) if path.is_dir() else [path] * path.is_file()
    files = [file for file in files if is_picture_name(file)]
    if not files:
        raise RequestError(
            f"{path} holds no masks; give a folder of pictures, white where to fill."
        )
    masks: list[Tensor] = []
    for file in files:
        mask = torch.as_tensor(read_mask(file).values > 0)
        if not 0 < mask.float().mean() <= MOST_COVERED:
            raise RequestError(
                f"{file} marks {mask.float().mean():.0%} of its pixels, and training needs more than 0 and "
                f"at most {MOST_COVERED:.0%}; leave it out, or invert it."
            )
        masks.append(mask)
    return MaskFiles(masks)
