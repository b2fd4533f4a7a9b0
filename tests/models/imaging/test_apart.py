"""A decoder that really crashes costs one photo: never a batch, never the page."""

import io
import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from remend.app.batch.manifest import MANIFEST_NAME
from remend.app.cli.main import main
from remend.app.page.repair.photo_sessions import PhotoSessions
from remend.models.errors import InputError
from remend.models.imaging.apart import close_readers
from remend.models.imaging.files import read_header, read_picture
from remend.models.imaging.frame import is_plain
from tests.helpers.paths import ROOT
from tests.helpers.picture_files import NARROW, WIDE, encoded, plain_tiff, wide_png

# A plugin of Pillow that aborts the process, as a heap that was written over does.
PLUGIN = """
import os
from PIL import BmpImagePlugin, Image, ImageFile

class Aborting(ImageFile.PyDecoder):
    def decode(self, buffer):
        os.abort()

Image.register_decoder("bmp_rle", Aborting)
"""


def rle_bmp() -> bytes:
    """Two red pixels in run lengths of 8 bits (BITMAPINFOHEADER, BI_RLE8)."""
    info = struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 8, 1, 6, 0, 0, 2, 0)
    palette, pixels = bytes([0, 0, 0, 0, 0, 0, 255, 0]), bytes([2, 1, 0, 0, 0, 1])
    start = 14 + len(info) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + 6, 0, 0, start) + info + palette + pixels


@pytest.fixture
def aborting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The plugin, loaded at the start of every new interpreter."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(PLUGIN)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(folder), str(ROOT))))
    close_readers()
    yield
    close_readers()


def test_without_the_plugin_the_file_is_read():
    assert read_picture(rle_bmp()).rgb.tolist() == [[[255, 0, 0], [255, 0, 0]]]


@pytest.mark.usefixtures("aborting")
def test_a_decoder_that_aborts_is_one_sentence(tmp_path: Path):
    path = tmp_path / "photo.bmp"
    path.write_bytes(rle_bmp())
    for _ in range(2):
        with pytest.raises(InputError, match=r"photo.bmp makes its decoder crash \(SIGABRT\)"):
            read_picture(path)
        assert read_picture(encoded(Image.new("RGB", (3, 2)), "BMP")).size == (3, 2)
    sessions = PhotoSessions(tmp_path, 9.0)  # what the page opens photos with
    with pytest.raises(InputError, match="SIGABRT"):
        sessions.open(path)


@pytest.mark.usefixtures("aborting", "tiny_models")
def test_a_batch_goes_past_a_decoder_that_aborts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in ("a.png", "c.bmp", "d.tif"):
        Image.new("RGB", (8, 8)).save(folder / name)
    (folder / "b.bmp").write_bytes(rle_bmp())
    command = ["upscale", str(folder), "-o", str(out), "-s", "2", "--json", "--quiet"]
    command += ["--model", "x2-fidelity"]

    for again in ([], ["--resume"]):
        assert main([*command, *again]) == 1
        entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        done = "skipped" if again else "done"
        assert [entry["status"] for entry in entries] == [done, "failed", done, done]
        lines = (out / MANIFEST_NAME).read_text().splitlines()
        record = {entry["output"]: entry for entry in map(json.loads, lines)}
        assert record["b.png"]["status"] == "failed" and "SIGABRT" in record["b.png"]["reason"]
        assert all(record[name]["status"] == "done" for name in ("a.png", "c.png", "d.tif"))


