"""The commands that work on photos: fill, upscale and restore. ``app.cli`` registers them.

As there: parse, call, print; no image arithmetic, and nothing heavy is imported before a command runs.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app import options
from app.sizes import TargetSize
from app.terminal import Terminal, interruptible
from models.errors import RequestError
from models.remote_path import AnyPath, to_path

if TYPE_CHECKING:
    from app.fleet import Fleet
    from app.jobs import Plan
    from app.work import Work
    from app.workshop import Workshop


def fill(
    mask: options.Mask,
    output: options.Output,
    photo: options.Photo = None,
    photo_option: options.PhotoOption = None,
    invert_mask: options.InvertMask = False,
    grow: options.Grow = 0,
    feather: options.Feather = 0,
    model: options.Model = None,
    detail: options.FillDetail = 1.0,
    skip_existing: options.SkipExisting = False,
    resume: options.Resume = False,
    strength: options.Strength = 1.0,
    file_format: options.Format = "auto",
    quality: options.Quality = 95,
    suffix: options.Suffix = "",
    strip_metadata: options.StripMetadata = False,
    on_error: options.OnError = "skip",
    dry_run: options.DryRun = False,
    jobs: options.Jobs = None,
    max_memory: options.MaxMemory = None,
    cluster: options.Cluster = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Fill scratches, stains and holes: whatever the mask marks."""
    from app.work import FillWork, Saving
    from models.restorer import FillOptions

    _check_fill(detail, feather, grow)
    check_range("--strength", strength, 0, 1)
    batch = Batch(
        resume, skip_existing, on_error, dry_run, jobs, max_memory, cluster, quiet, as_json, debug
    )
    place = to_path(output)
    plan = _plan_masked(photo, photo_option, place, mask, file_format, suffix)
    batch.check(plan, place)
    work = FillWork(
        make_workshop(batch.terminal, device, precision, threads),
        model,
        FillOptions(detail=detail, feather_px=feather),
        invert=invert_mask,
        grow_px=grow,
        saving=Saving(quality, keep_metadata=not strip_metadata),
        strength=strength,
        memory_bytes=batch.memory_bytes,
    )
    return batch.run(plan, work)


