"""What a job will cost, from headers alone: seconds, memory and disk.

The numbers are for planning: a dry run prints them, a batch keeps its memory within them, and a photo that
cannot fit is refused before its pixels are read. No photo is decoded here and no network runs.
"""

import functools
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from remend.app.batch.plan import Job
from remend.app.engine.memory import format_size
from remend.models.errors import InputError
from remend.models.imaging.encode import SUFFIX_FORMATS, check_size, name_losses
from remend.models.imaging.files import Header, encode_picture, open_photo, read_picture
from remend.models.imaging.picture import Picture
from remend.models.storage.remote import AnyPath

PROGRAM_BYTES = 350_000_000
"""What Python, torch and the networks take before any photo; measured: 250 to 350 MB."""

_CODEC_SIDE = 512  # of the picture that is written and read to see how long that takes
_PILLOW_BYTES = 4  # to a pixel of colour, as Pillow keeps it while it encodes or resizes
# Bytes of a file to a sample of its picture. Photos written by ``models.imaging.encode``, rounded up.
_FILE_SHARE = {"jpeg": 0.25, "webp": 0.15, "png": 0.6, "tiff": 0.65}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one job needs.

    Attributes:
        size: Width and height of the output.
        seconds: Of the network and of the files; 0 where they are not asked for.
        memory_bytes: At its peak, beyond ``PROGRAM_BYTES``.
        disk_bytes: Of the output.
        tile_px: Side of the tiles with which that holds; None = as asked for.
        note: The sentence about smaller tiles.
        losses: Sentences about what the output's format cannot hold.
    """

    size: tuple[int, int]
    seconds: float
    memory_bytes: int
    disk_bytes: int
    tile_px: int | None = None
    note: str = ""
    losses: tuple[str, ...] = ()

    def as_facts(self) -> dict[str, float]:
        """What a dry run tells, by the names under which it is printed."""
        return {
            "width": self.size[0],
            "height": self.size[1],
            "estimated_seconds": round(self.seconds, 3),
            "memory_bytes": self.memory_bytes + PROGRAM_BYTES,
            "output_bytes": self.disk_bytes,
        }


def picture_bytes(header: Header, size: tuple[int, int] | None = None) -> int:
    """Of the arrays of a picture, at its own or another size."""
    width, height = size or header.size
    return width * height * (3 + header.has_alpha) * (header.bit_depth // 8)


def file_bytes(header: Header, size: tuple[int, int], output: AnyPath) -> int:
    """Of the file that holds the picture at ``size``."""
    share = _FILE_SHARE[SUFFIX_FORMATS[output.suffix.lower()]]
    return int(share * picture_bytes(header, size))


@functools.cache
def _codec_seconds(file_format: str, quality: int) -> tuple[float, float]:
    """Seconds to a pixel of reading and of writing such a file here, from a small picture."""
    rows, columns = np.mgrid[:_CODEC_SIDE, :_CODEC_SIDE] / _CODEC_SIDE
    waves = 90 * np.sin(9 * rows[..., None] * [1, 2, 3] + 7 * columns[..., None]) + 127
    grain = np.random.default_rng(0).normal(0, 3, waves.shape)
    picture = Picture((waves + grain).clip(0, 255).astype(np.uint8))
    begin = time.perf_counter()
    data, _ = encode_picture(picture, file_format, quality=quality)
    middle = time.perf_counter()
    read_picture(data)
    end = time.perf_counter()
    return (end - middle) / _CODEC_SIDE**2, (middle - begin) / _CODEC_SIDE**2


def file_seconds(
    source: AnyPath, header: Header, output: AnyPath, size: tuple[int, int], quality: int
) -> float:
    """Of reading the photo and writing the output at ``size``."""
    read, _ = _codec_seconds(SUFFIX_FORMATS.get(source.suffix.lower(), "png"), quality)
    _, write = _codec_seconds(SUFFIX_FORMATS[output.suffix.lower()], quality)
    width, height = header.size
    return (read * width * height + write * size[0] * size[1]) * header.bit_depth / 8


def _fit(header: Header, size: tuple[int, int], output: AnyPath) -> tuple[str, ...]:
    """What the output's format cannot hold; an InputError where that is the size."""
    file_format = SUFFIX_FORMATS[output.suffix.lower()]
    check_size(size, file_format)
    return tuple(name_losses(header.bit_depth, header.has_alpha, file_format))


def foresee_losses(jobs: Iterable[Job]) -> dict[str, list[str]]:
    """What outputs will not hold of their photos, as sentences, each with the names of the photos.

    Only the headers of photos on a local disk are read, and only where the format changes; one that
    cannot be read fails when its turn comes.
    """
    losses: dict[str, list[str]] = {}
    for job in jobs:
        file_format = SUFFIX_FORMATS[job.output.suffix.lower()]
        same = SUFFIX_FORMATS.get(job.source.suffix.lower()) == file_format
        if same or file_format in ("png", "tiff") or not isinstance(job.source, Path):
            continue
        try:
            with open_photo(job.source) as photo:
                header = photo.header
        except InputError:
            continue
        for loss in name_losses(header.bit_depth, header.has_alpha, file_format):
            losses.setdefault(loss, []).append(job.source.name)
    return losses


def fill_cost(header: Header, output: AnyPath) -> Cost:
    """Of filling: the photo, the filled one, the mask twice, and the encoder's copy.

    Raises:
        InputError: The output's format cannot hold the size; so does ``upscale_cost``.
    """
    width, height = header.size
    disk = file_bytes(header, header.size, output)
    own = 2 * picture_bytes(header) + 2 * width * height + _PILLOW_BYTES * width * height
    losses = _fit(header, header.size, output)
    return Cost(header.size, 0.0, own + disk, disk, losses=losses)


def upscale_cost(
    header: Header,
    scale: int,
    size: tuple[int, int],
    output: AnyPath,
    tile_bytes: int,
) -> Cost:
    """Of enlarging by ``scale`` and resizing to ``size``."""
    width, height = header.size
    own = (width * scale, height * scale)
    disk = file_bytes(header, size, output)
    encoding = picture_bytes(header, size) + _PILLOW_BYTES * size[0] * size[1] + disk
    enlarging = picture_bytes(header, own) + tile_bytes
    resizing = 0
    if own != size:
        resizing = enlarging - tile_bytes + picture_bytes(header, size)
        resizing += _PILLOW_BYTES * own[0] * own[1]
    memory = picture_bytes(header) + max(enlarging, resizing, encoding)
    return Cost(size, 0.0, memory, disk, losses=_fit(header, size, output))


def add_costs(first: Cost, second: Cost) -> Cost:
    """Of two steps one after the other, of which the second makes the output."""
    return replace(
        second,
        seconds=first.seconds + second.seconds,
        memory_bytes=max(first.memory_bytes, second.memory_bytes),
    )


def refuse_if_too_large(cost: Cost, limit: int | None) -> None:
    """Raise an InputError for a job that would not fit into ``limit`` bytes with the whole program."""
    if limit is not None and cost.memory_bytes + PROGRAM_BYTES > limit:
        width, height = cost.size
        raise InputError(
            f"Its result of {width} x {height} pixels takes about "
            f"{format_size(cost.memory_bytes + PROGRAM_BYTES)} of memory, and {format_size(limit)} may be "
            "used; ask for a smaller size, close other programs or allow more memory."
        )
