"""How fast a network is here, and how large a tile its memory allows, found by running it once."""

import threading
import time
from dataclasses import dataclass

import psutil
import torch

from remend.app.engine.memory import free_bytes
from remend.models.imaging.picture import Picture
from remend.models.inference.restorer import UpscaleOptions, Upscaler

_SAFE_SHARE = 0.5
"""Of the free memory: the photo, its result and other programs want the rest."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What one run showed.

    Attributes:
        seconds: For a megapixel of the photo.
        tile_px: Side of the largest tile that is safe with the memory free now; None = unknown here.
    """

    seconds: float
    tile_px: int | None


def measure_capacity(upscaler: Upscaler, picture: Picture) -> Capacity:
    """Enlarge a picture in one piece and measure time and memory."""
    options = UpscaleOptions(tile_px=0)
    device = upscaler.placement.device
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with _PeakMemory() as peak:
        begin = time.monotonic()
        upscaler.restore(picture, options)
        seconds = time.monotonic() - begin
    grown, free = peak.grown, free_bytes()
    if device.type == "cuda":
        grown, (free, _) = torch.cuda.max_memory_allocated(device), torch.cuda.mem_get_info(device)
    pixels = picture.width * picture.height
    side = None
    if grown > 0 and free:
        side = int((_SAFE_SHARE * free / (grown / pixels)) ** 0.5) // 32 * 32
    return Capacity(seconds / picture.megapixels, side)


class _PeakMemory:
    """Watches how much the process grows."""

    grown = 0

    def __enter__(self) -> "_PeakMemory":
        self._process, self._end = psutil.Process(), threading.Event()
        self._before = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(0.002):
            self.grown = max(self.grown, self._process.memory_info().rss - self._before)
