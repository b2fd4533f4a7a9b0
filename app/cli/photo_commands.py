"""The commands that work on photos: fill, upscale and restore. ``app.cli.main`` registers them.

As there: parse, call, print; no image arithmetic, and nothing heavy is imported before a command runs.
"""

import sys
from collections.abc import Sequence

from remend.app.cli import options
from remend.app.cli.general_options import grouped
from remend.app.cli.option_groups import (
    FileOptions,
    MaskOptions,
    RunOptions,
    SizeOptions,
    check_range,
    check_record,
)


@grouped
def fill(
    *,
    masked: MaskOptions,
    model: options.Model = None,
    detail: options.FillDetail = 1.0,
    strength: options.Strength = 1.0,
    files: FileOptions,
    running: RunOptions,
) -> int:
    """Fill scratches, stains and holes: whatever the mask marks."""
    check_range("detail", detail, 0, 1)
    check_range("strength", strength, 0, 1)
    plan = masked.plan(files)
    check_record(plan, files)
    return running.run(plan, masked.work(running, files, model, detail, strength), files)


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
    from remend.app.batch.plan import find_inputs, make_plan

    check_range("strength", strength, 0, 1)
    named = [*(inputs or []), *(inputs_option or [])]
    found = find_inputs(
        named, listed=sys.stdin, recursive=recursive, output=files.output_path, suffix=files.suffix
    )
    plan = make_plan(found, files.output_path, files.naming)
    check_record(plan, files)
    return running.run(plan, enlarged.work(running, files, strength), files)


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
    from remend.app.batch.restore_work import RestoreWork

    check_range("fill_detail", fill_detail, 0, 1)
    check_range("strength", strength, 0, 1)
    plan = masked.plan(files)
    check_record(plan, files)
    filling = masked.work(running, files, fill_model, fill_detail, strength)
    return running.run(plan, RestoreWork(filling, enlarged.work(running, files, strength)), files)


COMMANDS: Sequence = (fill, upscale, restore)
"""What ``app.cli.main`` registers, in the order of the help."""
