"""The groups of options that fill, upscale and restore share, and what their values mean.

How a group becomes options of a command: ``app.cli.general_options``. Each option's names and help are in
``app.cli.options``. Nothing heavy is imported before a command runs.
"""

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from remend.app.batch.requests import AUTO_MASK, DEFAULT_SENSITIVITY, FillRequest, UpscaleRequest
from remend.app.batch.target_size import TargetSize
from remend.app.cli import options
from remend.app.cli.general_options import GeneralOptions
from remend.app.cli.printing.terminal import interruptible
from remend.models.errors import OptionError, RequestError
from remend.models.storage.remote import AnyPath, to_path

if TYPE_CHECKING:
    from remend.app.batch.plan import Plan
    from remend.app.batch.work import EncodeOptions, Work
    from remend.app.engine.model_pool import ModelPool


@dataclass(frozen=True)
class MaskOptions:
    """Photos and what is to be filled in them."""

    mask: options.Mask
    photo: options.Photo = None
    photo_option: options.PhotoOption = None
    invert_mask: options.InvertMask = False
    soft_mask: options.SoftMask = False
    sensitivity: options.Sensitivity = None
    save_masks: options.SaveMasks = None
    grow: options.Grow = 0
    feather: options.Feather = 0

    def __post_init__(self) -> None:
        """Refuse none or two photos, and what is for masks that the program finds."""
        if (self.photo is None) == (self.photo_option is None):
            raise RequestError("There must be one IN, a photo or a folder of photos; name it once.")
        if self.sensitivity is not None and not self.is_auto:
            problem = f"is for --mask {AUTO_MASK}, and the mask is {self.mask}"
            raise OptionError("sensitivity", self.sensitivity, problem)

    @property
    def is_auto(self) -> bool:
        """Whether the program finds what is damaged."""
        return self.mask == AUTO_MASK

    @property
    def masks_folder(self) -> AnyPath | None:
        """Where masks are written; errors as ``to_path``."""
        return None if self.save_masks is None else to_path(self.save_masks)

    def plan(self, files: "FileOptions") -> "Plan":
        """Photos, masks and outputs; errors as ``app.batch.inputs`` and ``app.batch.plan``."""
        from remend.app.batch.inputs import find_inputs, match_masks
        from remend.app.batch.plan import make_plan

        named = [name for name in (self.photo, self.photo_option) if name is not None]
        if self.is_auto:
            inputs = find_inputs(named, output=files.output_path, suffix=files.suffix)
            return make_plan(
                inputs, files.output_path, files.naming, masks_folder=self.masks_folder
            )
        mask = to_path(self.mask)
        inputs = find_inputs(named, output=files.output_path, suffix=files.suffix, mask=mask)
        masks = match_masks([photo.path for photo in inputs.photos], mask)
        return make_plan(inputs, files.output_path, files.naming, masks, self.masks_folder)

    def request(self, model: str | None, detail: float, strength: float) -> FillRequest:
        """How photos are filled; errors as there."""
        return FillRequest(
            model,
            detail,
            self.grow,
            self.feather,
            self.invert_mask,
            self.soft_mask,
            strength=strength,
            sensitivity=self._sensitivity,
        )

    @property
    def _sensitivity(self) -> float | None:
        given = DEFAULT_SENSITIVITY if self.sensitivity is None else self.sensitivity
        return given if self.is_auto else None


@dataclass(frozen=True)
class SizeOptions:
    """How large photos become, and how."""

    scale: options.Scale = None
    width: options.Width = None
    height: options.Height = None
    megapixels: options.Megapixels = None
    model: options.Model = None
    detail: options.UpscaleDetail = None
    denoise: options.Denoise = None
    tta: options.Tta = False
    tile: options.Tile = "auto"
    ncnn_tile: options.NcnnTile = None

    @property
    def tile_px(self) -> int | None:
        """The pixels of a tile, from ``--tile`` or ``-t``: None = auto, 0 = the whole photo.

        Raises:
            RequestError: Both are given, or no number of pixels.
        """
        if self.ncnn_tile is not None and self.tile != "auto":
            raise RequestError("-t and --tile mean the same; leave one out.")
        option = "tile" if self.ncnn_tile is None else "ncnn_tile"
        text = self.tile if self.ncnn_tile is None else self.ncnn_tile.partition(",")[0]
        if text == "auto" or (text == "0" and self.ncnn_tile is not None):
            return None
        if not text.isdecimal():
            raise OptionError(option, text, "is not possible", "auto, 0, or 32 pixels and more")
        return int(text)

    def request(self, strength: float) -> UpscaleRequest:
        """How photos are enlarged; errors as there."""
        return UpscaleRequest(
            TargetSize(self.scale, self.width, self.height, self.megapixels),
            self.model,
            detail=self.detail,
            denoise=self.denoise,
            tta=self.tta,
            tile_px=self.tile_px,
            strength=strength,
        )


