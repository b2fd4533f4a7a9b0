"""Streams that are full, closed or gone, names that are no text, and what libraries print past Python."""

import io
import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from remend.app.batch.inputs import split_list
from remend.app.engine.user_dirs import cache_folder, data_folder
from tests.helpers.commands import Remend, load, only_sentence, save
from tests.helpers.paths import ROOT

pytestmark = pytest.mark.usefixtures("here")
UPSCALE = f"{sys.executable} -m remend upscale photo.png -s 2 -o out.png"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="names and devices of Linux")


def shell(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)


@LINUX
def test_what_cannot_be_printed_is_lost_and_the_photo_is_not():
    save("photo.png")
    done = shell(f"{UPSCALE} --json > /dev/full")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last == (
        "remend: What it prints cannot be written (No space left on device); the work itself was done."
    )
    assert "Traceback" not in done.stderr
    assert load("out.png").shape == (80, 96, 3)


@LINUX
def test_closed_streams_are_no_place_for_a_photo():
    save("photo.png")
    assert shell(f"{UPSCALE} --json <&- >&- 2>&-").returncode == 0
    assert load("out.png").shape == (80, 96, 3)


@LINUX
def test_a_reader_who_has_had_enough_is_no_error():
    done = shell(f"{sys.executable} -m remend models | true")
    assert (done.returncode, done.stderr) == (0, "")


# What a C library does that complains: it writes past Python, in this process or in the one that reads files.
NOISE = """
import os
from PIL import ImageFile
load = ImageFile.ImageFile.load

def noisy(image):
    os.write(2, b"libnoise: warning\\n")
    return load(image)

ImageFile.ImageFile.load = noisy
"""


@pytest.mark.parametrize("name", ["photo.png", "photo.webp"])
def test_what_libraries_print_is_not_heard(name: str, monkeypatch: pytest.MonkeyPatch):
    Path("site").mkdir()
    Path("site/sitecustomize.py").write_text(NOISE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(Path("site").absolute()), str(ROOT))))
    save(name)
    command = f"{sys.executable} -m remend upscale {name} -s 2 -o out.png"
    done = shell(command)
    assert done.returncode == 0
    assert all(line.startswith(("note: ", f"{name} -> ")) for line in done.stderr.splitlines())
    assert "libnoise" in shell(f"{command} --debug").stderr


@LINUX
def test_names_that_are_no_text_are_valid_json(remend: Remend):
    save("in/b\udcff.png")
    done = remend("upscale in -s 2 -o out --json")
    assert done.code == 0
    (entry,) = done.objects
    assert entry["output"] == "out/b\ufffd.png"
    assert "\\ud" not in done.out.lower()
    assert Path("out/b\udcff.png").is_file()
    assert remend("upscale in -s 2 -o out --dry-run").code == 0


@LINUX
@pytest.mark.parametrize("end", [b"\0", b"\n"])
def test_a_list_of_names_on_stdin(remend: Remend, monkeypatch: pytest.MonkeyPatch, end: bytes):
    names = ["a b.png", "c\udcfe.png", *(["d\ne.png"] if end == b"\0" else [])]
    for name in names:
        save(name)
    written = b"".join(os.fsencode(name) + end for name in names)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(written)))
    assert remend("upscale - -s 2 -o out").code == 0
    assert {path.name for path in Path("out").glob("*.png")} == set(names)


def test_a_list_is_split_at_nul_where_there_is_one():
    assert split_list("a\nb\0c\0") == ["a\nb", "c", ""]
    assert split_list("a b\nc\n") == ["a b", "c", ""]


@LINUX
def test_a_user_without_a_home(remend: Remend, monkeypatch: pytest.MonkeyPatch):
    def nobody(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "REMEND_MODELS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert not data_folder().exists() and not cache_folder().exists()
    with pytest.raises(OSError):
        cache_folder().mkdir(parents=True)
    save("photo.png")
    done = remend("upscale photo.png -n ~/x.safetensors -o out.png")
    assert done.code == 2 and "is no file" in only_sentence(done)


def test_json_is_one_line_of_ascii(remend: Remend):
    save("ä.png")
    done = remend("upscale ä.png -s 2 -o out.png --json")
    assert done.out.isascii() and json.loads(done.out)["input"] == "ä.png"