def upscale(
    output: options.Output,
    inputs: options.Inputs = None,
    inputs_option: options.InputsOption = None,
    scale: options.Scale = None,
    width: options.Width = None,
    height: options.Height = None,
    megapixels: options.Megapixels = None,
    model: options.Model = None,
    detail: options.UpscaleDetail = None,
    denoise: options.Denoise = None,
    tta: options.Tta = False,
    tile: options.Tile = "auto",
    ncnn_tile: options.NcnnTile = None,
    recursive: options.Recursive = False,
    skip_existing: options.SkipExisting = False,
    resume: options.Resume = False,
    strength: options.Strength = 1.0,
    file_format: options.Format = "auto",
    quality: options.Quality = 95,
    suffix: options.Suffix = "",
    strip_metadata: options.StripMetadata = False,
    on_error: options.OnError = "skip",
    dry_run: options.DryRun = False,
    jobs: options.Jobs = None,
    max_memory: options.MaxMemory = None,
    cluster: options.Cluster = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Enlarge photos."""
    from app.jobs import Naming, find_photos, make_plan
    from app.work import Saving, UpscaleWork

    target = TargetSize(scale, width, height, megapixels)
    tile_px = read_tile(tile, ncnn_tile)
    _check_upscale(detail, denoise)
    check_range("--strength", strength, 0, 1)
    batch = Batch(
        resume, skip_existing, on_error, dry_run, jobs, max_memory, cluster, quiet, as_json, debug
    )
    named = [*(inputs or []), *(inputs_option or [])]
    place = to_path(output)
    found = find_photos(named, listed=sys.stdin, recursive=recursive, output=place, suffix=suffix)
    plan = make_plan(found, place, Naming(file_format, suffix))
    batch.check(plan, place)
    work = UpscaleWork(
        make_workshop(batch.terminal, device, precision, threads),
        model,
        target,
        detail=detail,
        denoise=denoise,
        tta=tta,
        tile_px=tile_px,
        saving=Saving(quality, keep_metadata=not strip_metadata),
        strength=strength,
        memory_bytes=batch.memory_bytes,
    )
    return batch.run(plan, work)


def restore(
    mask: options.Mask,
    output: options.Output,
    photo: options.Photo = None,
    photo_option: options.PhotoOption = None,
    invert_mask: options.InvertMask = False,
    grow: options.Grow = 0,
    feather: options.Feather = 0,
    scale: options.Scale = None,
    width: options.Width = None,
    height: options.Height = None,
    megapixels: options.Megapixels = None,
    fill_model: options.FillModel = None,
    model: options.Model = None,
    fill_detail: options.RestoreFillDetail = 1.0,
    detail: options.UpscaleDetail = None,
    denoise: options.Denoise = None,
    tta: options.Tta = False,
    tile: options.Tile = "auto",
    ncnn_tile: options.NcnnTile = None,
    skip_existing: options.SkipExisting = False,
    resume: options.Resume = False,
    strength: options.Strength = 1.0,
    file_format: options.Format = "auto",
    quality: options.Quality = 95,
    suffix: options.Suffix = "",
    strip_metadata: options.StripMetadata = False,
    on_error: options.OnError = "skip",
    dry_run: options.DryRun = False,
    jobs: options.Jobs = None,
    max_memory: options.MaxMemory = None,
    cluster: options.Cluster = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Fill what the mask marks, then enlarge, in one pass over the file."""
    from app.restore_work import RestoreWork
    from app.work import FillWork, Saving, UpscaleWork
    from models.restorer import FillOptions

    target = TargetSize(scale, width, height, megapixels)
    tile_px = read_tile(tile, ncnn_tile)
    _check_fill(fill_detail, feather, grow)
    _check_upscale(detail, denoise)
    check_range("--strength", strength, 0, 1)
    batch = Batch(
        resume, skip_existing, on_error, dry_run, jobs, max_memory, cluster, quiet, as_json, debug
    )
    place = to_path(output)
    plan = _plan_masked(photo, photo_option, place, mask, file_format, suffix)
    batch.check(plan, place)
    workshop = make_workshop(batch.terminal, device, precision, threads)
    saving = Saving(quality, keep_metadata=not strip_metadata)
    filling = FillWork(
        workshop,
        fill_model,
        FillOptions(detail=fill_detail, feather_px=feather),
        invert=invert_mask,
        grow_px=grow,
        saving=saving,
        strength=strength,
        memory_bytes=batch.memory_bytes,
    )
    enlarging = UpscaleWork(
        workshop,
        model,
        target,
        detail=detail,
        denoise=denoise,
        tta=tta,
        tile_px=tile_px,
        saving=saving,
        strength=strength,
        memory_bytes=batch.memory_bytes,
    )
    return batch.run(plan, RestoreWork(filling, enlarging))


def _plan_masked(
    photo: str | None,
    photo_option: str | None,
    output: AnyPath,
    mask: str,
    file_format: str,
    suffix: str,
) -> "Plan":
    from app.jobs import Naming, find_photos, make_plan, match_masks

    named = [name for name in (photo, photo_option) if name is not None]
    if len(named) != 1:
        raise RequestError("There must be one IN, a photo or a folder of photos; name it once.")
    holes = to_path(mask)
    found = find_photos(named, output=output, suffix=suffix, mask=holes)
    masks = match_masks([path for path, _ in found.photos], holes)
    return make_plan(found, output, Naming(file_format, suffix), masks)


def _check_fill(detail: float, feather: int, grow: int) -> None:
    check_range("--detail", detail, 0, 1)
    check_range("--feather", feather, 0, 1000)
    check_range("--grow", grow, -1000, 1000)


def _check_upscale(detail: float | None, denoise: float | None) -> None:
    for name, value in (("--detail", detail), ("--denoise", denoise)):
        if value is not None:
            check_range(name, value, 0, 1)


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raise a RequestError for an option whose value lies outside its limits."""
    if not low <= value <= high:
        raise RequestError(f"{name} {value:g} is out of range; choose {low:g} to {high:g}.")


def read_tile(tile: str, ncnn_tile: str | None) -> int | None:
    """The pixels of a tile, from ``--tile`` or ``-t``: None = auto, 0 = the whole photo.

    Raises:
        RequestError: Both are given, or no number of pixels.
    """
    if ncnn_tile is not None and tile != "auto":
        raise RequestError("-t and --tile mean the same; leave one out.")
    text = tile if ncnn_tile is None else ncnn_tile.partition(",")[0]
    if text == "auto" or (text == "0" and ncnn_tile is not None):
        return None
    if not text.isdecimal() or 0 < int(text) < 32:
        raise RequestError(f"--tile {text} is not possible; choose auto, 0, or 32 pixels and more.")
    return int(text)


def read_jobs(text: str | None) -> tuple[int, int]:
    """How many photos are read and written at a time, from ``N`` or ``load:proc:save``.

    Raises:
        RequestError: It is neither.
    """
    if text is None:
        return 1, 2
    # The middle number of realesrgan-ncnn-vulkan is for each GPU; here one photo is on each.
    load, *rest = text.split(":")
    parts = (load, rest[1] if len(rest) == 2 else load)
    if len(rest) not in (0, 2) or not all(p.isdecimal() and 1 <= int(p) <= 64 for p in parts):
        raise RequestError(f"--jobs {text} is not possible; choose 1 to 64, or load:proc:save.")
    return int(parts[0]), int(parts[1])


def make_workshop(
    terminal: Terminal, device: str, precision: options.PrecisionName, threads: int | None
) -> "Workshop | Fleet":
    """A workshop on the device that the options name, or one for each; errors as ``app.devices``."""
    from app.devices import place_all
    from app.fleet import Fleet
    from app.workshop import Workshop

    workshops = [Workshop(where) for where in place_all(device, precision, threads)]
    return workshops[0] if len(workshops) == 1 else Fleet(workshops)


@dataclass(frozen=True)
class Batch:
    """The options that all these commands share, as they were typed, and how a plan is done by them."""

    resume: bool
    skip_existing: bool
    on_error: options.OnErrorName
    dry_run: bool
    jobs: str | None
    max_memory: str | None
    cluster: str | None
    quiet: bool
    as_json: bool
    debug: bool

    def __post_init__(self) -> None:
        """Refuse what is no number of jobs and no size."""
        read_jobs(self.jobs)
        _ = self.memory_bytes

    @property
    def terminal(self) -> Terminal:
        """Where words go."""
        return Terminal(quiet=self.quiet)

    @property
    def memory_bytes(self) -> int | None:
        """What the program may take: what was asked for, or what is free."""
        from app.memory import free_bytes, parse_size

        return free_bytes() if self.max_memory is None else parse_size(self.max_memory)

    def check(self, plan: "Plan", output: AnyPath) -> None:
        """Raise a RequestError for a record where there is none."""
        if self.resume and not plan.to_folder:
            raise RequestError(
                f"--resume needs a folder that keeps a record, and -o {output} is a file."
            )

    def run(self, plan: "Plan", work: "Work") -> int:
        """Do a plan and tell of it; returns the exit code."""
        from app.batch import BatchOptions, run_plan
        from app.jobs import make_folder
        from app.report import Report

        readers, writers = read_jobs(self.jobs)
        how = BatchOptions(
            resume=self.resume,
            skip_existing=self.skip_existing,
            stop_on_error=self.on_error == "stop",
            dry_run=self.dry_run,
            debug=self.debug,
            readers=readers,
            writers=writers,
            memory_bytes=self.memory_bytes,
        )
        work.prepare(plan)
        elsewhere = None
        if self.cluster is not None:
            from app.cluster import perform_on_cluster

            elsewhere = perform_on_cluster(self.cluster, work)
        if not self.dry_run:
            make_folder(plan.folder)
        terminal = self.terminal
        with interruptible(), terminal.progress("", counted=plan.is_batch) as bar:
            report = Report(terminal, plan, bar, as_json=self.as_json)
            for result in run_plan(plan, work, how, watch_job=report.begin, elsewhere=elsewhere):
                report.add(result)
        return report.close()


COMMANDS: Sequence = (fill, upscale, restore)
"""What ``app.cli`` registers, in the order of the help."""
