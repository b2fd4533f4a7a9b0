"""The commands of Remend: parse, call, print. No image arithmetic, and nothing heavy is imported early.

Exit codes: 0 all done, 1 some inputs failed, 2 the request itself is wrong and nothing was started, 130
interrupted. Whatever goes wrong is one sentence on stderr; ``--debug`` adds the traceback.
"""

import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from app import options
from app.sizes import TargetSize
from app.terminal import Terminal, interruptible
from models.errors import RemendError, RequestError
from models.watch import Cancelled

if TYPE_CHECKING:
    from app.jobs import Plan
    from app.work import Work
    from app.workshop import Workshop

app = typer.Typer(
    help="Repairs and upscales photos on your own computer.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
models_app = typer.Typer(invoke_without_command=True)
app.add_typer(models_app, name="models")


@app.command()
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
    file_format: options.Format = "auto",
    quality: options.Quality = 95,
    strip_metadata: options.StripMetadata = False,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> int:
    """Fill scratches, stains and holes: whatever the mask marks."""
    from app.jobs import Naming, find_photos, make_plan, match_masks
    from app.work import FillWork, Saving
    from models.restorer import FillOptions

    check_range("--detail", detail, 0, 1)
    check_range("--feather", feather, 0, 1000)
    check_range("--grow", grow, -1000, 1000)
    named = [name for name in (photo, photo_option) if name is not None]
    if len(named) != 1:
        raise RequestError("fill takes one IN, a photo or a folder of photos; name it once.")
    terminal = Terminal(quiet=quiet)
    found = find_photos(named, output=output, mask=mask)
    masks = match_masks([path for path, _ in found.photos], mask)
    plan = make_plan(found, output, Naming(file_format), masks)
    work = FillWork(
        make_workshop(terminal, device, precision, threads),
        model,
        FillOptions(detail=detail, feather_px=feather),
        invert=invert_mask,
        grow_px=grow,
        saving=Saving(quality, keep_metadata=not strip_metadata),
    )
    return do_batch(plan, work, terminal, as_json=as_json, debug=debug)


@app.command()
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
    tile: options.Tile = "auto",
    ncnn_tile: options.NcnnTile = None,
    recursive: options.Recursive = False,
    skip_existing: options.SkipExisting = False,
    resume: options.Resume = False,
    file_format: options.Format = "auto",
    quality: options.Quality = 95,
    suffix: options.Suffix = "",
    strip_metadata: options.StripMetadata = False,
    on_error: options.OnError = "skip",
    dry_run: options.DryRun = False,
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
    if detail is not None:
        check_range("--detail", detail, 0, 1)
    terminal = Terminal(quiet=quiet)
    named = [*(inputs or []), *(inputs_option or [])]
    found = find_photos(named, listed=sys.stdin, recursive=recursive, output=output, suffix=suffix)
    plan = make_plan(found, output, Naming(file_format, suffix))
    if resume and not plan.to_folder:
        raise RequestError(
            f"--resume needs a folder that keeps a record, and -o {output} is a file."
        )
    work = UpscaleWork(
        make_workshop(terminal, device, precision, threads),
        model,
        target,
        detail=detail,
        tile_px=tile_px,
        saving=Saving(quality, keep_metadata=not strip_metadata),
    )
    return do_batch(
        plan,
        work,
        terminal,
        as_json=as_json,
        debug=debug,
        resume=resume,
        skip_existing=skip_existing,
        stop_on_error=on_error == "stop",
        dry_run=dry_run,
    )


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


def make_workshop(
    terminal: Terminal, device: str, precision: options.PrecisionName, threads: int | None
) -> "Workshop":
    """A workshop on the device that the options name; errors as ``app.devices``."""
    from app.devices import place
    from app.workshop import Workshop

    return Workshop(place(device, precision, threads, terminal.note))


def do_batch(
    plan: "Plan",
    work: "Work",
    terminal: Terminal,
    *,
    as_json: bool,
    debug: bool,
    resume: bool = False,
    skip_existing: bool = False,
    stop_on_error: bool = False,
    dry_run: bool = False,
) -> int:
    """Do a plan and tell of it; returns the exit code."""
    from app.batch import run_plan
    from app.jobs import make_folder
    from app.report import Report

    work.prepare(plan)
    if not dry_run:
        make_folder(plan.folder)
    with interruptible(), terminal.progress("", counted=plan.is_batch) as bar:
        report = Report(terminal, plan, bar, as_json=as_json)
        for result in run_plan(
            plan,
            work,
            resume=resume,
            skip_existing=skip_existing,
            stop_on_error=stop_on_error,
            dry_run=dry_run,
            debug=debug,
            watch_job=report.begin,
        ):
            report.add(result)
    return report.close()


@app.command()
def ui(
    host: options.Host = "127.0.0.1",
    port: options.Port = 7860,
    share: options.Share = False,
    auth: options.Auth = None,
    max_megapixels: options.MaxMegapixels = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    debug: options.Debug = False,
) -> None:
    """Serve the web page."""
    from app.ui import serve

    limits = {} if max_megapixels is None else {"max_megapixels": max_megapixels}
    workshop = make_workshop(Terminal(), device, precision, threads)
    serve(workshop, host=host, port=port, share=share, auth_file=auth, **limits)


@app.command()
def train(
    recipe: options.Recipe,
    data: options.Data,
    out: options.Out,
    settings: options.Settings = None,
    resume: options.ResumeRun = False,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Train weights with a recipe; Ctrl-C stops after the current step, --resume goes on."""
    from app.devices import place
    from app.training_run import run_recipe

    terminal = Terminal(quiet=quiet)
    placement = place(device, precision, threads, terminal.note)
    run_recipe(recipe, data, out, settings or [], placement, terminal, resume=resume)


@app.command()
def lab(
    techniques: options.Techniques = None,
    out: options.LabOut = Path("remend-lab"),
    page: options.LabPage = None,
    data: options.LabData = None,
    device: options.Device = "cpu",
    precision: options.Precision = "fp32",
    threads: options.Threads = 1,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Show in numbers and plots what each training technique does on toy problems."""
    from app.devices import place
    from app.lab_run import run_techniques

    terminal = Terminal(quiet=quiet)
    placement = place(device, precision, threads, terminal.note)
    run_techniques(techniques or [], out, page, data, placement, terminal)


@app.command()
def evaluate(
    task: options.EvaluatedTask,
    data: options.EvaluationData,
    model: options.Model = None,
    scale: options.WholeScale = 4,
    against: options.Against = None,
    lpips: options.Lpips = False,
    as_json: options.JsonTable = False,
    markdown: options.Markdown = False,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Score a model on photos whose truth is known, beside classical methods."""
    from app.devices import place
    from app.evaluate_run import run_evaluation

    if as_json and markdown:
        raise RequestError("--json and --markdown exclude each other; name one.")
    terminal = Terminal(quiet=quiet)
    placement = place(device, precision, threads, terminal.note)
    run_evaluation(
        task, data, model, scale, against, placement, terminal, as_json=as_json, lpips=lpips
    )


@models_app.callback()
def models(context: typer.Context) -> None:
    """List and check the weights there are."""
    if context.invoked_subcommand is None:
        list_()


@models_app.command("list")
def list_() -> None:
    """Show a table of the weights that can be named."""
    from app.shelf import print_models

    print_models()


@models_app.command()
def inspect(path: options.Weights, debug: options.Debug = False) -> None:
    """Print what a weights file says about itself, as JSON."""
    from app.shelf import print_card

    print_card(path)


@models_app.command()
def verify(debug: options.Debug = False) -> int:
    """Open every weights file and print its SHA-256."""
    from app.shelf import verify_all

    return verify_all()


@models_app.command()
def export(
    name: options.Weights,
    to: options.ExportForm,
    output: options.ExportOutput = None,
    debug: options.Debug = False,
) -> None:
    """Write weights for other programs."""
    from app.shelf import export_model

    export_model(name, to, output)


@app.command()
def doctor(
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    debug: options.Debug = False,
) -> int:
    """Show versions, devices and weights, and try them out."""
    from app.doctor import examine

    return 0 if examine(make_workshop(Terminal(), device, precision, threads), print) else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code.

    Args:
        arguments: What follows the program's name; None = those of this process.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    if not debug:
        warnings.simplefilter("ignore")
    terminal = Terminal()
    try:
        code = app(args=list(arguments), prog_name="remend", standalone_mode=False) or 0
        if code == 130:
            terminal.complain("Interrupted; what was finished is whole, nothing is half-written.")
        return code
    except Exception as error:
        code, sentence = _explain(error, arguments)
        if debug:
            traceback.print_exc()
    if sentence:
        terminal.complain(sentence)
    return code


def _explain(error: Exception, arguments: Sequence[str]) -> tuple[int, str]:
    """The exit code and the sentence of an error."""
    match error:
        case RequestError():
            return 2, str(error)
        case RemendError():
            return 1, str(error)
        case Cancelled():
            return 130, str(error)
        case typer.TyperException():
            # Empty where the help was printed instead, for want of a command.
            sentence = error.format_message()
            return error.exit_code, sentence if sentence[-1:] in (*".?)", "") else f"{sentence}."
        case _:
            from app.crash import explain_unexpected

            return 1, explain_unexpected(error, arguments)
