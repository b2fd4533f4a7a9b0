"""The loaded networks of one or more devices: what the page, the commands and a batch all work with.

Networks are loaded at first use and the last few are kept. Each device restores one picture at a time, since
two at once would only share the processor and double the memory; whoever waits for a device can still
cancel. No file but weights is read here, and none is written.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from remend.app.engine.catalogue import find_model
from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.models.imaging.picture import Mask, Picture
from remend.models.inference.damage import DamageMap
from remend.models.inference.restorer import (
    DamageFinder,
    FilledPatch,
    FillOptions,
    Inpainter,
    LoadedModel,
    UpscaleOptions,
    Upscaler,
    load_restorer,
)
from remend.models.progress import NO_PROGRESS, Progress

_WAIT_SECONDS = 0.2

_Loaded = TypeVar("_Loaded", Inpainter, Upscaler, DamageFinder)
_Key = tuple[Path, int, int, float]
"""A weights file, its time of change, its size, and the strength of its adapter."""


class ModelPool:
    """Restorers on one or more devices, shared by threads.

    Args:
        placements: Device and precision, one for each device. Every device has its own copy of a network;
            a picture goes to the first device that is free. Results are the same on all of them only where
            the devices are alike.
        keep: How many loaded networks a device keeps; the one unused for longest goes first.
    """

    def __init__(self, placements: Sequence[Placement], keep: int = 3) -> None:
        self._keep = keep
        self._devices = tuple(_Device(placement, keep) for placement in placements)
        self._busy: set[_Device] = set()
        self._freed = threading.Condition()

    def __reduce__(self) -> tuple[type["ModelPool"], tuple[tuple[Placement, ...], int]]:
        """Networks and locks do not travel: another process loads its own, on one device."""
        return ModelPool, ((self.placement,), self._keep)

    @property
    def placement(self) -> Placement:
        """Device and precision of the first device."""
        return self._devices[0].placement

    @property
    def devices(self) -> int:
        """How many pictures are worked on at the same time."""
        return len(self._devices)

    def inpainter(
        self, model: str | Path, progress: Progress = NO_PROGRESS, *, strength: float = 1.0
    ) -> Inpainter:
        """The restorer that fills with these weights, loaded on every device; the first device's is given.

        Args:
            model: Name or path of the weights.
            progress: Told while a device is busy; it can cancel the waiting.
            strength: 0 to 1, of the adapter in the weights.

        Raises:
            RequestError: Unknown name, no weights, weights for something else, or no adapter.
        """
        path = find_model(model, "fill")
        first, *_ = [self._load(device, path, progress, strength) for device in self._devices]
        return _as(Inpainter, first, model, "fill")

    def upscaler(
        self, model: str | Path, progress: Progress = NO_PROGRESS, *, strength: float = 1.0
    ) -> Upscaler:
        """The restorer that enlarges with these weights; arguments and errors as ``inpainter``."""
        path = find_model(model, "upscale")
        first, *_ = [self._load(device, path, progress, strength) for device in self._devices]
        return _as(Upscaler, first, model, "upscale")

    def fill(
        self,
        picture: Picture,
        mask: Mask,
        model: str | Path,
        options: FillOptions = FillOptions(),  # noqa: B008 - frozen
        progress: Progress = NO_PROGRESS,
        *,
        strength: float = 1.0,
        thick: str | Path | None = None,
    ) -> Picture:
        """Fill a picture where the mask says so; errors as ``inpainter`` and ``Inpainter.restore``.

        ``thick`` names weights that fill its thick holes instead.
        """
        with self._turn(self._devices, progress) as device:
            restorer, other = device.inpainters(model, thick, strength)
            return restorer.restore(picture, mask, options, progress=progress, thick=other)

    def fill_patches(
        self,
        picture: Picture,
        mask: Mask,
        model: str | Path,
        options: FillOptions = FillOptions(),  # noqa: B008 - frozen
        progress: Progress = NO_PROGRESS,
        *,
        strength: float = 1.0,
        thick: str | Path | None = None,
    ) -> list[FilledPatch]:
        """As ``fill``, but only the rectangles that change."""
        with self._turn(self._devices, progress) as device:
            restorer, other = device.inpainters(model, thick, strength)
            return restorer.fill_patches(picture, mask, options, progress=progress, thick=other)

    def upscale(
        self,
        picture: Picture,
        model: str | Path,
        options: UpscaleOptions = UpscaleOptions(),  # noqa: B008 - frozen
        progress: Progress = NO_PROGRESS,
        *,
        strength: float = 1.0,
    ) -> Picture:
        """Enlarge a picture; errors as ``upscaler`` and ``Upscaler.restore``."""
        with self._turn(self._devices, progress) as device:
            restorer = _as(
                Upscaler, device.load(find_model(model, "upscale"), strength), model, "upscale"
            )
            return restorer.restore(picture, options, progress=progress)

    def damage_finder(self, model: str | Path, progress: Progress = NO_PROGRESS) -> DamageFinder:
        """What finds damage with these weights; arguments and errors as ``inpainter``."""
        path = find_model(model, "damage")
        first, *_ = [self._load(device, path, progress, 1.0) for device in self._devices]
        return _as(DamageFinder, first, model, "find damage")

    def find_damage(
        self, picture: Picture, model: str | Path, progress: Progress = NO_PROGRESS
    ) -> DamageMap:
        """Find where a picture is damaged; errors as ``damage_finder`` and ``DamageFinder.look``."""
        with self._turn(self._devices, progress) as device:
            finder = _as(
                DamageFinder, device.load(find_model(model, "damage"), 1.0), model, "find damage"
            )
            return finder.look(picture, progress=progress)

    def _load(
        self, device: "_Device", path: Path, progress: Progress, strength: float
    ) -> LoadedModel:
        """The network on that device; only one that is not loaded yet waits until the device is free."""
        if (loaded := device.find(path, strength)) is not None:
            return loaded
        with self._turn([device], progress):
            return device.load(path, strength)

    @contextmanager
    def _turn(self, devices: "Sequence[_Device]", progress: Progress) -> "Iterator[_Device]":
        """The first of these devices that is free, for this thread alone."""
        while (device := self._take(devices)) is None:
            progress.wait()
        try:
            yield device
        finally:
            with self._freed:
                self._busy.remove(device)
                self._freed.notify_all()

    def _take(self, devices: "Sequence[_Device]") -> "_Device | None":
        """Wait a moment for one of these devices and reserve it; None where all stay busy."""
        with self._freed:
            if not self._freed.wait_for(lambda: set(devices) - self._busy, _WAIT_SECONDS):
                return None
            device = next(device for device in devices if device not in self._busy)
            self._busy.add(device)
            return device


class _Device:
    """The networks that one device holds."""

    def __init__(self, placement: Placement, keep: int) -> None:
        self.placement = placement
        self._keep = keep
        self._loaded: OrderedDict[_Key, LoadedModel] = OrderedDict()
        self._lock = threading.Lock()  # of the table; who loads or restores has reserved the device

    def find(self, path: Path, strength: float) -> LoadedModel | None:
        """The network where it is loaded; it becomes the one used last."""
        key = _key_of(path, strength)
        with self._lock:
            if key in self._loaded:
                self._loaded.move_to_end(key)
            return self._loaded.get(key)

    def load(self, path: Path, strength: float) -> LoadedModel:
        """The network, loaded where it is not yet; the caller has reserved the device."""
        if (known := self.find(path, strength)) is not None:
            return known
        with self._lock:
            while len(self._loaded) >= self._keep:
                self._loaded.popitem(last=False)
        loaded = load_restorer(path, self.placement, strength=strength)
        with self._lock:
            return self._loaded.setdefault(_key_of(path, strength), loaded)

    def inpainters(
        self, model: str | Path, thick: str | Path | None, strength: float
    ) -> tuple[Inpainter, Inpainter | None]:
        """What fills with these weights, and what fills thick holes in its place."""
        first = _as(Inpainter, self.load(find_model(model, "fill"), strength), model, "fill")
        if thick is None:
            return first, None
        return first, _as(Inpainter, self.load(find_model(thick, "fill"), 1.0), thick, "fill")


def _key_of(path: Path, strength: float) -> _Key:
    stat = path.stat()
    return path.resolve(), stat.st_mtime_ns, stat.st_size, strength


def _as(kind: type[_Loaded], loaded: LoadedModel, model: str | Path, work: str) -> _Loaded:
    if not isinstance(loaded, kind):
        raise RequestError(f"{model} cannot {work}.")
    return loaded
