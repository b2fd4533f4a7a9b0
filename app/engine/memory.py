"""How much memory there is: sizes as people write them, and what is free here.

What a photo needs: ``app.batch.estimate``.
"""

import re
from pathlib import Path

import psutil

from remend.models.errors import OptionError

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SHARE = 0.8  # of what is free; the rest is for what other programs ask for meanwhile


def parse_size(text: str, option: str = "max_memory") -> int:
    """Turn ``2G``, ``1500M`` or ``2.5GB`` into bytes.

    Args:
        text: What was given.
        option: The option that was given so.

    Raises:
        OptionError: It is no size, or the size is 0.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?\s*", text.upper())
    if not match or not (size := int(float(match[1]) * _UNITS[match[2]])):
        raise OptionError(option, text, "is no size", "for example 2G or 500M")
    return size


def format_size(count: float) -> str:
    """Bytes as people say them: ``1.5 GB``."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def free_bytes(cgroup: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What a program may use without harm to others; None where the system does not say.

    Looks at the whole machine and at a container's limit, whichever is less.

    Args:
        cgroup: Where Linux shows the limits of a container (cgroup, version 2).
    """
    found = [number for number in (_machine(), _container(cgroup)) if number is not None]
    return int(min(found) * _SHARE) if found else None


def _machine() -> int | None:
    try:
        return psutil.virtual_memory().available
    except (OSError, RuntimeError):
        return None


def _container(cgroup: Path) -> int | None:
    """What is left of the limit; psutil does not look at it."""
    try:
        limit, used = (
            (cgroup / f"memory.{name}").read_text().strip() for name in ("max", "current")
        )
        return None if limit == "max" else max(0, int(limit) - int(used))
    except (OSError, ValueError):
        return None
