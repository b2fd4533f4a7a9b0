"""Seconds of our restorers beside other programs' and this machine's convolution peak, in one run.

    python -m benchmarks.speed [fill] [upscale] [train] [--threads N] [--precision P] [--photo FILE]

Prints a markdown table of medians. Machines differ and shared ones are noisy, so quote the ratios of one
run, not its seconds. ``train`` times a step of the training recipes.
"""

import argparse
import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from benchmarks import peer_runs
from benchmarks.entry import enter
from benchmarks.peer_runs import ROOT, Peer
from remend.app.engine.catalogue import find_model
from remend.models.checkpoints.torchvision import import_torchvision
from remend.models.device import Placement, choose_placement
from remend.models.device_names import PrecisionName
from remend.models.imaging.files import read_picture
from remend.models.imaging.picture import Mask, Picture
from remend.models.inference.restorer import Inpainter, Upscaler, load_restorer
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.run_folder import RunFolder
from remend.training.engine.trainer import Trainer
from remend.training.recipe.parse import read_recipe

Pixels = NDArray[np.uint8]
Row = tuple[str, str, float]


def shipped_photo() -> Path:
    """A photo that the gradio package brings along."""
    spec = importlib.util.find_spec("gradio")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "media_assets" / "images" / "tower.jpg"


def seconds(work: Callable[[], object], runs: int = 5) -> float:
    """Median wall time after one warm-up."""
    work()
    taken = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def convolution_peak(placement: Placement) -> Row:
    """What a dense 3x3 convolution of 64 channels reaches here."""
    x = torch.randn(1, 64, 256, 256).to(placement.device, memory_format=torch.channels_last)
    weight = torch.randn(64, 64, 3, 3).to(placement.device, memory_format=torch.channels_last)

    def work() -> None:
        with torch.inference_mode(), placement.autocast():
            F.conv2d(x, weight, padding=1)

    flops = 2 * 64 * 64 * 9 * 256 * 256
    return ("convolution peak", f"GFLOP/s, {placement.reason}", flops / seconds(work) / 1e9)


