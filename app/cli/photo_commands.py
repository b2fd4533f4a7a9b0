"""The commands that work on photos: fill, upscale and restore. ``app.cli.main`` registers them.

As there: parse, call, print; no image arithmetic, and nothing heavy is imported before a command runs.
"""

import os
import sys
from collections.abc import Iterator, Sequence

from remend.app.batch.requests import check_range
from remend.app.cli import options
from remend.app.cli.general_options import grouped
from remend.app.cli.option_groups import (
    FileOptions,
    MaskOptions,
    RunOptions,
    SizeOptions,
    check_record,
)


@grouped
def fill(
    *,
    masked: MaskOptions,
    model: options.FillingModel = None,
    detail: options.FillDetail = 1.0,
    strength: options.Strength = 1.0,
    files: FileOptions,
    running: RunOptions,
) -> int:
    """Fill scratches, stains and holes: whatever the mask marks."""
    from remend.app.batch.fill_work import FillWork

    request = masked.request(model, detail, strength)
    plan = masked.plan(files)
    check_record(plan, files)
    work = FillWork(running.pool, request, files.saving, running.memory_bytes)
    return running.run(plan, work, files)


@grouped
def upscale(
    *,
    inputs: options.Inputs = None,
    inputs_option: options.InputsOption = None,
    recursive: options.Recursive = False,
    enlarged: SizeOptions,
    strength: options.Strength = 1.0,
    files: FileOptions,
    running: RunOptions,
) -> int:
    """Enlarge photos."""
    from remend.app.batch.inputs import find_inputs
    from remend.app.batch.plan import make_plan
    from remend.app.batch.upscale_work import UpscaleWork

    request = enlarged.request(strength)
    named = [*(inputs or []), *(inputs_option or [])]
    found = find_inputs(
        named,
        listed=read_list(),
        recursive=recursive,
        output=files.output_path,
        suffix=files.suffix,
    )
    plan = make_plan(found, files.output_path, files.naming)
    check_record(plan, files)
    work = UpscaleWork(running.pool, request, files.saving, running.memory_bytes)
    return running.run(plan, work, files)


def read_list() -> Iterator[str]:
    """The paths on stdin, as bytes that need not be text."""
    from remend.app.batch.inputs import split_list

    source = getattr(sys.stdin, "buffer", sys.stdin)
    yield from split_list(os.fsdecode(source.read()))


@grouped
def restore(
    *,
    masked: MaskOptions,
    fill_model: options.FillModel = None,
    fill_detail: options.RestoreFillDetail = 1.0,
    enlarged: SizeOptions,
    strength: options.Strength = 1.0,
    files: FileOptions,
    running: RunOptions,
) -> int:
    """Fill what the mask marks, then enlarge, in one pass over the file."""
    from remend.app.batch.fill_work import FillWork
    from remend.app.batch.restore_work import RestoreWork
    from remend.app.batch.upscale_work import UpscaleWork

    check_range("fill_detail", fill_detail, 0, 1)  # by the name that it has here
    fill_request = masked.request(fill_model, fill_detail, strength)
    upscale_request = enlarged.request(strength)
    plan = masked.plan(files)
    check_record(plan, files)
    pool, saving, memory_bytes = running.pool, files.saving, running.memory_bytes
    work = RestoreWork(
        FillWork(pool, fill_request, saving, memory_bytes),
        UpscaleWork(pool, upscale_request, saving, memory_bytes),
    )
    return running.run(plan, work, files)


COMMANDS: Sequence = (fill, upscale, restore)
"""What ``app.cli.main`` registers, in the order of the help."""