def lossless_jpeg(width: int, height: int, marker: int = 0xC3) -> bytes:
    """A grey lossless JPEG in which no pixel differs from its prediction (T.81, annex H): all are 128."""
    frame = struct.pack(">HBHHBBBB", 11, 8, height, width, 1, 1, 0x11, 0)
    codes = struct.pack(">HB", 20, 0) + bytes([1, *15 * [0]]) + b"\0"  # difference 0 is the bit 0
    scan = bytes([0, 8, 1, 1, 0, 1, 0, 0])
    pixels = bytes(-(-width * height // 8))
    return (
        b"\xff\xd8\xff" + bytes([marker]) + frame + b"\xff\xc4" + codes
        + b"\xff\xda" + scan + pixels + b"\xff\xd9"
    )  # fmt: skip


@pytest.mark.parametrize("side", [16, 64, 700])
def test_a_lossless_jpeg_is_read(side: int):
    # The strict second reading once wrote it over a buffer of an eighth of its size.
    picture = read_picture(lossless_jpeg(side, side))
    assert (picture.rgb == 128).all() and picture.rgb.shape == (side, side, 3)


@pytest.mark.parametrize("marker", [0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF])
def test_jpegs_of_rare_kinds_are_refused_or_read(marker: int):
    try:
        read_picture(lossless_jpeg(64, 64, marker))
    except InputError as error:
        assert "crash" not in str(error)


PHOTO = Image.fromarray(NARROW[..., :3].copy())


@pytest.mark.parametrize(
    ("content", "plain"),
    [
        (encoded(PHOTO, "JPEG"), True),
        (encoded(PHOTO, "JPEG", progressive=True), True),
        (encoded(PHOTO.convert("L"), "JPEG"), True),
        (b"\xff\xd8\xff" + encoded(PHOTO, "JPEG")[2:], True),  # a fill byte
        (encoded(PHOTO, "PNG"), True),
        (encoded(PHOTO.convert("CMYK"), "JPEG"), False),
        (lossless_jpeg(16, 16), False),
        (encoded(PHOTO, "JPEG")[:100], False),
        (b"\xff\xd8 words", False),
        (wide_png(WIDE[..., :3].copy(), 2), False),
        (encoded(PHOTO, "WEBP"), False),
        (encoded(PHOTO, "GIF"), False),
        (plain_tiff(NARROW), False),
        (b"", False),
    ],
)  # fmt: skip
def test_what_is_plain_is_seen_in_the_first_bytes(content: bytes, plain: bool):
    assert is_plain(io.BytesIO(content)) == plain


def test_pictures_arrive_whole_and_read_only(tmp_path: Path):
    path = tmp_path / "photo.tif"
    path.write_bytes(plain_tiff(WIDE, {338: 2}))
    for source in (path, path.read_bytes()):
        picture = read_picture(source)
        assert picture.alpha is not None
        assert np.array_equal(np.dstack((picture.rgb, picture.alpha)), WIDE)
        assert not picture.rgb.flags.writeable and not picture.alpha.flags.writeable
    webp = tmp_path / "photo.webp"
    PHOTO.save(webp)
    assert read_header(webp).size == PHOTO.size


def test_a_relative_path_means_the_folder_of_this_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for number in range(2):  # the second time the other process is there already
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        Image.new("RGB", (3 + number, 2)).save("photo.tif")
        assert read_picture(Path("photo.tif")).size == (3 + number, 2)


def test_many_threads_read_at_once():
    content, sums = encoded(Image.fromarray(NARROW[..., :3].copy()), "TIFF"), []
    threads = [
        threading.Thread(target=lambda: sums.append(int(read_picture(content).rgb.sum())))
        for _ in range(9)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sums == 9 * [int(NARROW[..., :3].sum())]


def test_a_script_is_not_run_again_and_leaves_no_process(tmp_path: Path):
    # multiprocessing would run a script without a guard a second time.
    script = tmp_path / "script.py"
    (tmp_path / "photo.tif").write_bytes(plain_tiff(NARROW[..., :3].copy()))
    script.write_text(
        "import os, sys\n"
        "print('begins')\n"
        "from pathlib import Path\n"
        "from remend.models.imaging.files import read_picture\n"
        "print(read_picture(Path('photo.tif')).size)\n"
        "if os.fork() == 0:\n"
        "    print(read_picture(Path('photo.tif')).size)\n"
        "else:\n"
        "    os.wait()\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout.split("\n"), done.stderr) == (["begins", "(7, 9)", "(7, 9)", ""], "")
