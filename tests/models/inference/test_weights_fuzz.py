"""Weights files by plan and by dice: no code of theirs runs, memory stays, each is refused in a sentence."""

import dataclasses
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from remend.models.checkpoints.checkpoint import read_card, read_tensors
from tests.helpers.hostile_weights import CANARY, hostile_files
from tests.helpers.onnx_graphs import filler, upscaler
from tests.models.inference.test_spandrel_adapter import ENLARGING

MOST_MIB = 300
"""Of memory beyond what the file itself has."""
WORKER = """
import json, os, signal, sys, traceback
from pathlib import Path
import torch
from remend.models.checkpoints.torchvision import import_torchvision
import_torchvision()
import spandrel
from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.models.inference.restorer import load_restorer
placement = Placement(torch.device("cpu"), torch.float32, "test")

def attempt(path):
    child = os.fork()
    if not child:
        signal.alarm(300)
        torch.set_num_threads(1)
        code = 3
        try:
            if path:
                load_restorer(Path(path), placement)
            code = 0
        except RequestError as error:
            print(error, file=sys.stderr, flush=True)
            code = 0 if "\\n" not in str(error) and str(error)[-1] == "." else 4
        except BaseException:
            traceback.print_exc()
        os._exit(code)
    _, status, used = os.wait4(child, 0)
    seconds = used.ru_utime + used.ru_stime
    return os.waitstatus_to_exitcode(status), used.ru_maxrss // 1024, seconds

_, usual, _ = attempt("")
for path in sys.stdin.read().splitlines():
    code, peak, seconds = attempt(path)
    print(json.dumps([path, code, peak - usual - os.stat(path).st_size // 2**20, seconds]))
"""


def good_files() -> dict[str, bytes]:
    """One of each kind."""
    network = ENLARGING["Compact"][1]()
    state = network.state_dict()
    files = {"state.safetensors": save(state)}
    for name, content, zipped in (
        ("state.pth", {"params": state}, True),
        ("old.pth", {"params": state}, False),
        ("whole.ckpt", network, True),
    ):
        buffer = io.BytesIO()
        torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
        files[name] = buffer.getvalue()
    jit: Any = torch.jit
    traced = jit.trace(network, torch.rand(1, 3, 8, 8), check_trace=False)
    files["program.pt"] = traced.save_to_buffer()
    files["enlarges.onnx"] = upscaler(multiple=2).SerializeToString()
    files["fills.onnx"] = filler().SerializeToString()
    return files


def attempt_all(files: list[tuple[str, bytes]], root: Path, folder: Path) -> list[Any]:
    """Open each in a process of its own; gives path, exit code, MiB and seconds."""
    paths = list[str]()
    for number, (name, data) in enumerate(files):
        paths.append(str(folder / f"{number}-{name}"))
        Path(paths[-1]).write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", WORKER],
        input="\n".join(paths),
        cwd=folder,
        env={"PYTHONPATH": str(root), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(files)
    bad = [result for result in results if result[1] != 0 or result[2] > MOST_MIB]
    assert not bad, (bad, done.stderr[-3000:])
    assert not (folder / CANARY).exists()
    return results


def test_some_strange_files_do_no_harm(tiny_weights: Path, root: Path, tmp_path: Path):
    path = tiny_weights / "x2-fidelity.safetensors"
    card = dataclasses.asdict(read_card(path))
    files = hostile_files(read_tensors(path), card, good_files(), 0)
    attempt_all(files[::9], root, tmp_path)


@pytest.mark.slow
def test_three_hundred_strange_files_do_no_harm(tiny_weights: Path, root: Path, tmp_path: Path):
    path = tiny_weights / "x2-fidelity.safetensors"
    card = dataclasses.asdict(read_card(path))
    attempt_all(hostile_files(read_tensors(path), card, good_files(), 300), root, tmp_path)
