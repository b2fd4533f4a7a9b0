"""Decoding all photos of a set once, several at a time, into a few large blocks of memory.

What is found, too small or left out is decided here and by whoever inspects the photos. Where the pixels
go and how crops are cut from them is in `training.data.photo_store`.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from remend.models.errors import RequestError
from remend.models.imaging.files import PICTURE_SUFFIXES
from remend.models.imaging.picture import Pixels
from remend.training.data.pairs.aligning import Pair
from remend.training.data.sources import PhotoLocation, decode_photo, locate_photos

CPU = torch.device("cpu")
Decode = Callable[[PhotoLocation], Pixels | Pair | str]
"""Gives a photo, alone or with its low-resolution picture, or the sentence that says why there is none."""
Inspect = Callable[[PhotoLocation, Pixels | str], str]
"""Shown a decoded photo, or the sentence that says why there is none; returns why it is left out."""
OnProgress = Callable[[int, int], None]
"""Called with (pictures looked at, pictures found)."""


def keep_all(_location: PhotoLocation, _photo: Pixels | str) -> str:
    """Leave nothing out."""
    return ""


def free_gpu_bytes(device: torch.device) -> int | None:
    """Free memory of a GPU; None for other devices."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None


def choose_home(nbytes: int, device: torch.device) -> torch.device:
    """Where photos are kept for training on ``device``: there, if half of its free memory is enough."""
    free = free_gpu_bytes(device)
    return device if free is None or nbytes <= free // 2 else CPU


class PhotoBlocks:
    """Photos put end to end in blocks, so that the whole set is never in memory twice.

    Thousands of small arrays freed one by one do not go back to the system; large blocks do.
    """

    def __init__(self, block_bytes: int = 1 << 27) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self.sizes: list[int] = []
        """Bytes of each photo, with those of its low-resolution picture."""
        self._block_bytes = block_bytes
        self._blocks: list[Tensor] = []
        self._loose: list[Tensor] = []

    def append(self, photo: Pixels | Pair) -> None:
        """Copy a photo behind those that are there, and behind it its low-resolution picture."""
        pictures = photo if isinstance(photo, Pair) else (photo,)
        self.shapes.append(pictures[0].shape)
        self.sizes.append(sum(picture.size for picture in pictures))
        self._loose += [torch.as_tensor(picture.copy()).flatten() for picture in pictures]
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


class DecodedPhotos:
    """Photos as they come from their files, in the order of the files.

    Attributes:
        blocks: The pixels.
        names: File stems, such as ``imagenet-a_1234``.
        labels: The class of each, a folder's name.
        skipped: One sentence for each picture that was found but not taken.

    Args:
        min_side: Photos whose shorter side has fewer pixels are left out, and said so.
        inspect: Looks at every photo before it is taken.
    """

    def __init__(self, min_side: int, inspect: Inspect = keep_all) -> None:
        self.blocks = PhotoBlocks()
        self.names: list[str] = []
        self.labels: list[str] = []
        self.skipped: list[str] = []
        self._min_side, self._inspect = min_side, inspect
        self._longest_short_side = 0

    def add(self, location: PhotoLocation, photo: Pixels | Pair | str) -> None:
        """Take a photo, or note why not."""
        high = photo.high if isinstance(photo, Pair) else photo
        reason = self._inspect(location, high)
        if isinstance(photo, str) or isinstance(high, str):
            self.skipped.append(str(photo))
        elif reason:
            self.skipped.append(f"{location} was left out: {reason}")
        elif (short := min(high.shape[:2])) < self._min_side:
            self._longest_short_side = max(self._longest_short_side, short)
            self.skipped.append(
                f"{location} was left out: its shorter side is {short} px, "
                f"at least {self._min_side} px are needed."
            )
        else:
            self.blocks.append(photo)
            self.names.append(PurePosixPath(location.name).stem)
            self.labels.append(location.label)

    def refuse_empty(self, found: int, listed: str) -> None:
        """Raise a RequestError if none of the ``found`` pictures in the ``listed`` sources was taken."""
        if self.names:
            return
        if not self._longest_short_side:
            raise RequestError(
                f"None of the {found} pictures in {listed} can be used; the first: {self.skipped[0]}"
            )
        raise RequestError(
            f"All pictures in {listed} are too small: at least {self._min_side} px on the shorter "
            f"side are needed, the largest has {self._longest_short_side} px; add larger photos or "
            "train with smaller crops."
        )


def decode_all(
    sources: Sequence[Path],
    photos: DecodedPhotos,
    *,
    limit: int | None = None,
    decode: Decode = decode_photo,
    on_progress: OnProgress | None = None,
) -> None:
    """Decode every picture below ``sources`` once and add it to ``photos``.

    Args:
        sources: Folders (searched recursively, shards in them too), ``.tar`` shards, pictures.
        photos: Takes them.
        limit: Look at the first ``limit`` pictures only.
        decode: Gives each, several at a time.
        on_progress: Told how far it is.

    Raises:
        RequestError: A source is missing or broken, holds no picture, or none that is usable.
    """
    locations = list(locate_photos([Path(source) for source in sources]))[:limit]
    listed = ", ".join(map(str, sources))
    if not locations:
        raise RequestError(
            f"No pictures were found in {listed}; give folders or .tar shards that hold "
            f"pictures ({', '.join(sorted(PICTURE_SUFFIXES))})."
        )
    pool = ThreadPoolExecutor(min(16, os.cpu_count() or 1))  # each thread holds a decoded photo
    try:
        decoded = zip(locations, pool.map(decode, locations), strict=True)
        for done, (location, photo) in enumerate(decoded, start=1):
            photos.add(location, photo)
            if on_progress:
                on_progress(done, len(locations))
    finally:
        pool.shutdown(cancel_futures=True)
    photos.refuse_empty(len(locations), listed)
