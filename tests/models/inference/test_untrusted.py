"""Weights files made to do harm: refused in one sentence, nothing of them run, memory flat."""

import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn

from remend.models.errors import RequestError
from remend.models.inference.restorer import (
    load_restorer,
)
from tests.models.inference.test_spandrel_adapter import ENLARGING, FP32, noise, put


class Harm:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


def write_bomb(path: Path) -> None:
    """A valid ``.pth`` whose one storage would unpack to 200 MiB."""
    torch.save({"params": {"w": torch.zeros(1)}}, path)
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            with archive.open(name, "w", force_zip64=True) as file:
                for _ in range(200 if name.endswith("data/0") else 1):
                    file.write(bytes(2**20) if name.endswith("data/0") else data)


def write_lie(path: Path) -> None:
    """A tensor that claims a million million numbers, all the same one."""
    torch.save({"params": {"w": torch.zeros(1).expand(10**6, 10**6)}}, path)


def write_png(path: Path) -> None:
    """A PNG whose header claims 50 000 x 70 000 pixels, 10 GB."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 50_000, 70_000, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def write_script(path: Path) -> None:
    torch.jit.save(torch.jit.trace(nn.Conv2d(3, 3, 3), torch.zeros(1, 3, 8, 8)), path)


HARMFUL: dict[str, tuple[Callable[[Path], None], str]] = {
    "zipped.pth": (
        lambda path: torch.save({"params": {}, "x": Harm(path.with_name("ran"))}, path),
        r"more than tensors \(\w+\.system\)",
    ),
    "bare.pth": (
        lambda path: void(path.write_bytes(pickle.dumps(Harm(path.with_name("ran")), 2))),
        r"more than tensors \(\w+\.system\)",
    ),
    "bomb.pth": (write_bomb, "compressed archive"),
    "lie.pth": (write_lie, "claims"),
    "script.pt": (write_script, "no architecture"),
    "text.ckpt": (lambda path: void(path.write_text("hello")), "first bytes"),
    "long.safetensors": (
        lambda path: void(path.write_bytes((1 << 40).to_bytes(8, "little") + b"{}" * 50)),
        "no possible length",
    ),
    "large.safetensors": (
        lambda path: void(path.write_bytes(lying_header())),
        "size is not that of its tensors",
    ),
}


def void(_: Any) -> None:
    """For lambdas that return nothing."""


def lying_header() -> bytes:
    entry = b'{"w": {"dtype": "F32", "shape": [100000, 25000], "data_offsets": [0, 10000000000]}}'
    return len(entry).to_bytes(8, "little") + entry + bytes(100)


RUN = """
import resource, sys
from remend.app.cli.main import main
code = main(sys.argv[1:])
print("PEAK", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
raise SystemExit(code)
"""


def peak_and_complaint(root: Path, *arguments: str | Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", RUN, *map(str, arguments)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (1, 2), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return int(done.stdout.rpartition("PEAK")[2]), done.stderr.strip()


@pytest.mark.parametrize("name", HARMFUL)
def test_harmful_files_are_refused_in_one_sentence(name: str, tmp_path: Path):
    write, sentence = HARMFUL[name]
    path = tmp_path / name
    write(path)
    with pytest.raises(RequestError, match=sentence) as caught:
        load_restorer(path, FP32)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bomb.pth", "lie.pth", "large.safetensors", "huge.png"])
def test_harmful_files_cost_no_memory(name: str, root: Path, tmp_path: Path):
    good = tmp_path / "good.png"
    Image.fromarray(noise(8, 8).rgb).save(good)
    harmless = put(ENLARGING["Compact"][1](), tmp_path / "good.pth")
    bad = tmp_path / name
    photo, model = (bad, harmless) if name == "huge.png" else (good, bad)
    if name == "huge.png":
        write_png(bad)
    else:
        HARMFUL[name][0](bad)
    command = ["-o", tmp_path / "out.png", "--device", "cpu"]
    peak, complaint = peak_and_complaint(root, "upscale", photo, "--model", model, *command)
    usual, _ = peak_and_complaint(root, "upscale", harmless, "--model", harmless, *command)
    assert complaint.count("\n") == 0 and bad.name in complaint
    assert peak < usual + 100, "MiB"
