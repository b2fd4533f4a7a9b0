"""Colour profiles laid out by hand after ICC.1:2022, so that what they must do to a colour is known."""

import struct


def icc_profile(space: bytes, kind: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Lay out an ICC version 2 profile."""
    table, body = struct.pack(">L", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">LL", start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    pcs = b"Lab " if kind == b"prtr" else b"XYZ "
    head = struct.pack(">L4sL4s4s4s12x4s", 0, b"lcms", 0x02100000, kind, space, pcs, b"acsp")
    head = head.ljust(68, b"\0") + struct.pack(">lll", 63190, 65536, 54061)  # D50
    profile = head.ljust(128, b"\0") + table + body
    return struct.pack(">L", len(profile)) + profile[4:]


def _xyz(x: float, y: float, z: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">lll", *(round(value * 65536) for value in (x, y, z)))


def _gamma(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">LH", 1, round(gamma * 256))


def wide_gamut_profile() -> bytes:
    """Make an RGB profile like Adobe RGB (1998): its primaries adapted to D50, gamma 2.2."""
    return icc_profile(
        b"RGB ",
        b"mntr",
        {
            b"wtpt": _xyz(0.9642, 1, 0.8249),
            b"rXYZ": _xyz(0.60974, 0.31111, 0.01947),
            b"gXYZ": _xyz(0.20528, 0.62567, 0.06087),
            b"bXYZ": _xyz(0.14919, 0.06322, 0.74457),
            b"rTRC": _gamma(2.2),
            b"gTRC": _gamma(2.2),
            b"bTRC": _gamma(2.2),
        },
    )


def grey_profile() -> bytes:
    return icc_profile(b"GRAY", b"mntr", {b"wtpt": _xyz(0.9642, 1, 0.8249), b"kTRC": _gamma(1.8)})


def cmyk_profile() -> bytes:
    """Make an unusual press: full cyan prints as middle grey (L* 53.585), all else as black."""
    nodes = [(0, 128, 128)] * 16
    nodes[0b0000] = (255, 128, 128)  # paper; 8-bit Lab: L* 100 = 255, a* and b* 0 = 128
    nodes[0b1000] = (round(53.585 * 2.55), 128, 128)  # the first channel varies least rapidly
    identity = bytes(range(256))
    matrix = struct.pack(">9l", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + matrix + identity * 4
    lut += bytes(value for node in nodes for value in node) + identity * 3
    return icc_profile(b"CMYK", b"prtr", {b"wtpt": _xyz(0.9642, 1, 0.8249), b"A2B0": lut})
