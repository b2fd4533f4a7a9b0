"""Corrections to EXIF blocks laid out by hand after TIFF 6.0: what must change does, and nothing moves."""

import struct

import pytest
from PIL import Image

from remend.models.imaging.metadata.exif import exif_of_size, upright_exif

MAKER_NOTE = b"Maker\0" + bytes(range(64))
THUMBNAIL = b"\xff\xd8" + b"the picture as it was" + b"\xff\xd9"
ARTIST = "Jörg Weiß".encode() + b"\0"  # EXIF says ASCII; cameras write UTF-8


def exif_block(order: str = "<", *, thumbnail_last: bool = True, orientation: int = 6) -> bytes:
    """Lay out IFD0, its Exif directory with a maker's note, and IFD1 with a thumbnail."""

    def directory(entries: list[tuple[int, int, int, int]], following: int) -> bytes:
        packed = struct.pack(order + "H", len(entries))
        for tag, kind, count, value in entries:
            short = kind == 3 and count == 1
            packed += struct.pack(order + ("HHLHxx" if short else "HHLL"), tag, kind, count, value)
        return packed + struct.pack(order + "L", following)

    ifd0, camera, ifd1, artist, note = 8, 100, 200, 300, 320
    thumbnail = 400 if thumbnail_last else 240
    block = bytearray(400)
    block[:8] = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "L", ifd0)
    for position, content in (
        (
            ifd0,
            directory(
                [
                    (0x010F, 2, 4, int.from_bytes(b"Cam\0", "little" if order == "<" else "big")),
                    (0x0112, 3, 1, orientation),
                    (0x013B, 2, len(ARTIST), artist),
                    (0x8769, 4, 1, camera),
                ],
                ifd1,
            ),
        ),
        (
            camera,
            directory(
                [
                    (0x927C, 7, len(MAKER_NOTE), note),
                    (0xA002, 3, 1, 4000),
                    (0xA003, 4, 1, 3000),
                ],
                0,
            ),
        ),
        (ifd1, directory([(0x0201, 4, 1, thumbnail), (0x0202, 4, 1, len(THUMBNAIL))], 0)),
        (artist, ARTIST),
        (note, MAKER_NOTE),
    ):
        block[position : position + len(content)] = content
    block[thumbnail : thumbnail + len(THUMBNAIL)] = THUMBNAIL
    return bytes(block)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("thumbnail_last", [True, False])
def test_orientation_and_thumbnail_go_and_the_rest_stays_where_it_was(
    order: str, thumbnail_last: bool
):
    before = exif_block(order, thumbnail_last=thumbnail_last)
    after = upright_exif(before)

    exif = Image.Exif()
    exif.load(after)
    assert set(exif) == {0x010F, 0x013B, 0x8769}
    assert exif[0x010F] == "Cam"
    assert exif.get_ifd(0x8769)[0x927C] == MAKER_NOTE
    assert not exif.get_ifd(1)
    assert THUMBNAIL not in after and b"as it was" not in after
    for kept in (MAKER_NOTE, ARTIST):
        assert after.index(kept) == before.index(kept)
    assert len(after) == (400 if thumbnail_last else len(before))


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_pixel_size_is_corrected_whatever_its_type(order: str):
    after = exif_of_size(exif_block(order), 70_000, 12)

    exif = Image.Exif()
    exif.load(after)
    camera = exif.get_ifd(0x8769)
    assert (camera[0xA002], camera[0xA003]) == (70_000, 12)
    assert camera[0x927C] == MAKER_NOTE
    assert 0x0100 not in exif  # nothing is added


def test_a_block_with_nothing_but_an_orientation_becomes_empty():
    exif = Image.Exif()
    exif[0x0112] = 8

    assert upright_exif(exif.tobytes()[6:]) == b""


def test_a_block_without_what_has_to_go_stays_as_it_is():
    exif = Image.Exif()
    exif[0x010F] = "Cam"
    block = exif.tobytes()[6:]

    assert upright_exif(block) == block
    assert exif_of_size(block, 5, 6) == block


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"II*\0",
        b"XX*\0\x08\0\0\0\0\0\0\0\0\0",
        b"II*\0\x04\0\0\0\0\0\0\0\0\0",
        b"II*\0\xff\xff\xff\xff\0\0\0\0\0\0",
        exif_block()[:60],
    ],
)
def test_a_damaged_block_is_refused(block: bytes):
    with pytest.raises(ValueError, match="EXIF"):
        upright_exif(block)
    with pytest.raises(ValueError, match="EXIF"):
        exif_of_size(block, 1, 1)


def test_lying_offsets_of_a_thumbnail_do_no_harm():
    block = bytearray(exif_block())
    for start, length in ((2**32 - 1, 9), (4, 400), (390, 2**32 - 1), (0, 0)):
        struct.pack_into("<L", block, 200 + 2 + 8, start)
        struct.pack_into("<L", block, 200 + 2 + 12 + 8, length)
        exif = Image.Exif()
        exif.load(upright_exif(bytes(block)))
        assert exif.get_ifd(0x8769)[0x927C] == MAKER_NOTE
