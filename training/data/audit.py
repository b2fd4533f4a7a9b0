"""The audit of photos before they are trained on: what there is, what is left out, and whether it suffices.

`Audit` looks at every picture while `PhotoStore.load` decodes it; nothing is read twice. It leaves out
pictures that are there twice (one copy might be trained on and the other held out) and pictures of one
single colour; too small and broken ones are left out by the store itself.
"""

import hashlib
import statistics
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from remend.models.errors import RequestError
from remend.models.imaging.picture import Pixels
from remend.training.data.pairs.matching import Unpaired
from remend.training.data.photo_store import PhotoStore
from remend.training.data.sources import PhotoLocation

FEWEST_PHOTOS = 4
"""Below it there is nothing to hold out from, and one photo is learned by heart."""
THUMBNAIL_PX = 32
HASH_BITS_APART = 6
SAME_THUMBNAIL = 0.15
"""Largest rms difference of two thumbnails, as a share of their contrast, that counts as one picture.

Measured: 0.06 and less between a photo and its copy at half the size and JPEG quality 70, 0.6 and more
between pages of one document, shelves of one shop, and neighbouring frames.
"""


class Thumbnail(NamedTuple):
    """What is remembered of a picture to know it again."""

    location: PhotoLocation
    aspect: float
    pixels: NDArray[np.float32]


def difference_hash(thumbnail: Image.Image) -> int:
    """64 bits: whether each cell of 8 x 8 is darker than its right neighbour (dHash, Krawetz 2013)."""
    small = np.asarray(thumbnail.resize((9, 8), Image.Resampling.BOX), np.int16)
    return int.from_bytes(np.packbits(small[:, 1:] > small[:, :-1]).tobytes(), "big")


class Audit:
    """Counts pictures and finds copies; give it to `PhotoStore.load` as ``inspect``.

    Two pictures are the same if their pixels are, and nearly the same if hash, aspect and thumbnail agree:
    a copy that was scaled or saved again. A burst of one scene counts as different pictures.

    Args:
        min_side: Pixels that the shorter side needs.
        others: An audit whose pictures these must not be copies of, such as those that are validated on.
    """

    def __init__(self, min_side: int, others: "Audit | None" = None) -> None:
        self.min_side = min_side
        self.unreadable = self.unpaired = self.small = self.blank = self.copies = (
            self.near_copies
        ) = 0
        self.sizes: list[tuple[int, int]] = []
        """(width, height) of the pictures that are kept."""
        self._exact: dict[bytes, PhotoLocation] = dict(others._exact) if others else {}
        self._hashes: list[int] = list(others._hashes) if others else []
        self._thumbnails: list[Thumbnail] = list(others._thumbnails) if others else []

    def __call__(self, location: PhotoLocation, photo: Pixels | str) -> str:
        """Look at a picture (or why there is none); returns why it is left out, "" if it is kept."""
        if isinstance(photo, str):
            self.unpaired += isinstance(photo, Unpaired)
            self.unreadable += not isinstance(photo, Unpaired)
            return ""
        height, width = photo.shape[:2]
        if min(height, width) < self.min_side:
            self.small += 1
            return ""
        digest = hashlib.blake2b(photo.tobytes(), digest_size=16).digest()
        if first := self._exact.get(digest):
            self.copies += 1
            return f"it has the same pixels as {first}."
        size = (THUMBNAIL_PX, THUMBNAIL_PX)
        small = Image.fromarray(photo).convert("L").resize(size, Image.Resampling.BILINEAR)
        thumbnail = Thumbnail(location, width / height, np.asarray(small, np.float32))
        if thumbnail.pixels.std() < 1 and photo.std() < 1:
            self.blank += 1
            return "it is of one single colour."
        bits = difference_hash(small)
        if near_duplicate := self._find_near_duplicate(thumbnail, bits):
            self.near_copies += 1
            return f"it is nearly the same picture as {near_duplicate}."
        self._exact[digest] = location
        self._hashes.append(bits)
        self._thumbnails.append(thumbnail)
        self.sizes.append((width, height))
        return ""

    def _find_near_duplicate(self, thumbnail: Thumbnail, bits: int) -> PhotoLocation | None:
        contrast = max(float(thumbnail.pixels.std()), 1.0)
        for other_bits, other in zip(self._hashes, self._thumbnails, strict=True):
            if (bits ^ other_bits).bit_count() > HASH_BITS_APART:
                continue
            if abs(other.aspect / thumbnail.aspect - 1) > 0.02:
                continue
            apart = float(np.square(other.pixels - thumbnail.pixels).mean() ** 0.5)
            if apart < SAME_THUMBNAIL * contrast:
                return other.location
        return None

    @property
    def summary(self) -> str:
        """One sentence: how many, how large, and what was left out."""
        kept = len(self.sizes)
        left_out = [
            f"{count} {one if count == 1 else more}"
            for count, one, more in (
                (self.unreadable, "unreadable", "unreadable"),
                (self.unpaired, "without a partner", "without a partner"),
                (self.small, "too small", "too small"),
                (self.copies, "copy", "copies"),
                (self.near_copies, "near copy", "near copies"),
                (self.blank, "of one colour", "of one colour"),
            )
            if count
        ]
        unusable = self.unreadable + self.unpaired + self.small + self.blank
        found = kept + unusable + self.copies + self.near_copies
        sides = [min(size) for size in self.sizes]
        facts = f"; left out: {', '.join(left_out)}" if left_out else ""
        if sides:
            middle = f"{statistics.median(sides):.0f}"
            facts = f", shorter side {min(sides)} to {max(sides)} px (median {middle}){facts}"
        return f"{kept} of {found} pictures can be used{facts}."

    def refuse_too_few(self) -> None:
        """Raise a RequestError if too few pictures are left to learn from and to measure with."""
        if len(self.sizes) < FEWEST_PHOTOS:
            raise RequestError(
                f"Too few photos to fine-tune on: {self.summary} "
                f"At least {FEWEST_PHOTOS} different ones are needed, 20 and more are better."
            )


def refuse_shared(photos: PhotoStore, held_out: PhotoStore) -> None:
    """Raise a RequestError where a photo of an exam has size and sampled pixels of one to learn from."""
    mine = set(photos.samples())
    theirs = zip(held_out.names, held_out.samples(), strict=True)
    both = [name for name, sample in theirs if sample in mine]
    if both:
        raise RequestError(
            f"{len(both)} photos to validate on are trained on as well, such as {both[0]}; what was "
            "trained on is no exam. Take them out of one of the folders."
        )
