"""What the browser sends to the page's functions: each field is what it should be, or the call is refused."""

import math
from collections.abc import Mapping
from typing import Any

from remend.app.batch.plan import FORMAT_SUFFIXES
from remend.models.errors import RequestError

_LARGEST = {"left": 10**6, "top": 10**6, "grow": 10**6}
_LARGEST_OF_OTHERS = 2**53  # as large as the browser counts
_TEXTS = frozenset(
    {"photo", "path", "mask", "format", "language", "replaces", "page", "model", "source"}
)
_OPTIONAL = frozenset({"language", "replaces", "page"})
_NUMBERS = frozenset(
    {"job", "left", "top", "grow", "sensitivity", "fills", "number", "waited", "x", "y", "detail"}
)


class Message(dict[str, Any]):
    """A message whose known fields have the right type; asking for one that is not there is a refusal.

    Args:
        sent: What came from the browser.

    Raises:
        RequestError: It is no object, or a field is not what it should be.
    """

    def __init__(self, sent: object) -> None:
        if not isinstance(sent, Mapping):
            raise RequestError("The call holds no message; reload the page.")
        super().__init__({str(name): value for name, value in sent.items()})
        for name, value in self.items():
            if not _is_right(name, value):
                raise RequestError(
                    f"The call's field {name} is not what it should be; reload the page."
                )

    def __missing__(self, name: str) -> Any:
        raise RequestError(f"The call's field {name} is missing; reload the page.")


def _is_right(name: str, value: object) -> bool:
    if value is None:
        return name not in _TEXTS | _NUMBERS or name in _OPTIONAL
    if name == "format":
        return value == "auto" or value in FORMAT_SUFFIXES
    if name in _TEXTS:
        return isinstance(value, str) and "\0" not in value
    if name in _NUMBERS:
        return (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and math.isfinite(value)
            and abs(value) <= _LARGEST.get(name, _LARGEST_OF_OTHERS)
        )
    return True
