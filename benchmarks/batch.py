"""How close a folder comes to the network's own rate, and what memory photos take, in one run.

    python -m benchmarks.batch [rate] [memory] [--photos N] [--model NAME] [--format jpg]... [--threads N]

``rate``: mixed photos as files through the whole command, against the network alone on the same tiles;
made of the photos in ``--data``, in turn, or of one that the gradio package brings along.
``memory``: peak memory of one photo enlarged twice, by its size, with the time of the network left out (a
network of one block; ``tile`` is what the shipped one's tile takes more). Prints markdown; quote ratios of
one run, not its seconds. ``share`` is the network's own time in the whole; that of CPU time is what it would
be without any overlap, and holds on a machine that others use too.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.entry import enter
from benchmarks.speed import shipped_photo
from remend.app.batch.inputs import find_inputs
from remend.app.batch.pipeline import run_plan
from remend.app.batch.plan import Naming, make_folder, make_plan
from remend.app.batch.requests import UpscaleRequest
from remend.app.batch.target_size import TargetSize
from remend.app.batch.upscale_work import UpscaleWork
from remend.app.engine.catalogue import find_model
from remend.app.engine.model_pool import ModelPool
from remend.models.checkpoints.checkpoint import Card, save_network
from remend.models.checkpoints.registry import build_network
from remend.models.device import choose_placement
from remend.models.imaging.files import is_picture_name, read_picture, write_picture
from remend.models.imaging.picture import Picture
from remend.models.inference.upscaler import UpscaleOptions

SIZES = ((64, 48), (96, 96), (160, 120), (48, 200), (256, 192))
"""Width and height of the mixed photos, in turn."""
PARTS = 10


def resized(photo: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """The photo at a size."""
    return np.asarray(cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def mixed_pictures(photos: Sequence[Path], number: int) -> list[Picture]:
    """Small pictures of several sizes and shapes."""
    read = [np.asarray(read_picture(photo).rgb, np.uint8) for photo in photos[:number]]
    return [Picture(resized(read[i % len(read)], *SIZES[i % len(SIZES)])) for i in range(number)]


def rate_row(folder: Path, pictures: Sequence[Picture], model: str, kind: str) -> str:
    """Photos through files and through the network alone, by turns in ten parts of the run."""
    number = len(pictures)
    source = folder / f"in-{model}-{kind}"
    source.mkdir()
    for index, picture in enumerate(pictures):
        write_picture(picture, source / f"{index:04}.jpg")
    pool = ModelPool([choose_placement()])
    upscaler = pool.upscaler(find_model(model, "upscale"))
    scale = upscaler.card.scale
    work = UpscaleWork(pool, UpscaleRequest(TargetSize(scale=scale), model))
    alone = whole = 0.0
    alone_cpu = whole_cpu = 0.0
    for part in range(PARTS):  # a shared machine changes its speed: both are timed by turns
        chosen = range(part, number, PARTS)
        begin, begin_cpu = time.perf_counter(), time.process_time()
        for index in chosen:
            upscaler.restore(pictures[index], UpscaleOptions())
        alone += time.perf_counter() - begin
        alone_cpu += time.process_time() - begin_cpu
        out = folder / f"out-{model}-{kind}-{part}"
        make_folder(out)
        found = find_inputs([str(source / f"{i:04}.jpg") for i in chosen], output=out)
        plan = make_plan(found, out, Naming(kind))
        begin, begin_cpu = time.perf_counter(), time.process_time()
        failed = [result.reason for result in run_plan(plan, work) if result.status != "done"]
        whole += time.perf_counter() - begin
        whole_cpu += time.process_time() - begin_cpu
        assert not failed, failed
    megapixels = sum(picture.megapixels for picture in pictures) * scale**2
    return (
        f"| {model}, {kind} | {number / whole:.2f} | {megapixels / whole:.3f} | "
        f"{megapixels / alone:.3f} | {alone / whole:.2f} | {alone_cpu / whole_cpu:.2f} |"
    )


def memory_row(folder: Path, photo: NDArray[np.uint8], megapixels: float, kind: str) -> str:
    """Peak memory of a process that enlarges one photo twice."""
    width = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    height = width * 3 // 4
    source, weights = folder / "large.jpg", folder / "small.safetensors"
    write_picture(Picture(resized(photo, width, height)), source)
    network = build_network("upscale", {"scale": 2, "width": 8, "blocks": 1})
    card = Card("upscale", "upscale", {"scale": 2, "width": 8, "blocks": 1}, "small", 2)
    save_network(weights, network, card)
    code = (
        "import resource, sys; from remend.app.cli.main import main; code = main(sys.argv[1:]); "
        "print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    words = ["upscale", source, "-s", "2", "-n", weights, "-o", folder / f"large-x2.{kind}"]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words), "--quiet"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parent.parent,
    )
    code, peak = done.stdout.split()
    assert code == "0", done.stderr
    return f"| {width} x {height}, {kind} | {megapixels:g} | {int(peak) * 1024 / 1e9:.2f} |"


def main() -> None:
    """Read the arguments, print the tables."""
    parser = argparse.ArgumentParser(description="A folder against the network alone; memory.")
    parser.add_argument("parts", nargs="*", default=["rate", "memory"])
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--model", action="append")
    parser.add_argument("--format", action="append", dest="formats")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--megapixels", type=float, action="append")
    parser.add_argument("--data", type=Path, help="a folder of photos")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    photos = [shipped_photo()]
    if arguments.data:
        photos = sorted(path for path in arguments.data.rglob("*") if is_picture_name(path))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "rate" in arguments.parts:
            pictures = mixed_pictures(photos, arguments.photos)
            print("| what | photos/s | MP/s out | network alone, MP/s | share | of CPU time |")
            print("| --- | ---: | ---: | ---: | ---: | ---: |")
            for model in arguments.model or ["x4-fidelity"]:
                for kind in arguments.formats or ["jpg", "png"]:
                    print(rate_row(folder, pictures, model, kind), flush=True)
            print()
        if "memory" in arguments.parts:
            tile = ModelPool([choose_placement()]).upscaler("x2-fidelity").tile_bytes(256) / 1e9
            print(f"| photo, x2 | megapixels | peak GB (+ {tile:.2f} for a tile of x2-fidelity) |")
            print("| --- | ---: | ---: |")
            photo = np.asarray(read_picture(photos[0]).rgb, np.uint8)
            for megapixels in arguments.megapixels or (1, 12, 48):
                for kind in arguments.formats or ["jpg"]:
                    print(memory_row(folder, photo, megapixels, kind), flush=True)


if __name__ == "__main__":
    enter(main)
