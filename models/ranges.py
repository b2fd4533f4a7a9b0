"""The ranges that fields of recipes and of networks' configs can have, each in one place.

A field is annotated with its range: ``width: Channels = 64``. The range is checked wherever a table becomes a
dataclass (`training.recipe.parse`); building a config in Python checks nothing.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field

Number = TypeVar("Number", int, float)

Count = Annotated[int, Field(ge=1)]
CountOrNone = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Momentum = Annotated[float, Field(ge=0, lt=1)]
"""A decay of a running average: at 1 it would never move."""
Channels = Annotated[int, Field(ge=1, le=4096)]
Depth = Annotated[int, Field(ge=1, le=256)]
"""How many layers or blocks, where there must be one."""
DepthOrNone = Annotated[int, Field(ge=0, le=256)]
Scale = Annotated[int, Field(ge=1, le=8)]
"""Times that an upscaler enlarges."""


def refuse_falling(pair: tuple[Number, Number]) -> tuple[Number, Number]:
    """The pair (least, largest).

    Raises:
        ValueError: The least is the larger one.
    """
    if pair[0] > pair[1]:
        raise ValueError(f"the least comes first: [{pair[1]:g}, {pair[0]:g}]")
    return pair


def refuse_not_growing(values: tuple[Number, ...]) -> tuple[Number, ...]:
    """Numbers, each larger than the one before.

    Raises:
        ValueError: One of them is not.
    """
    for before, after in pairwise(values):
        if after <= before:
            raise ValueError(
                f"each must be larger than the one before, and {after:g} follows {before:g}"
            )
    return values


ShareRange = Annotated[tuple[Share, Share], AfterValidator(refuse_not_growing)]
NonNegativeRange = Annotated[tuple[NonNegative, NonNegative], AfterValidator(refuse_falling)]
GrowingCounts = Annotated[tuple[Count, ...], AfterValidator(refuse_not_growing)]


def kinds_of(table: Mapping[str, object]) -> Callable[[Mapping[str, float]], Mapping[str, float]]:
    """A check of shares by kind: all kinds are in the table, and one of them is wanted at all.

    What it returns raises a ValueError for other shares.
    """

    def check(shares: Mapping[str, float]) -> Mapping[str, float]:
        for kind in shares:
            if kind not in table:
                raise ValueError(f"there is no kind {kind!r}; the kinds are {', '.join(table)}")
        if not sum(shares.values()):
            raise ValueError(
                f"one of the shares must be more than 0; the kinds are {', '.join(table)}"
            )
        return shares

    return check