@dataclass(frozen=True)
class FileOptions:
    """Where outputs are written, how, and what happens to outputs that exist."""

    output: options.Output
    skip_existing: options.SkipExisting = False
    resume: options.Resume = False
    file_format: options.Format = "auto"
    quality: options.Quality = 95
    suffix: options.Suffix = ""
    on_clash: options.OnClash = "refuse"
    strip_metadata: options.StripMetadata = False
    on_error: options.OnError = "skip"
    dry_run: options.DryRun = False

    @property
    def output_path(self) -> AnyPath:
        """The output; errors as ``to_path``."""
        return to_path(self.output)

    @property
    def naming(self) -> Any:
        """How outputs are called; errors as ``app.batch.plan.Naming``."""
        from remend.app.batch.plan import Naming

        return Naming(self.file_format, self.suffix, self.on_clash)

    @property
    def saving(self) -> "EncodeOptions":
        """How outputs are encoded; errors as ``app.batch.work.EncodeOptions``."""
        from remend.app.batch.work import EncodeOptions

        return EncodeOptions(self.quality, keep_metadata=not self.strip_metadata)


@dataclass(frozen=True)
class RunOptions(GeneralOptions):
    """Where and how a plan is carried out, and how its results are printed."""

    jobs: options.Jobs = None
    max_memory: options.MaxMemory = None
    cluster: options.Cluster = None
    as_json: options.Json = False

    def __post_init__(self) -> None:
        """Refuse what is no number of jobs and no size."""
        _ = self.readers_and_writers, self.memory_bytes

    @property
    def readers_and_writers(self) -> tuple[int, int]:
        """How many photos are read and written at a time, from ``N`` or ``load:proc:save``.

        Raises:
            RequestError: It is neither.
        """
        if self.jobs is None:
            return 1, 2
        # The middle number of realesrgan-ncnn-vulkan is for each GPU; here one photo is on each.
        load, *rest = self.jobs.split(":")
        parts = (load, rest[1] if len(rest) == 2 else load)
        if len(rest) not in (0, 2) or not all(p.isdecimal() and 1 <= int(p) <= 64 for p in parts):
            raise OptionError("jobs", self.jobs, "is not possible", "1 to 64, or load:proc:save")
        return int(parts[0]), int(parts[1])

    @functools.cached_property
    def memory_bytes(self) -> int | None:
        """What the program may take: what was asked for, or what is free."""
        from remend.app.engine.memory import free_bytes, parse_size

        return free_bytes() if self.max_memory is None else parse_size(self.max_memory)

    @functools.cached_property
    def pool(self) -> "ModelPool":
        """The networks, on the device or on several; errors as ``app.engine.devices``."""
        from remend.app.engine.devices import resolve_placements
        from remend.app.engine.model_pool import ModelPool

        return ModelPool(resolve_placements(self.device, self.precision, self.threads))

    def run(self, plan: "Plan", work: "Work", files: FileOptions) -> int:
        """Carry out a plan and print its results; returns the exit code."""
        from remend.app.batch.estimate import foresee_losses
        from remend.app.batch.pipeline import BatchOptions, Pipeline, run_plan
        from remend.app.batch.plan import check_folder, make_folder
        from remend.app.cli.main import explain_job, word_note  # late: all options are registered
        from remend.app.cli.printing.report import Report

        readers, writers = self.readers_and_writers
        how = BatchOptions(
            resume=files.resume,
            skip_existing=files.skip_existing,
            stop_on_error=files.on_error == "stop",
            dry_run=files.dry_run,
            debug=self.debug,
            readers=readers,
            writers=writers,
            memory_bytes=self.memory_bytes,
        )
        work.prepare(plan)
        cluster = None
        if self.cluster is not None:
            from remend.app.batch.ray_cluster import RayExecutor

            cluster = RayExecutor(self.cluster, work, explain_job)
        (check_folder if files.dry_run else make_folder)(plan.folder)
        with interruptible(), self.terminal.progress("", counted=plan.is_batch) as bar:
            report = Report(self.terminal, plan, bar, as_json=self.as_json)
            if not files.dry_run:
                report.foretell(foresee_losses(plan.jobs))
            executor = cluster or Pipeline(work, how, report.start_job, explain_job)
            for result in run_plan(plan, work, how, executor):
                report.add_result(replace(result, notes=tuple(map(word_note, result.notes))))
        return report.finish()


def check_record(plan: "Plan", files: FileOptions) -> None:
    """Raise a RequestError for ``--resume`` where no manifest is kept."""
    if files.resume and not plan.to_folder:
        raise RequestError(
            f"--resume needs a folder with a manifest, and -o {files.output_path} is a file."
        )
