"""What a person asks for: how photos are filled, and how they are enlarged.

Command line, page, endpoints and Python all make these two from what they were given, so that each limit is
checked in one place. Which files are meant is no part of them. Nothing here loads a network.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remend.app.batch.target_size import LARGEST_SCALE, SMALLEST_SCALE, TargetSize
from remend.app.engine.catalogue import (
    card_of,
    default_damage_model,
    default_fill_model,
    default_upscale_model,
    find_model,
    thick_hole_model,
)
from remend.models.errors import OptionError

if TYPE_CHECKING:  # a request that is refused does not wait for torch
    from remend.models.inference.restorer import FillOptions, UpscaleOptions

SCALES = f"{SMALLEST_SCALE:g} to {LARGEST_SCALE:g}"
AUTO_MASK = "auto"
"""In place of a mask: damage is found by the program."""
AUTO_MODEL = "auto"
"""In place of a model: the program chooses, for each hole where it fills, by the factor where it enlarges."""
DEFAULT_SENSITIVITY = 0.5
_SMALLEST_TILE_PX = 32  # as ``models.inference.upscaler`` has it, which would load torch


@dataclass(frozen=True, slots=True)
class FillRequest:
    """How photos are filled.

    Attributes:
        model: Name or path of the weights; None = the default, "auto" = the default for thin damage, and for
            thick holes a network made for them, if the user has one.
        detail: 0 = the likeliest colours, 1 = with texture.
        grow: Pixels by which masks grow on every side, -1000 to 1000; negative = shrink.
        feather: Width of a soft edge outside the mask in pixels, 0 to 1000.
        invert_mask: White = keep instead.
        soft_mask: Paste in proportion to the mask's values, instead of wholly where it marks.
        strength: Of an adapter in the weights, 0 to 1.
        sensitivity: 0 to 1, with which damage is found in place of given masks; None = masks are given.

    Raises:
        OptionError: A value is out of range.
    """

    model: str | Path | None = None
    detail: float = 1.0
    grow: int = 0
    feather: int = 0
    invert_mask: bool = False
    soft_mask: bool = False
    strength: float = 1.0
    sensitivity: float | None = None

    def __post_init__(self) -> None:
        """Check the limits."""
        if self.sensitivity is not None:
            check_range("sensitivity", self.sensitivity, 0, 1)
            for name in ("invert_mask", "soft_mask"):
                if getattr(self, name):
                    raise OptionError(
                        name, True, "is for given masks, and here the program finds them"
                    )
        check_range("feather", self.feather, 0, 1000)
        check_range("grow", self.grow, -1000, 1000)
        check_range("detail", self.detail, 0, 1)
        check_range("strength", self.strength, 0, 1)

    @property
    def weights(self) -> Path:
        """The weights file; errors as ``find_model``."""
        named = None if self.model == AUTO_MODEL else self.model
        return find_model(named or default_fill_model(), "fill").absolute()

    @property
    def thick_weights(self) -> Path | None:
        """The weights that fill thick holes, where the program chooses and there are such."""
        name = thick_hole_model() if self.model == AUTO_MODEL else None
        return None if name is None else find_model(name, "fill").absolute()

    @property
    def damage_weights(self) -> Path | None:
        """The weights that find damage, where masks are not given; errors as ``find_model``."""
        if self.sensitivity is None:
            return None
        return find_model(default_damage_model(), "damage").absolute()

    @property
    def options(self) -> "FillOptions":
        """What the restorer is given."""
        from remend.models.inference.restorer import FillOptions

        return FillOptions(detail=self.detail, feather_px=self.feather)


@dataclass(frozen=True, slots=True)
class UpscaleRequest:
    """How photos are enlarged.

    Attributes:
        target: How large.
        model: Name or path of the weights; None = the default for the factor.
        detail: 0 = faithful, 1 = the refine stage in full; None = the restorer's default.
        denoise: 0 = noise is kept, 1 = all is taken away; None = the restorer's default.
        tta: Test-time augmentation: the mean over eight flips and turns.
        tile_px: Side of a tile in pixels of the photo, 32 or more; None = automatic, 0 = the whole photo.
        strength: Of an adapter in the weights, 0 to 1.

    Raises:
        OptionError: A value is out of range.
    """

    target: TargetSize = field(default_factory=TargetSize)
    model: str | Path | None = None
    detail: float | None = None
    denoise: float | None = None
    tta: bool = False
    tile_px: int | None = None
    strength: float = 1.0

    def __post_init__(self) -> None:
        """Check the limits."""
        if self.tile_px is not None and self.tile_px != 0 and self.tile_px < _SMALLEST_TILE_PX:
            limit = f"0, or {_SMALLEST_TILE_PX} pixels and more"
            raise OptionError("tile", self.tile_px, "is not possible", limit)
        if self.target.scale == 1 and self.model is None:
            problem = "is for models that keep the size, and none is named"
            raise OptionError("scale", self.target.scale, problem, SCALES)
        for name in ("detail", "denoise", "strength"):
            if (value := getattr(self, name)) is not None:
                check_range(name, value, 0, 1)

    @property
    def fixed_weights(self) -> Path | None:
        """The weights file where it is the same for every photo; errors as ``find_model``."""
        if self.model is not None or self.target.fixed_scale is not None:
            return self.weights_for((1, 1))
        return None

    def weights_for(self, size: tuple[int, int]) -> Path:
        """The weights file for a photo of that width and height.

        Raises:
            RequestError: As ``find_model``; or a scale of 1 with weights that enlarge.
            InputError: As ``TargetSize.scale_for``, where no model was named.
        """
        if self.model is not None:
            path = find_model(self.model, "upscale").absolute()
            enlarges = card_of(path).scale
            if self.target.scale == 1 and enlarges != 1:
                problem = (
                    f"is for models that keep the size, and {self.model} enlarges {enlarges} times"
                )
                raise OptionError("scale", self.target.scale, problem, SCALES)
            return path
        return find_model(default_upscale_model(self.target.scale_for(size)), "upscale").absolute()

    @property
    def options(self) -> "UpscaleOptions":
        """What the restorer is given, but for the size."""
        from remend.models.inference.restorer import UpscaleOptions

        asked: dict[str, Any] = {
            "detail": self.detail,
            "denoise": self.denoise,
            "tile_px": self.tile_px,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        return UpscaleOptions(tta=self.tta, **given)

    def options_for(self, size: tuple[int, int]) -> "UpscaleOptions":
        """The same for a photo of that width and height; errors as ``TargetSize.size_for``."""
        return replace(self.options, size=self.target.size_for(size))


def check_range(option: str, value: float, low: float, high: float) -> None:
    """Raise an OptionError for a value outside its limits."""
    if not low <= value <= high:
        raise OptionError(option, value, "is out of range", f"{low:g} to {high:g}")