def enlarge_to(rgb: Pixels, width: int, height: int) -> Pixels:
    """The photo at a size to time at."""
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def fill_rows(photo: Pixels, placement: Placement, threads: int) -> list[Row]:
    """One hole in crops of 256 and 512 px and in a photo of 12 megapixels, ours and the peers'."""
    restorer = load_restorer(find_model("fill", "fill"), placement)
    assert isinstance(restorer, Inpainter)
    rows = []
    for name, width, height, side in (
        ("256 px", 256, 256, 90),
        ("512 px", 512, 512, 180),
        ("12 megapixels, hole of 300 px", 4000, 3000, 300),
    ):
        rgb = enlarge_to(photo, width, height)
        mask = np.zeros((height, width), np.uint8)
        top, left = (height - side) // 2, (width - side) // 2
        cv2.ellipse(
            mask, (left + side // 2, top + side // 2), (side // 2, side // 3), 30, 0, 360, 255, -1
        )
        picture, hole = Picture(rgb), Mask(mask)
        ours = seconds(lambda p=picture, h=hole: restorer.restore(p, h))
        rows.append(("Remend fill", f"{name}, s", ours))
        # Minutes each on large photos: the crops say enough about those.
        methods = peer_runs.FILLERS if width <= 512 else ("telea", "navier-stokes")
        for method in methods:
            with Peer(method, threads=threads) as peer:
                peer(rgb, mask)
                rows.append((method, f"{name}, s", peer.seconds))
    return rows


def upscale_rows(photo: Pixels, placement: Placement, threads: int, precision: str) -> list[Row]:
    """512 x 512 px enlarged: seconds, and peak memory of the whole process."""
    rgb = enlarge_to(photo, 512, 512)
    rows = []
    for scale in (2, 4):
        models = [f"x{scale}-{kind}" for kind in ("fast", "fidelity", "photo")]
        for model in models:
            restorer = load_restorer(find_model(model, "upscale"), placement)
            assert isinstance(restorer, Upscaler)
            took = seconds(lambda r=restorer: r.restore(Picture(rgb.copy())), runs=3)
            rows.append((f"Remend {model}", "512x512 px, s", took))
            rows.append(
                (
                    f"Remend {model}",
                    "whole process, MB",
                    own_peak_mb(model, rgb, threads, precision),
                )
            )
        for method in peer_runs.ENLARGERS[scale]:
            if method == "realesrgan-x4plus":
                continue  # Half a minute a run and 14 GB in ncnn; `rrdb_row` times its network.
            with Peer(method, scale, threads) as peer:
                taken = []
                for _ in range(3):
                    peer(rgb, scale)
                    taken.append(peer.seconds)
                rows.append((f"{method} x{scale}", "512x512 px, s", statistics.median(taken)))
                rows.append((f"{method} x{scale}", "whole process, MB", peer.peak_mb))
    return [*rows, rrdb_row(placement)]


def rrdb_row(placement: Placement) -> Row:
    """The network of Real-ESRGAN x4plus with random weights, in torch as ours are.

    It is timed on 128 x 128 px, where neither memory nor tiling costs it anything, and times sixteen.
    """
    import_torchvision()
    arch = importlib.import_module("spandrel.architectures.ESRGAN.__arch.RRDB")
    network = arch.RRDBNet(in_nc=3, out_nc=3, num_filters=64, num_blocks=23, scale=4).eval()
    layout: Any = {"memory_format": torch.channels_last}
    network.to(placement.device, **layout)
    pixels = torch.zeros(1, 3, 128, 128).to(placement.device, **layout)

    def work() -> None:
        with torch.inference_mode(), placement.autocast():
            network(pixels)

    return (
        "RRDBNet, 23 blocks, in torch",
        "512x512 px, s (16 x 128x128 px)",
        16 * seconds(work, 2),
    )


def own_peak_mb(model: str, rgb: Pixels, threads: int, precision: str) -> float:
    """Peak resident memory of ``remend upscale``, a process from start to end."""
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.png"
        cv2.imwrite(str(photo), rgb[..., ::-1])
        words = ["upscale", photo, "-o", Path(folder) / "large.png", "--model", model]
        words += ["-s", model[1], "--threads", threads, "--precision", precision, "--quiet"]
        program = (
            "import sys; from remend.app.cli.main import main; from benchmarks.peers import peak_mb; "
            "code = main(); print(peak_mb()); sys.exit(code)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, *map(str, words)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return float(done.stdout.split()[-1])


def train_rows(photo_file: Path, placement: Placement) -> list[Row]:
    """Images a second of a training step of the shipped recipes."""
    recipes = ROOT / "training" / "recipes"
    rows = []
    for name in ("fill", "upscale-x2", "upscale-x4"):
        recipe = read_recipe(recipes / f"{name}.toml", ["data.held_out=1"])
        photos = PhotoStore.load([photo_file, photo_file], min_side=recipe.data.crop)
        with tempfile.TemporaryDirectory() as folder:
            run = RunFolder(Path(folder) / "run", recipe, resume=False)
            trainer = Trainer(recipe, photos, run, placement)
            took = seconds(trainer.step)
        rows.append((f"recipe {name}", "images a second in training", recipe.data.batch / took))
    return rows


def main() -> None:
    """Read the arguments, print the table."""
    parser = argparse.ArgumentParser(description="Seconds beside other programs, in one run.")
    parser.add_argument("parts", nargs="*", default=["fill", "upscale", "train"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=get_args(PrecisionName), default="auto")
    parser.add_argument("--photo", type=Path, help="any photo; default: one that gradio ships")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    placement = choose_placement(precision=arguments.precision)
    file = arguments.photo or shipped_photo()
    photo = np.asarray(read_picture(file).rgb, np.uint8)
    rows = [convolution_peak(placement)]
    if "fill" in arguments.parts:
        rows += fill_rows(photo, placement, arguments.threads)
    if "upscale" in arguments.parts:
        rows += upscale_rows(photo, placement, arguments.threads, arguments.precision)
    if "train" in arguments.parts:
        rows += train_rows(file, placement)
    print("| what | measure | value |\n| --- | --- | ---: |")
    for what, measure, value in rows:
        print(f"| {what} | {measure} | {value:.3g} |")


if __name__ == "__main__":
    enter(main)
