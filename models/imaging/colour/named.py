"""Colours that a file names by numbers or in a rare place: gAMA, cHRM, cICP, nclx, profiles in BMP and GIF.

They become a profile, which every format can hold; colours of a high dynamic range stay numbers, which PNG
holds. What counts, and how a curve is understood, is as in Chromium, so that a photo looks there as it did.
"""

import struct
from collections.abc import Mapping
from typing import BinaryIO, NamedTuple

from PIL import Image

from remend.models.imaging.colour.profiles import (
    D65,
    SRGB_CURVE,
    SRGB_PRIMARIES,
    Curve,
    Primaries,
    grey_profile,
    rgb_profile,
)
from remend.models.imaging.parts import gif_extensions, png_chunks, properties

_WHITE_C, _WHITE_DCI, _WHITE_E = (0.310, 0.316), (0.314, 0.351), (1 / 3, 1 / 3)
_SMPTE_170M = Primaries((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65)
_PRIMARIES = {
    1: SRGB_PRIMARIES,
    4: Primaries((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _WHITE_C),
    5: Primaries((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), D65),
    6: _SMPTE_170M,
    7: _SMPTE_170M,
    8: Primaries((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _WHITE_C),
    9: Primaries((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65),
    10: Primaries((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), _WHITE_E),
    11: Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _WHITE_DCI),
    12: Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65),
    22: Primaries((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), D65),
}
"""By the code points of ITU-T H.273, table 2."""
_CURVES = {
    4: Curve(2.2),
    5: Curve(2.8),
    7: Curve(1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4, 0.0913),
    8: Curve(1.0),
    13: SRGB_CURVE,
    17: Curve(2.6, (52.37 / 48) ** (1 / 2.6)),
}
"""By the code points of ITU-T H.273, table 3; those of television follow."""
_TELEVISION = (1, 6, 11, 14, 15)
_HDR = {16: "PQ", 18: "HLG"}
_SRGB_GAMMA, _SAME = 1 / 2.2, 0.01


class NamedColours(NamedTuple):
    """What a file names its colours by.

    Attributes:
        profile: Made from it; None = none, or sRGB.
        hdr: The four code points of H.273 (primaries, transfer, matrix, range) of a high dynamic range.
        decides: Whether it counts before a profile in the usual place.
        note: A sentence.
    """

    profile: bytes | None = None
    hdr: bytes | None = None
    decides: bool = False
    note: str = ""


def hdr_name(hdr: bytes) -> str:
    """What the transfer of high dynamic range is called."""
    return _HDR[hdr[1]]


def named_colours(image: Image.Image, stream: BinaryIO, *, grey: bool) -> NamedColours:
    """Find what a file names its colours by, other than a profile in the usual place.

    Args:
        image: As Pillow opened it.
        stream: The whole file; its position moves.
        grey: Whether its pixels have one colour channel.
    """
    match image.format:
        case "PNG":
            return _in_png(stream, grey)
        case "AVIF" | "HEIF":
            for name, content in properties(stream):
                if name == b"colr" and content[:4] == b"nclx" and len(content) >= 8:
                    return _of_codes(
                        *struct.unpack_from(">HH", content, 4), grey=grey, in_png=False
                    )
        case "BMP":
            return NamedColours(_profile_in_bmp(stream))
        case "GIF":
            for name, content in gif_extensions(stream):
                if name == b"ICCRGBG1012":
                    note = "Its colour profile, which browsers ignore in a GIF, was kept."
                    return NamedColours(content, note=note)
        case _:
            pass
    return NamedColours()


def _in_png(stream: BinaryIO, grey: bool) -> NamedColours:
    """Look in the order of W3C PNG, 4.3: cICP, a profile, sRGB, then gAMA and cHRM."""
    chunks: dict[bytes, bytes] = {}
    for name, content in png_chunks(stream):
        if name == b"IDAT":
            break
        chunks.setdefault(name, content)
    if len(codes := chunks.get(b"cICP", b"")) == 4 and codes[2:] == b"\0\1":
        named = _of_codes(codes[0], codes[1], grey=grey, in_png=True)
        if named.decides:
            return named
    if chunks.keys() & {b"iCCP", b"sRGB"} or len(chunks.get(b"gAMA", b"")) != 4:
        return NamedColours()
    return _of_gamma(chunks, grey)


def _of_gamma(chunks: Mapping[bytes, bytes], grey: bool) -> NamedColours:
    share = int.from_bytes(chunks[b"gAMA"]) / 100_000
    primaries = SRGB_PRIMARIES
    if len(points := chunks.get(b"cHRM", b"")) == 32:
        pairs = struct.iter_unpack(">LL", points)
        white, red, green, blue = ((x / 100_000, y / 100_000) for x, y in pairs)
        primaries = Primaries(red, green, blue, white)
    usual = all(
        abs(one - other) < _SAME / 10
        for point, known in zip(primaries, SRGB_PRIMARIES, strict=True)
        for one, other in zip(point, known, strict=True)
    )
    if share == 0 or (usual and abs(share - _SRGB_GAMMA) < _SAME):
        return NamedColours()
    try:
        if not 0.01 <= share <= 100:
            raise ValueError("a gamma that leaves black and white")
        return NamedColours(_profile(primaries, Curve(1 / share), grey))
    except ValueError:
        return NamedColours(
            note="The colours that the file names (gAMA, cHRM) are damaged; they were dropped."
        )


def _of_codes(primaries: int, transfer: int, *, grey: bool, in_png: bool) -> NamedColours:
    if not in_png and primaries in _PRIMARIES and transfer == 2:
        transfer = 13
    if primaries not in _PRIMARIES:
        return NamedColours()
    if transfer in _HDR:
        return NamedColours(hdr=bytes((primaries, transfer, 0, 1)), decides=in_png)
    curve = _CURVES.get(transfer)
    if transfer in _TELEVISION:
        curve = Curve(2.4) if in_png else SRGB_CURVE
    if curve is None:
        return NamedColours()
    if (_PRIMARIES[primaries], curve) == (SRGB_PRIMARIES, SRGB_CURVE):
        return NamedColours(decides=in_png)
    return NamedColours(_profile(_PRIMARIES[primaries], curve, grey), decides=in_png)


def _profile(primaries: Primaries, curve: Curve, grey: bool) -> bytes:
    return grey_profile(curve) if grey else rgb_profile(primaries, curve)


def _profile_in_bmp(stream: BinaryIO) -> bytes | None:
    """Read the profile of a BITMAPV5HEADER that says it has one."""
    stream.seek(0)
    header = stream.read(14 + 124)
    if len(header) < 14 + 124 or header[14:18] != struct.pack("<L", 124):
        return None
    start, length = struct.unpack_from("<LL", header, 14 + 112)
    if header[14 + 56 : 14 + 60] != b"DEBM" or length > 2**24:
        return None
    stream.seek(14 + start)
    profile = stream.read(length)
    return profile if len(profile) == length else None
