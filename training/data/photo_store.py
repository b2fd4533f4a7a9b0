"""All training photos in memory, and random crops out of them.

Folders of pictures, ``.tar`` shards and single files become one `PhotoStore`: every photo decoded
once, kept as eight-bit RGB on the device that trains, or on its host where they do not fit. There are
no workers, queues or epochs: a batch is one gather from that memory, and it follows from the state of
a `torch.Generator` alone, which is what lets a resumed run go on bit for bit. It knows nothing about
holes or degradations.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from remend.models.errors import RequestError
from remend.training.data.decoding import (
    CPU,
    DecodedPhotos,
    Inspect,
    OnProgress,
    decode_all,
    keep_all,
)
from remend.training.data.pairs.matching import LowPhotos
from remend.training.data.sources import decode_photo

SAMPLED = 64
"""Bytes of each photo in a fingerprint."""


def batch_to_unit(batch: Tensor) -> Tensor:
    """Bytes 0..255 of any shape to float32 in [-1, 1], the range that networks see."""
    return batch.to(torch.float32).div_(127.5).sub_(1.0)


class PhotoStore:
    """Photos as one flat run of bytes, with the size and the offset of each.

    Attributes:
        names: File stems, such as ``imagenet-a_1234``; the order of ``sources``.
        skipped: One sentence for each picture that was found but not taken.
        heights, widths, offsets: (N,) int64 on the CPU's or GPU's side with the photos; a photo is
            the bytes ``flat[offset : offset + 3 * height * width]``, rows of RGB pixels.
        scale: How many times smaller the low-resolution picture is whose bytes lie behind those of each
            photo; 0 = there are none.
        labels: (N,) int64, the number of each photo's class in ``class_names``.
        serves: The device that crops are handed out on; photos that do not fit there stay on the host.
        shortest_side: Of the smallest photo, in px; 0 = there are no photos.
        class_names: Names of the folders, sorted: of the first one below a source, or of the source
            itself for photos that lie directly in it.
    """

    def __init__(
        self,
        flat: Tensor,
        heights: Tensor,
        widths: Tensor,
        offsets: Tensor,
        names: Sequence[str],
        skipped: Sequence[str] = (),
        labels: Tensor | None = None,
        class_names: Sequence[str] = (),
        serves: torch.device | None = None,
        scale: int = 0,
    ) -> None:
        self.flat = flat
        self.scale = scale
        self.serves = serves or flat.device
        self.heights = heights
        self.widths = widths
        self.offsets = offsets
        self.names = list(names)
        self.skipped = list(skipped)
        self.labels = torch.zeros_like(heights) if labels is None else labels
        self.class_names = list(class_names)
        self.shortest_side = int(torch.minimum(heights, widths).min()) if names else 0

    @classmethod
    def load(
        cls,
        sources: Sequence[Path],
        *,
        device: torch.device = CPU,
        min_side: int,
        limit: int | None = None,
        lows: LowPhotos | None = None,
        inspect: Inspect = keep_all,
        on_progress: OnProgress | None = None,
    ) -> "PhotoStore":
        """Decode every picture below ``sources`` once.

        Args:
            sources: Folders (searched recursively, shards in them too), ``.tar`` shards, pictures.
            device: Where crops are wanted; the photos are kept there too if they fit.
            min_side: Photos whose shorter side has fewer pixels are left out, and said so.
            limit: Look at the first ``limit`` pictures only.
            lows: The low-resolution pictures of the photos; photos without one are left out, and said so.
            inspect: Shown every picture, or the sentence that says why it cannot be read; what it
                returns is the reason to leave the picture out, "" for none.
            on_progress: Called with (pictures looked at, pictures found).

        Raises:
            RequestError: A source is missing or broken, holds no picture, or none that is usable.
        """
        photos = DecodedPhotos(min_side, inspect)
        decode = lows.decode if lows else decode_photo
        decode_all(sources, photos, limit=limit, decode=decode, on_progress=on_progress)
        sizes, flat = torch.tensor(photos.blocks.sizes), photos.blocks.flat(device)
        home = flat.device
        shapes = torch.tensor(photos.blocks.shapes)
        offsets = (sizes.cumsum(0) - sizes).to(home)
        scale = lows.scale if lows else 0
        heights, widths = shapes[:, 0].to(home), shapes[:, 1].to(home)
        class_names = sorted(set(photos.labels))
        labels = torch.tensor([class_names.index(label) for label in photos.labels], device=home)
        names, skipped = photos.names, photos.skipped
        return cls(
            flat, heights, widths, offsets, names, skipped, labels, class_names, device, scale
        )

    def __len__(self) -> int:
        return len(self.names)

    @property
    def nbytes(self) -> int:
        """Bytes of the photos counted here (parts of one split share their memory)."""
        return int(self._sizes.sum())

    @property
    def _sizes(self) -> Tensor:
        """Bytes of each photo, with those of its low-resolution picture."""
        pixels = self.heights * self.widths
        return 3 * (pixels + (pixels // self.scale**2 if self.scale else 0))

    @property
    def device(self) -> torch.device:
        return self.flat.device

    def fingerprint(self) -> str:
        """A digest of names, sizes and a sample of pixels: other photos have another one."""
        digest = hashlib.blake2b(repr(self.names).encode(), digest_size=16)
        digest.update(b"".join(self.samples()))
        return digest.hexdigest()

    def samples(self) -> list[bytes]:
        """Size and some pixels of each photo, by which it is known again."""
        steps = torch.arange(SAMPLED, device=self.device) / SAMPLED
        inside = self._sizes[:, None] * steps
        pixels = self.flat[self.offsets[:, None] + inside.long()].long()
        rows = torch.cat((self.heights[:, None], self.widths[:, None], pixels), 1).cpu().numpy()
        return [row.tobytes() for row in rows]

    def split(self, held_out: int, seed: int) -> "tuple[PhotoStore, PhotoStore]":
        """Set ``held_out`` photos, chosen by ``seed``, aside: (the others, those); nothing copied.

        Raises:
            RequestError: Too few photos to hold that many out.
        """
        if not 0 <= held_out < len(self):
            raise RequestError(
                f"{held_out} photos cannot be held out of {len(self)}; "
                f"hold out at most {len(self) - 1}, or add photos."
            )
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        kept, held = order[held_out:].sort().values, order[:held_out].sort().values
        return self.part(kept), self.part(held)

    def part(self, chosen: Tensor) -> "PhotoStore":
        """The photos of these numbers (n,) int64; nothing is copied."""
        here = chosen.to(self.device)
        return PhotoStore(
            self.flat,
            self.heights[here],
            self.widths[here],
            self.offsets[here],
            [self.names[int(number)] for number in chosen.cpu().unbind()],
            labels=self.labels[here],
            class_names=self.class_names,
            serves=self.serves,
            scale=self.scale,
        )

    def crops(
        self,
        batch: int,
        size: int,
        random: torch.Generator,
        *,
        indices: Tensor | None = None,
        mirror: bool = True,
        turn: bool = False,
        half_share: float = 0.0,
    ) -> Tensor:
        """Random crops, a function of the generator's state alone.

        Photos are drawn uniformly, not by area: a scene is what a network learns from, and one
        scan of 50 megapixels beside a hundred snapshots must not fill nearly every batch.

        Args:
            batch: How many.
            size: Side of the crops in pixels.
            random: Source of all randomness; may live on another device than the photos.
            indices: (batch,) int64, which photos to take, instead of drawing them.
            mirror: Flip left and right in half of the crops.
            turn: Also upside down and on its side; with ``mirror`` all eight symmetries.
            half_share: Share of crops that are twice as wide and averaged 2x2 down to ``size``,
                from photos that are large enough: another scale, and cleaner pixels.

        Returns:
            (batch, 3, size, size) uint8 in channels_last memory, on the device ``serves``.

        Raises:
            RequestError: ``size`` exceeds the smallest photo.
        """
        self._check_crop(size)
        draws = self._draw(batch, 7, random)
        photo = (draws[:, 0] * len(self)).long() if indices is None else indices.to(self.device)
        heights, widths = self.heights[photo], self.widths[photo]
        twice = (draws[:, 1] < half_share) & (torch.minimum(heights, widths) >= 2 * size)
        side = torch.where(twice, 2 * size, size)
        top = (draws[:, 2] * (heights - side + 1)).long()
        left = (draws[:, 3] * (widths - side + 1)).long()
        start = self.offsets[photo] + 3 * (top * widths + left)
        if half_share > 0:
            out = torch.empty(batch, size, size, 3, dtype=torch.uint8, device=self.device)
            out[~twice] = self._windows(start[~twice], widths[~twice], size)
            wide = self._windows(start[twice], widths[twice], 2 * size).to(torch.int16)
            wide = wide[:, ::2] + wide[:, 1::2]
            wide = wide[:, :, ::2] + wide[:, :, 1::2]
            out[twice] = ((wide + 2) // 4).to(torch.uint8)
        else:
            out = self._windows(start, widths, size)
        return self._turned(out, draws[:, 4:] < 0.5, mirror=mirror, turn=turn)

    def pair_crops(self, batch: int, size: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Random crops of photos and their low-resolution pictures, in all eight symmetries.

        Args:
            batch: How many.
            size: Side of the photos' crops in pixels, a multiple of the scale.
            random: Source of all randomness.

        Returns:
            (batch, 3, size, size) and (batch, 3, size / scale, size / scale) uint8, as `crops`.

        Raises:
            RequestError: ``size`` exceeds the smallest photo.
        """
        self._check_crop(size)
        draws = self._draw(batch, 6, random)
        photo, low = (draws[:, 0] * len(self)).long(), size // self.scale
        heights, widths = self.heights[photo] // self.scale, self.widths[photo] // self.scale
        top = (draws[:, 1] * (heights - low + 1)).long()
        left = (draws[:, 2] * (widths - low + 1)).long()
        place, offsets = top * widths * self.scale + left, self.offsets[photo]
        high = self._windows(offsets + 3 * self.scale * place, self.scale * widths, size)
        behind = offsets + 3 * self.scale**2 * heights * widths
        small = self._windows(behind + 3 * (top * widths + left), widths, low)
        flips = draws[:, 3:] < 0.5
        both = (self._turned(part, flips, mirror=True, turn=True) for part in (high, small))
        return next(both), next(both)

    def _check_crop(self, size: int) -> None:
        if size > self.shortest_side:
            raise RequestError(
                f"Crops of {size} px do not fit: the smallest photo has {self.shortest_side} px on its "
                f"shorter side; use at most {self.shortest_side} px or leave out smaller photos."
            )

    def _draw(self, batch: int, count: int, random: torch.Generator) -> Tensor:
        """Draws from [0, 1) with the photos, (batch, count) float64."""
        shape, device = (batch, count), random.device
        return torch.rand(shape, generator=random, dtype=torch.float64, device=device).to(
            self.device
        )

    def _turned(self, crops: Tensor, flips: Tensor, *, mirror: bool, turn: bool) -> Tensor:
        """Crops (B, H, W, 3) flipped where ``flips`` (B, 3) says so, as (B, 3, H, W) on `serves`."""
        flip_x, flip_y, transpose = flips.view(len(crops), 3, 1, 1, 1).unbind(1)
        if mirror:
            crops = torch.where(flip_x, crops.flip(2), crops)
        if turn:
            crops = torch.where(flip_y, crops.flip(1), crops)
            crops = torch.where(transpose, crops.transpose(1, 2), crops).contiguous()
        return crops.permute(0, 3, 1, 2).to(self.serves)

    def _windows(self, start: Tensor, widths: Tensor, side: int) -> Tensor:
        """Gather (len(start), side, side, 3) windows whose first bytes lie at ``start``."""
        row_starts = start[:, None] + 3 * widths[:, None] * torch.arange(side, device=self.device)
        # Rows overlap in this view and cost nothing; indexing it copies whole rows of bytes, which
        # is five times faster than gathering pixel by pixel.
        rows = self.flat.unfold(0, 3 * side, 1)
        return rows[row_starts].view(-1, side, side, 3)
