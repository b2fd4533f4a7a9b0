"""How large an upscaled picture is to be: what the person asked for, and what that means for a photo.

Nothing here resizes anything, and nothing here loads a network.
"""

from dataclasses import dataclass

from remend.models.errors import InputError, OptionError, RequestError

SMALLEST_SCALE = 1.5
LARGEST_SCALE = 8.0
DEFAULT_SCALE = 4.0


@dataclass(frozen=True, slots=True)
class TargetSize:
    """The size asked for: a factor, or limits in pixels, or an area; nothing at all is the factor 4.

    Attributes:
        scale: 1.5 to 8 times the photo's width and height, or 1 for models that keep the size.
        width: Pixels across the result. With ``height``, the result is as large as fits into both.
        height: Pixels down the result.
        megapixels: Millions of pixels of the result.

    Raises:
        RequestError: Two that exclude each other, or a value that can never be right.
    """

    scale: float | None = None
    width: int | None = None
    height: int | None = None
    megapixels: float | None = None

    def __post_init__(self) -> None:
        """Refuse sizes that no photo can have."""
        sides = self.width is not None or self.height is not None
        if (self.scale is not None) + sides + (self.megapixels is not None) > 1:
            raise RequestError(
                "Only one of scale, width and height, and megapixels can set the size; "
                "leave the others out."
            )
        same = self.scale == 1  # for models that keep the size
        if (
            self.scale is not None
            and not same
            and not SMALLEST_SCALE <= self.scale <= LARGEST_SCALE
        ):
            limit = f"{SMALLEST_SCALE:g} to {LARGEST_SCALE:g}"
            raise OptionError("scale", self.scale, "is out of range", limit)
        for name in ("width", "height", "megapixels"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise OptionError(name, value, "is not possible", "more than 0")

    @property
    def fixed_scale(self) -> float | None:
        """The factor where it is the same for every photo, else None."""
        if self.width or self.height or self.megapixels:
            return None
        return self.scale or DEFAULT_SCALE

    def scale_for(self, size: tuple[int, int]) -> float:
        """The factor for a photo of ``size`` (width, height).

        Raises:
            InputError: The photo would have to shrink, or to grow more than 8 times.
        """
        if self.fixed_scale is not None:
            return self.fixed_scale
        width, height = size
        if self.megapixels:
            scale = (self.megapixels * 1e6 / (width * height)) ** 0.5
        else:
            scale = min(
                side / old
                for side, old in ((self.width, width), (self.height, height))
                if side is not None
            )
        if not 1 <= scale <= LARGEST_SCALE:
            raise InputError(
                f"{width} x {height} pixels would have to become {scale:.3g} times as large, and 1 to "
                f"{LARGEST_SCALE:g} times is possible; ask for another size."
            )
        return scale

    def size_for(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height of the result for a photo of ``size``; errors as ``scale_for``."""
        scale = self.scale_for(size)
        width, height = (max(1, round(side * scale)) for side in size)
        return width, height
