"""The commands of Remend: parse, call, print. No image arithmetic, and nothing heavy is imported early.

Exit codes: 0 all done, 1 some inputs failed, 2 the request itself is wrong and nothing was started, 130
interrupted. Whatever goes wrong is one sentence on stderr; ``--debug`` adds the traceback.
"""

import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from remend.app.cli import options
from remend.app.cli.photo_commands import COMMANDS
from remend.app.cli.terminal import Terminal
from remend.models.errors import RemendError, RequestError
from remend.models.progress import Cancelled


class _Overview(TyperGroup):
    """Lists the commands in plain text: who looks for one does not wait for rich, as its own help does."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "rich_markup_mode": None})

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Every command with the whole of its first sentence."""
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, found.get_short_help_str(999)) for name, found in commands if found]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


app = typer.Typer(
    cls=_Overview,
    help="Repairs and upscales photos on your own computer.",
    pretty_exceptions_enable=False,
)
models_app = typer.Typer(invoke_without_command=True)
app.add_typer(models_app, name="models")


for command in COMMANDS:
    app.command()(command)


@app.command()
def ui(
    host: options.Host = "127.0.0.1",
    port: options.Port = 7860,
    share: options.Share = False,
    auth: options.Auth = None,
    max_megapixels: options.MaxMegapixels = None,
    allow_custom_weights: options.AllowCustomWeights = False,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    debug: options.Debug = False,
) -> None:
    """Serve the web page."""
    from remend.app.engine.devices import resolve_placement
    from remend.app.engine.model_pool import ModelPool
    from remend.app.page.server import serve

    limits = {} if max_megapixels is None else {"max_megapixels": max_megapixels}
    pool = ModelPool([resolve_placement(device, precision, threads, Terminal().note)])
    serve(
        pool, host=host, port=port, share=share, auth_file=auth,
        allow_custom_weights=allow_custom_weights, **limits,
    )  # fmt: skip


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
    from remend.app.cli.train_command import run_recipe
    from remend.app.engine.devices import resolve_placement

    terminal = Terminal(quiet=quiet)
    placement = resolve_placement(device, precision, threads, terminal.note)
    run_recipe(recipe, data, out, settings or [], placement, terminal, resume=resume)


@app.command()
def finetune(
    task: options.TunedTask,
    data: options.Data,
    output: options.TunedWeights,
    parent: options.Parent = None,
    minutes: options.Minutes = None,
    images: options.Images = None,
    adapter: options.Adapter = False,
    resume: options.ResumeTuning = False,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Fit weights to photos of your own; Ctrl-C stops after the current step, --resume goes on."""
    from remend.app.cli.finetune_command import FinetuneRequest, run_finetune
    from remend.app.engine.devices import resolve_placement

    terminal = Terminal(quiet=quiet)
    wanted = FinetuneRequest(task, tuple(data), output, parent, minutes, images, adapter, resume)
    run_finetune(wanted, resolve_placement(device, precision, threads, terminal.note), terminal)


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
    from remend.app.cli.lab_command import run_techniques
    from remend.app.engine.devices import resolve_placement

    terminal = Terminal(quiet=quiet)
    placement = resolve_placement(device, precision, threads, terminal.note)
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
    from remend.app.cli.evaluate_command import run_evaluation
    from remend.app.engine.devices import resolve_placement

    if as_json and markdown:
        raise RequestError("--json and --markdown exclude each other; name one.")
    terminal = Terminal(quiet=quiet)
    placement = resolve_placement(device, precision, threads, terminal.note)
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
    from remend.app.cli.models_command import print_models

    print_models()


@models_app.command()
def inspect(path: options.Weights, debug: options.Debug = False) -> None:
    """Print what a weights file says about itself, as JSON."""
    from remend.app.cli.models_command import print_card

    print_card(path)


@models_app.command()
def verify(debug: options.Debug = False) -> int:
    """Open every weights file and print its SHA-256."""
    from remend.app.cli.models_command import verify_all

    return verify_all()


@models_app.command()
def export(
    name: options.Weights,
    to: options.ExportForm,
    output: options.ExportOutput = None,
    debug: options.Debug = False,
) -> None:
    """Write weights for other programs."""
    from remend.app.cli.models_command import export_model

    export_model(name, to, output)


@app.command()
def doctor(
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    debug: options.Debug = False,
) -> int:
    """Show versions, devices and weights, and try them out."""
    from remend.app.cli.doctor import examine
    from remend.app.engine.devices import resolve_placement
    from remend.app.engine.model_pool import ModelPool

    pool = ModelPool([resolve_placement(device, precision, threads, Terminal().note)])
    return 0 if examine(pool, print) else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code.

    Args:
        arguments: What follows the program's name; None = those of this process.
    """
    arguments = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
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
            sentence = error.format_message()
            return error.exit_code, sentence if sentence[-1:] in (*".?)", "") else f"{sentence}."
        case _:
            from remend.app.engine.crash_report import explain_unexpected

            return 1, explain_unexpected(error, arguments)
