"""Colour profiles from primaries and a curve (ICC.1:2022), which Pillow's ImageCms cannot make.

A matrix profile of version 4: three primaries adapted to D50 by the Bradford method, one parametric curve.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Chromaticity = tuple[float, float]
"""CIE 1931 x and y."""


class Curve(NamedTuple):
    """From a stored value X to light Y, both 0 to 1: Y = (a X + b)^g, and c X below d (ICC.1:2022, 10.18)."""

    g: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0


class Primaries(NamedTuple):
    """The chromaticities of a colour space."""

    red: Chromaticity
    green: Chromaticity
    blue: Chromaticity
    white: Chromaticity


D65 = (0.3127, 0.3290)
SRGB_PRIMARIES = Primaries((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), D65)
SRGB_CURVE = Curve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)

_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def rgb_profile(primaries: Primaries, curve: Curve) -> bytes:
    """Make a profile of colours.

    Raises:
        ValueError: The primaries span no colours.
    """
    return _rgb_profile(primaries, _curve_tag(curve))


def grey_profile(curve: Curve) -> bytes:
    """Make a profile of greys."""
    return _profile(b"GRAY", {b"wtpt": _xyz_tag(_D50), b"kTRC": _curve_tag(curve)})


def rgb_profile_of_grey(profile: bytes) -> bytes | None:
    """Make a profile by which equal colours look as that grey; None = ``profile`` has no curve."""
    (number,) = struct.unpack_from(">L", profile, 128)
    for entry in range(132, min(132 + 12 * number, len(profile) - 11), 12):
        name, offset, length = struct.unpack_from(">4sLL", profile, entry)
        if name == b"kTRC" and offset + length <= len(profile):
            return _rgb_profile(SRGB_PRIMARIES, profile[offset : offset + length])
    return None


def _rgb_profile(primaries: Primaries, curve: bytes) -> bytes:
    matrix, adaptation = _matrix(primaries)
    columns = {
        name: _xyz_tag(column)
        for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), matrix.T, strict=True)
    }
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    adapted = b"sf32\0\0\0\0" + _fixed(adaptation.ravel())
    return _profile(b"RGB ", {b"wtpt": _xyz_tag(_D50), b"chad": adapted, **columns, **curves})


def _matrix(primaries: Primaries) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """From colours to XYZ under D50, and the adaptation to D50 in it."""
    if any(y <= 0 for _, y in primaries[1:]):
        raise ValueError("a chromaticity without brightness")
    points = np.array([[x, y, 1 - x - y] for x, y in primaries[:3]]).T
    x, y = primaries.white
    white = np.array([x / y, 1.0, (1 - x - y) / y])
    if abs(np.linalg.det(points)) < 1e-3:
        raise ValueError("primaries on one line")
    cone = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white))
    adaptation = np.linalg.inv(_BRADFORD) @ cone @ _BRADFORD
    return adaptation @ (points * np.linalg.solve(points, white)), adaptation


def _profile(space: bytes, tags: Mapping[bytes, bytes]) -> bytes:
    text = {b"desc": _text_tag("Named by the photo"), b"cprt": _text_tag("No copyright")}
    table, body = b"", b""
    places: dict[bytes, int] = {}
    start = 128 + 4 + 12 * (len(tags) + len(text))
    for name, content in (text | dict(tags)).items():
        if content not in places:  # equal curves are stored once
            places[content] = start + len(body)
            body += content + bytes(-len(content) % 4)
        table += name + struct.pack(">LL", places[content], len(content))
    length = start + len(body)
    head = struct.pack(">L4xL4s4s4s", length, 0x04400000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp")
    head = head.ljust(68, b"\0") + _fixed(_D50)
    return head.ljust(128, b"\0") + struct.pack(">L", len(tags) + len(text)) + table + body


def _fixed(numbers: Sequence[float] | NDArray[np.float64]) -> bytes:
    return struct.pack(f">{len(numbers)}l", *(round(float(n) * 65_536) for n in numbers))


def _xyz_tag(xyz: NDArray[np.float64]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(xyz)


def _curve_tag(curve: Curve) -> bytes:
    if curve == Curve(curve.g):
        return b"para\0\0\0\0\0\0\0\0" + _fixed([curve.g])
    return b"para\0\0\0\0\0\3\0\0" + _fixed(curve)


def _text_tag(text: str) -> bytes:
    content = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">LL4sLL", 1, 12, b"enUS", len(content), 28) + content
