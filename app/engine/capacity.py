"""How fast a network is here, and how large a tile its memory allows, found by running it once."""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from remend.app.engine.memory import free_bytes
from remend.models.imaging.picture import Picture
from remend.models.inference.restorer import UpscaleOptions, Upscaler

_SAFE_SHARE = 0.5
"""Of the free memory: the photo, its result and other programs want the rest."""
_STATM = Path("/proc/self/statm")


@dataclass(frozen=True, slots=True)
class Capacity:
    """What one run told.

    Attributes:
        seconds: To a megapixel of the photo.
        tile_px: Side of the largest tile that is safe with the memory free now; None = not known here.
    """

    seconds: float
    tile_px: int | None


def measure_capacity(upscaler: Upscaler, picture: Picture) -> Capacity:
    """Enlarge a picture in one piece and look at the clock and at the memory."""
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
    """Watches how much the process grows, where the system tells (Linux)."""

    grown = 0

    def __enter__(self) -> "_PeakMemory":
        self._before, self._end = _resident_bytes(), threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(0.002):
            self.grown = max(self.grown, _resident_bytes() - self._before)


def _resident_bytes() -> int:
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, AttributeError):
        return 0
