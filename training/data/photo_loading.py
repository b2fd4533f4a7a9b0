"""From files to a `PhotoStore`: every picture decoded once, those that do not serve named.

Pictures are decoded by threads and put end to end in large blocks, so that the whole set is never in memory
twice. What is done with the photos is not known here.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from torch import Tensor

from remend.models.errors import RequestError
from remend.models.imaging.files import PICTURE_SUFFIXES
from remend.training.data.photo_store import PhotoStore
from remend.training.data.sources import PhotoLocation, find_photos, read_photo

CPU = torch.device("cpu")
Inspect = Callable[[PhotoLocation, np.ndarray | str], str]
"""Sees every picture, or the sentence why it cannot be read; returns the reason to leave it out, or ""."""


def free_bytes(device: torch.device) -> int | None:
    """Memory of a GPU that nobody has taken; None for other devices."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None


def choose_home(nbytes: int, device: torch.device) -> torch.device:
    """Where photos are kept for training on ``device``: there, if half of its free memory is enough."""
    free = free_bytes(device)
    return device if free is None or nbytes <= free // 2 else CPU


class _Blocks:
    """Photos put end to end in blocks, so that the whole set is never in memory twice.

    Thousands of small arrays freed one by one do not go back to the system; large blocks do.
    """

    def __init__(self, block_bytes: int = 1 << 27) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self._block_bytes = block_bytes
        self._blocks: list[Tensor] = []
        self._loose: list[Tensor] = []

    def append(self, photo: np.ndarray) -> None:
        self.shapes.append(photo.shape)
        self._loose.append(torch.from_numpy(photo.copy()).flatten())
        if sum(map(len, self._loose)) >= self._block_bytes:
            self._close()

    def _close(self) -> None:
        if self._loose:
            self._blocks.append(torch.cat(self._loose))
            self._loose.clear()

    def flat(self, device: torch.device) -> Tensor:
        """All bytes in one tensor on ``device``, or its host; the blocks are given up on the way."""
        self._close()
        nbytes = sum(map(len, self._blocks))
        flat = torch.empty(nbytes, dtype=torch.uint8, device=choose_home(nbytes, device))
        end = len(flat)
        while self._blocks:
            block = self._blocks.pop()
            flat[end - len(block) : end] = block
            end -= len(block)
        return flat


@dataclass
class _Taken:
    """The photos that serve, and sentences about the others."""

    min_side: int
    blocks: _Blocks = field(default_factory=_Blocks)
    names: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    longest_short_side: int = 0

    def add(self, location: PhotoLocation, photo: np.ndarray | str, reason: str) -> None:
        """Take a photo, or say why not."""
        if isinstance(photo, str):
            self.skipped.append(photo)
            return
        if reason:
            self.skipped.append(f"{location} was left out: {reason}")
            return
        short = min(photo.shape[:2])
        self.longest_short_side = max(self.longest_short_side, short)
        if short < self.min_side:
            self.skipped.append(
                f"{location} was left out: its shorter side is {short} px, "
                f"at least {self.min_side} px are needed."
            )
            return
        self.blocks.append(photo)
        self.names.append(PurePosixPath(location.name).stem)
        self.folders.append(location.label)

    def refuse_none(self, found: int, listed: str) -> None:
        """Refuse a set of which no photo serves.

        Raises:
            RequestError: With the reason of the first, or the side that would have been needed.
        """
        if self.names:
            return
        if not 0 < self.longest_short_side < self.min_side:
            raise RequestError(
                f"None of the {found} pictures in {listed} can be used; the first: {self.skipped[0]}"
            )
        raise RequestError(
            f"All pictures in {listed} are too small: at least {self.min_side} px on the shorter "
            f"side are needed, the largest has {self.longest_short_side} px; add larger photos or "
            "train with smaller crops."
        )

    def store(self, device: torch.device) -> PhotoStore:
        """All of them in one run of bytes."""
        flat = self.blocks.flat(device)
        home = flat.device
        shapes = torch.tensor(self.blocks.shapes)
        offsets = (shapes.prod(dim=1).cumsum(0) - shapes.prod(dim=1)).to(home)
        heights, widths = shapes[:, 0].to(home), shapes[:, 1].to(home)
        classes = sorted(set(self.folders))
        labels = torch.tensor([classes.index(folder) for folder in self.folders], device=home)
        return PhotoStore(
            flat, heights, widths, offsets, self.names, self.skipped, labels, classes, device
        )


def load_photos(
    sources: Sequence[Path],
    *,
    device: torch.device = CPU,
    min_side: int,
    limit: int | None = None,
    inspect: Inspect = lambda _location, _photo: "",
    on_progress: Callable[[int, int], None] | None = None,
) -> PhotoStore:
    """Decode every picture below ``sources`` once.

    Args:
        sources: Folders (searched recursively, shards in them too), ``.tar`` shards, pictures.
        device: Where crops are wanted; the photos are kept there too if they fit.
        min_side: Photos whose shorter side has fewer pixels are left out, and said so.
        limit: Look at the first ``limit`` pictures only.
        inspect: See `Inspect`.
        on_progress: Called with (pictures looked at, pictures found).

    Raises:
        RequestError: A source is missing or broken, holds no picture, or none that is usable.
    """
    locations = list(find_photos([Path(source) for source in sources]))[:limit]
    listed = ", ".join(map(str, sources))
    if not locations:
        raise RequestError(
            f"No pictures were found in {listed}; give folders or .tar shards that hold "
            f"pictures ({', '.join(sorted(PICTURE_SUFFIXES))})."
        )
    taken = _Taken(min_side)
    for done, (location, photo) in enumerate(_decoded(locations), start=1):
        taken.add(location, photo, inspect(location, photo))
        if on_progress:
            on_progress(done, len(locations))
    taken.refuse_none(len(locations), listed)
    return taken.store(device)


def _decoded(
    locations: Sequence[PhotoLocation],
) -> Iterator[tuple[PhotoLocation, np.ndarray | str]]:
    """Every picture in order, decoded by threads that hold one each."""
    pool = ThreadPoolExecutor(min(16, os.cpu_count() or 1))
    try:
        yield from zip(locations, pool.map(read_photo, locations), strict=True)
    finally:
        pool.shutdown(cancel_futures=True)
