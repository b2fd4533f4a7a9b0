"""Other programs' methods as functions of pictures: each runs in the peers' own environment.

``make peers`` makes that environment, ``.venv-peers``. What a method is, is in ``benchmarks/peers.py``.
"""

import json
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from PIL import Image

from remend.models.errors import RequestError
from remend.models.imaging.picture import Pixels

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv-peers" / "bin" / "python"

FILLERS = ("telea", "navier-stokes", "biharmonic", "fsr-fast", "shiftmap", "patchmatch")
ENLARGERS = {
    2: ("bicubic", "lanczos", "span"),
    4: ("bicubic", "lanczos", "span", "4xSPANkendata", "realesr-animevideov3", "realesrgan-x4plus"),
}


class Peer:
    """A method of another program, kept running; call it with a photo, and a mask or a scale.

    Args:
        method: A name of ``FILLERS``, or of ``ENLARGERS[scale]``.
        scale: 0 for filling.
        threads: How many it may use.

    Raises:
        RequestError: The peers' environment is missing.
    """

    def __init__(self, method: str, scale: int = 0, threads: int = 2) -> None:
        if not PYTHON.is_file():
            raise RequestError(f"{PYTHON} is missing; run `make peers` first.")
        self.method = method
        self.folder = tempfile.TemporaryDirectory()
        self.seconds, self.peak_mb = 0.0, 0.0
        command = [PYTHON, ROOT / "benchmarks" / "peers.py", method]
        options = ["--scale", str(scale), "--threads", str(threads)]
        self.process = subprocess.Popen(
            [*map(str, command), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def __call__(self, photo: Pixels, mask_or_scale: Pixels | int) -> Pixels:
        """What the method makes of it; ``seconds`` and ``peak_mb`` then say what it took.

        Raises:
            RequestError: The method has failed; its own words are on stderr.
        """
        folder = Path(self.folder.name)
        Image.fromarray(photo).save(folder / "photo.png", compress_level=1)
        mask = None
        if isinstance(mask_or_scale, np.ndarray):
            mask = folder / "mask.png"
            Image.fromarray(mask_or_scale).save(mask, compress_level=1)
        job = {"photo": folder / "photo.png", "mask": mask, "out": folder / "out.png"}
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            print(json.dumps(job, default=str), file=self.process.stdin, flush=True)
            answer = json.loads(self.process.stdout.readline())
        except (BrokenPipeError, ValueError) as error:
            raise RequestError(f"The method {self.method} has failed in {PYTHON}.") from error
        self.seconds, self.peak_mb = answer["seconds"], answer["peak_mb"]
        made = np.asarray(Image.open(folder / "out.png"))
        if isinstance(
            mask_or_scale, np.ndarray
        ):  # Some change known pixels too: not their fault here.
            made = np.where(mask_or_scale[..., None] > 0, made, photo)
        return made
