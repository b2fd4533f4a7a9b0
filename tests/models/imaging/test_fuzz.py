"""Five hundred damaged photos: refused in a sentence or read with a word; nothing crashes or hangs."""

import io
import json
import random
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from remend.app.batch.manifest import MANIFEST_NAME
from remend.app.cli.main import main
from remend.models.errors import InputError
from remend.models.imaging.files import encode_picture, read_header, read_picture
from remend.models.imaging.picture import Picture

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


@pytest.mark.slow
def test_a_folder_of_damaged_photos_goes_through_the_command(
    tmp_path: Path, tiny_models: Path, capsys: pytest.CaptureFixture[str]
):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    names = ("jpg", "png", "webp", "tif", "bmp", "gif", "avif", "jpeg", "png", "tiff")
    for index, content in enumerate(damaged_files(MANY)):
        (folder / f"{index:03}.{names[index % len(names)]}").write_bytes(content)
    assert main(["upscale", str(folder), "-o", str(out), "-s", "2", "--json", "--quiet"]) == 1
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err and "Unexpected" not in shown.err
    entries = [json.loads(line) for line in shown.out.splitlines()]
    assert len(entries) == MANY
    done = [Path(entry["output"]) for entry in entries if entry["status"] == "done"]
    assert sorted(done) == sorted(path for path in out.iterdir() if path.name != MANIFEST_NAME)
    for entry in entries:
        assert entry["seconds"] < MOST_SECONDS
        assert (entry["status"] == "failed") == bool(entry.get("reason"))
    for path in done:
        with Image.open(path) as image:
            image.load()


# Damage that decoders let pass


def pattern(side: int = 64) -> Image.Image:
    dice = np.random.default_rng(1).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(dice)


def file_of(name: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    pattern().save(stream, name, **options)
    return stream.getvalue()


def overwritten(content: bytes, share: float) -> bytes:
    begin = int(len(content) * share)
    return content[:begin] + bytes(40) + content[begin + 40 :]


@pytest.mark.parametrize(
    ("whole", "damaged"),
    [
        (file_of("JPEG"), overwritten(file_of("JPEG"), 0.5)),
        (file_of("JPEG"), file_of("JPEG")[:-300] + b"\xff\xd9"),
        (file_of("JPEG", progressive=True), file_of("JPEG", progressive=True)[:-300] + b"\xff\xd9"),
        (file_of("BMP"), file_of("BMP") + file_of("BMP")[-999:]),
        (file_of("AVIF"), file_of("AVIF") + bytes(30)),
    ],
    ids=["JPEG", "JPEG without its end", "progressive JPEG", "BMP", "AVIF"],
)
def test_damage_that_decoders_let_pass_is_noted(whole: bytes, damaged: bytes):
    assert read_picture(whole).meta.notes == ()
    (note,) = read_picture(damaged).meta.notes
    assert note.startswith("The file is damaged (") and note.endswith("are wrong.")


def test_checksums_of_tiff_are_looked_at():
    # Flips that make a strip longer than its picture: libtiff stops before the checksum then.
    y, x = np.mgrid[:96, :128]
    deep = np.stack([x * 300, y * 500, (x * y) % 9000], 2).astype(np.uint16)
    whole = encode_picture(Picture(deep), "tiff")[0]
    assert read_picture(whole).meta.notes == ()
    noted = 0
    for place in range(400, len(whole), 41):
        damaged = bytearray(whole)
        damaged[place] ^= 16
        try:
            picture = read_picture(bytes(damaged))
        except InputError:
            continue
        (note,) = picture.meta.notes
        assert note.startswith(
            "The file is damaged (piece 1 of its pixels is not what its checksum"
        )
        noted += 1
    assert noted > 3


def test_a_cmyk_photo_that_is_whole_is_not_suspected():
    stream = io.BytesIO()
    pattern().convert("CMYK").save(stream, "JPEG")
    (note,) = read_picture(stream.getvalue()).meta.notes
    assert "damaged" not in note


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
