"""Five hundred damaged photos: refused in a sentence or read with care; nothing crashes or hangs."""

import io
import random
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import InputError
from models.image_files import encode_picture, read_header, read_picture
from models.picture import Picture

MOST_SECONDS = 10.0
MANY = 500


def whole_files() -> list[bytes]:
    """A photo in every format that is read, plain and with everything a file can carry."""
    dice = np.random.default_rng(0)
    rgb = dice.integers(0, 256, (40, 56, 3), dtype=np.uint8)
    image, exif = Image.fromarray(rgb), Image.Exif()
    exif[0x010E] = "A scene"
    files = []
    for name in ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF"):
        stream = io.BytesIO()
        image.save(stream, name, **({} if name in ("BMP", "GIF") else {"exif": exif}))
        files.append(stream.getvalue())
    stream = io.BytesIO()
    image.convert("CMYK").save(stream, "JPEG")
    deep = Picture(rgb.astype(np.uint16) * 257, np.full((40, 56), 65_535, np.uint16))
    files += [stream.getvalue(), *(encode_picture(deep, name)[0] for name in ("png", "tiff"))]
    return files


def damaged_files(number: int) -> Iterator[bytes]:
    """Cut, flipped, overwritten, doubled, and with lying headers; the same ones each time."""
    dice, wholes = random.Random(7), whole_files()
    for index in range(number):
        content = bytearray(wholes[index % len(wholes)])
        match index // len(wholes) % 5:
            case 0:
                yield bytes(content[: dice.randrange(len(content))])
            case 1:
                for _ in range(dice.randint(1, 20)):
                    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
                yield bytes(content)
            case 2:  # in the header, where sizes and offsets are
                for _ in range(dice.randint(1, 4)):
                    content[dice.randrange(min(128, len(content)))] = dice.choice(
                        (0, 127, 128, 255)
                    )
                yield bytes(content)
            case 3:
                begin = dice.randrange(len(content))
                content[begin : begin + dice.randint(1, 400)] = dice.randbytes(dice.randint(0, 400))
                yield bytes(content)
            case _:
                begin = dice.randrange(len(content))
                yield bytes(content[:begin] + content[dice.randrange(begin + 1) :])


def test_damaged_photos_are_refused_in_a_sentence_or_read(tmp_path: Path):
    refused = 0
    for index, content in enumerate(damaged_files(MANY)):
        path = tmp_path / "photo.jpg"
        path.write_bytes(content)
        begin = time.monotonic()
        try:
            header = read_header(path)
            picture = read_picture(path)
            assert picture.size == header.size or picture.meta.source_format == "png", index
        except InputError as error:
            refused += 1
            assert str(error).count("photo.jpg") == 1 and str(error)[-1] in ".?)", str(error)
        # A bound that a hang breaks and a slow machine does not.
        assert time.monotonic() - begin < MOST_SECONDS, index
    assert 0.3 * MANY < refused < MANY


def png_of(width: int, height: int, pixels: bytes) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + packed


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (png_of(60_000, 60_000, bytes(1000)), "megapixels"),
        (png_of(19_000, 19_000, b""), "damaged"),
        (png_of(0, 10, b""), "picture"),
        (b"", "empty"),
        (b"\xff\xd8\xff" + bytes(5000), "picture"),
    ],
    ids=["bomb", "pixels missing", "no width", "nothing", "a beginning alone"],
)
def test_bombs_and_lies_are_named(content: bytes, words: str, tmp_path: Path):
    path = tmp_path / "photo.png"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_picture(path)
