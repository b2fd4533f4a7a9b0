"""A picture and a mask in memory, and the step from their pixels to a network's numbers and back.

A whole picture stays 8 or 16 bit per sample, as its file had it: only crops and tiles become float
tensors, so that 48 megapixels cost megabytes. Nothing here knows files (``models.imaging.files``
does) and nothing runs a network.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from remend.models.imaging.opencv import load_opencv

if TYPE_CHECKING:
    import torch  # at first use: the process that reads rare files needs none

Pixels = NDArray[np.uint8 | np.uint16]
"""Samples of a picture, 8 or 16 bits each."""
_SAMPLES = np.dtype(np.uint8), np.dtype(np.uint16)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a picture's file says beside its pixels.

    Attributes:
        icc_profile: The colour profile of the pixels as they are; None means sRGB by convention.
        exif: A TIFF-structured EXIF block without the ``Exif`` prefix, without orientation (the
            pixels are upright) and without a thumbnail (it would show the picture before the
            change).
        xmp: An XMP packet; without orientation, where the EXIF block named one.
        xmp_extension: The rest of a packet that a JPEG holds in two parts.
        iptc: An IPTC-IIM block.
        hdr: The code points (ITU-T H.273: primaries, transfer, matrix, range) of colours of a high
            dynamic range, which no profile holds; None = others.
        texts: Keywords and texts; comments have the keyword ``Comment``.
        dpi: Horizontal and vertical resolution in dots per inch.
        source_format: The format of the file read, such as ``jpeg``; None for a picture made in
            memory.
        grey: Whether the file had one colour channel, and so shall the file written.
        notes: Sentences about what was converted or dropped while reading.
    """

    icc_profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    xmp_extension: bytes | None = None
    iptc: bytes | None = None
    texts: tuple[tuple[str, str], ...] = ()
    hdr: bytes | None = None
    source_format: str | None = None
    grey: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An upright picture in the colour space of its own RGB profile.

    The arrays become read-only: a changed picture is a new one (``dataclasses.replace``).

    Attributes:
        rgb: (H, W, 3), uint8 or uint16; grey pictures hold the same value three times.
        alpha: (H, W) of the same type, 0 = transparent, not premultiplied; None = opaque.
        meta: What the file said beside the pixels.
    """

    rgb: Pixels
    alpha: Pixels | None = None
    meta: Metadata = field(default_factory=Metadata)

    def __post_init__(self) -> None:
        """Refuse arrays of another kind and make them read-only."""
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or 0 in self.rgb.shape:
            raise ValueError(f"rgb must be (H, W, 3) and not empty, but is {self.rgb.shape}")
        if self.rgb.dtype not in _SAMPLES:
            raise ValueError(f"rgb must be uint8 or uint16, but is {self.rgb.dtype}")
        self.rgb.setflags(write=False)
        if self.alpha is not None:
            if self.alpha.shape != self.rgb.shape[:2] or self.alpha.dtype != self.rgb.dtype:
                raise ValueError(
                    f"alpha must be {self.rgb.shape[:2]} {self.rgb.dtype}, "
                    f"but is {self.alpha.shape} {self.alpha.dtype}"
                )
            self.alpha.setflags(write=False)

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return self.rgb.shape[0]

    @property
    def width(self) -> int:
        """Columns of pixels."""
        return self.rgb.shape[1]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, in this order as people and Pillow say it."""
        return self.width, self.height

    @property
    def megapixels(self) -> float:
        """Millions of pixels."""
        return self.width * self.height / 1e6

    @property
    def bit_depth(self) -> int:
        """Bits per sample: 8 or 16."""
        return 8 * self.rgb.dtype.itemsize


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """Which pixels are missing.

    Attributes:
        values: (H, W) uint8, read-only: 255 = missing, 0 = keep, between = partly pasted.
        notes: Sentences about how a mask's file was understood.
    """

    values: NDArray[np.uint8]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an array of another kind and make it read-only."""
        if self.values.ndim != 2 or self.values.size == 0 or self.values.dtype != np.uint8:
            raise ValueError(
                "a mask must be (H, W) uint8 and not empty, "
                f"but is {self.values.shape} {self.values.dtype}"
            )
        self.values.setflags(write=False)

    @classmethod
    def from_array(cls, array: NDArray[Any]) -> "Mask":
        """Copy a mask from (H, W) bool (True = missing) or uint8 (255 = missing)."""
        if array.dtype == np.bool_:
            return cls(array.astype(np.uint8) * np.uint8(255))
        return cls(array.copy())

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, in this order as people and Pillow say it."""
        return self.values.shape[1], self.values.shape[0]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is missing."""
        return not self.values.any()

    @property
    def covers_everything(self) -> bool:
        """Whether no pixel is wholly known, so that there is nothing to fill from."""
        return bool(self.values.all())

    def inverted(self) -> "Mask":
        """Swap missing and known."""
        return Mask(255 - self.values, self.notes)

    def grown(self, px: int) -> "Mask":
        """Grow the missing area by ``px`` pixels on every side, or shrink it where ``px`` < 0.

        Corners become round (an elliptical structuring element). Outside the picture counts as
        neither missing nor known: a hole at the border is not eaten away from there.
        """
        if px == 0:
            return self
        cv2 = load_opencv()
        reach = abs(px)
        ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        change = cv2.dilate if px > 0 else cv2.erode
        return Mask(np.asarray(change(self.values, ellipse), np.uint8), self.notes)


def to_8_bit(pixels: Pixels) -> NDArray[np.uint8]:
    """Reduce 16-bit samples to 8 bits, each rounded to the nearest; 8-bit ones stay as they are."""
    if pixels.dtype == np.uint8:
        return np.asarray(pixels, np.uint8)
    # 65 535 = 255 x 257. A table needs no wider copy of the picture.
    table = ((np.arange(65_536) + 128) // 257).astype(np.uint8)
    return table[pixels]


def to_unit(crop: Pixels) -> "torch.Tensor":
    """Turn a crop into what networks see.

    Args:
        crop: (h, w, 3), uint8 or uint16, of any memory layout.

    Returns:
        A new (1, 3, h, w) float32 tensor on the CPU: 0 becomes -1, the largest value becomes 1.
    """
    import torch

    unit = torch.as_tensor(crop.astype(np.float32))
    unit.mul_(2.0 / np.iinfo(crop.dtype).max).sub_(1.0)
    return unit.permute(2, 0, 1).unsqueeze(0).contiguous()


def from_unit(
    tensor: "torch.Tensor", dtype: type[np.uint8] | type[np.uint16] | np.dtype[Any]
) -> Pixels:
    """Turn a network's answer into pixels; the exact inverse of ``to_unit`` for every value.

    Args:
        tensor: (1, 3, h, w) of any float type on any device; values beyond [-1, 1] are clipped.
        dtype: uint8 or uint16.

    Returns:
        A new (h, w, 3) array, each value rounded to the nearest.
    """
    import torch

    top = float(np.iinfo(dtype).max)
    unit = tensor.detach().squeeze(0).permute(1, 2, 0).to("cpu", torch.float32)
    levels = unit.add(1.0).mul_(top / 2.0).round_().clamp_(0.0, top)
    return levels.numpy().astype(dtype, order="C")
