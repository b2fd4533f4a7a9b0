"""The commands of Remend: parse, call, print. No image arithmetic, and nothing heavy is imported early.

Exit codes: 0 all done, 1 some inputs failed, 2 the request itself is wrong and nothing was started, 130
interrupted. Whatever goes wrong is one sentence on stderr; ``--debug`` adds the traceback.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from remend.app.cli import options, training_options
from remend.app.cli.general_options import (
    GeneralOptions,
    LabOptions,
    PlainHelp,
    find_flag,
    grouped,
)
from remend.app.cli.models_group import models_app
from remend.app.cli.page_command import PageOptions, serve_page
from remend.app.cli.photo_commands import COMMANDS
from remend.app.cli.printing.streams import settled_streams
from remend.app.cli.printing.terminal import Terminal
from remend.models.errors import OptionError, OptionNote, RemendError, RequestError
from remend.models.progress import Cancelled

if TYPE_CHECKING:
    from remend.app.batch.plan import Job


app = typer.Typer(
    cls=PlainHelp,
    help="Repairs and upscales photos on your own computer.",
    pretty_exceptions_enable=False,
)
app.add_typer(models_app, name="models")


@app.callback()
def root(version: options.Version = False) -> None:
    """Take the options that stand before a command."""


for command in COMMANDS:
    app.command()(command)


@app.command()
@grouped
def ui(*, page: PageOptions, general: GeneralOptions) -> None:
    """Serve the web page."""
    serve_page(page, general)


@app.command()
@grouped
def train(
    *,
    recipe: training_options.Recipe,
    data: training_options.Data,
    out: training_options.Out,
    settings: training_options.Settings = None,
    resume: training_options.ResumeRun = False,
    validate: training_options.Validate = None,
    general: GeneralOptions,
) -> None:
    """Train weights with a recipe; Ctrl-C stops after the current step, --resume goes on."""
    from remend.app.cli.train_command import TrainingSources, run_recipe

    sources = TrainingSources(tuple(data), tuple(validate or ()))
    run_recipe(
        recipe, sources, out, settings or [], general.placement, general.terminal, resume=resume
    )


@app.command()
@grouped
def finetune(
    *,
    task: training_options.TunedTask,
    data: training_options.Data,
    output: training_options.TunedWeights,
    parent: training_options.Parent = None,
    minutes: training_options.Minutes = None,
    images: training_options.Images = None,
    adapter: training_options.Adapter = False,
    texture: training_options.Texture = False,
    resume: training_options.ResumeTuning = False,
    settings: training_options.Settings = None,
    validate: training_options.Validate = None,
    masks: training_options.HoleMasks = None,
    pairs: training_options.Pairs = None,
    general: GeneralOptions,
) -> None:
    """Fit weights to photos of your own; Ctrl-C stops after the current step, --resume goes on."""
    from remend.app.cli.finetune_command import run_finetune
    from remend.app.tuning.request import FinetuneRequest

    request = FinetuneRequest(
        task,
        tuple(data),
        output,
        parent,
        minutes,
        images,
        adapter=adapter,
        texture=texture,
        resume=resume,
        settings=tuple(settings or ()),
        validate=tuple(validate or ()),
        masks=masks,
        pairs=pairs,
    )
    run_finetune(request, general.placement, general.terminal)


@app.command()
@grouped
def lab(
    *,
    techniques: training_options.Techniques = None,
    out: training_options.LabOut = Path("remend-lab"),
    page: training_options.LabPage = None,
    data: training_options.LabData = None,
    validate: training_options.LabValidate = None,
    general: LabOptions,
) -> None:
    """Show in numbers and plots what each training technique does on toy problems."""
    from remend.app.cli.lab_command import run_techniques
    from remend.app.cli.train_command import TrainingSources

    photos = TrainingSources(tuple(data or ()), tuple(validate or ()))
    run_techniques(techniques or [], out, page, photos, general.placement, general.terminal)


@app.command()
@grouped
def evaluate(
    *,
    task: training_options.EvaluatedTask,
    data: training_options.EvaluationData,
    model: options.Model = None,
    scale: training_options.WholeScale = 4,
    against: training_options.Against = None,
    lpips: training_options.Lpips = False,
    as_json: training_options.JsonTable = False,
    markdown: training_options.Markdown = False,
    general: GeneralOptions,
) -> None:
    """Score a model on photos whose truth is known, beside classical methods."""
    from remend.app.cli.evaluate_command import run_evaluation

    if as_json and markdown:
        raise RequestError("--json and --markdown exclude each other; name one.")
    run_evaluation(
        task,
        data,
        model,
        scale,
        against,
        general.placement,
        general.terminal,
        as_json=as_json,
        lpips=lpips,
    )


@app.command()
@grouped
def doctor(*, general: GeneralOptions) -> int:
    """Show versions, devices and weights, and try them out."""
    from remend.app.cli.doctor import run_checks
    from remend.app.engine.model_pool import ModelPool

    pool = ModelPool([general.placement])
    return 0 if run_checks(pool) else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code.

    Args:
        arguments: What follows the program's name; None = those of this process.
    """
    arguments = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    with settled_streams(hear_libraries="--debug" in arguments) as out:
        code = _run(arguments)
        out.flush()
        if out.lost and not isinstance(out.lost, BrokenPipeError):  # whose reader has had enough
            Terminal().print_error(
                f"What it prints cannot be written ({out.lost.strerror}); the work itself was done."
            )
            code = code or 1
    return code


def _run(arguments: Sequence[str]) -> int:
    terminal = Terminal()
    try:
        code = app(args=list(arguments), prog_name="remend", standalone_mode=False) or 0
        if code == 130:
            terminal.print_error(
                "Interrupted; what was finished is whole, nothing is half-written."
            )
        return code
    except Exception as error:
        code, sentence = _explain(error, arguments)
    if sentence:
        terminal.print_error(sentence)
    return code


def _explain(error: Exception, arguments: Sequence[str]) -> tuple[int, str]:
    """The exit code and the sentence of an error."""
    match error:
        case OptionError():
            return 2, word_option_error(error)
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


def explain_job(error: Exception, job: "Job") -> str:
    """The sentence for what went wrong with one photo of several."""
    from remend.app.batch.failures import explain_failure

    if isinstance(error, OptionError):
        return word_option_error(error)
    return explain_failure(error, job)


def word_note(note: str) -> str:
    """A note with the name of the option that it advises."""
    if not isinstance(note, OptionNote):
        return note
    return note.worded(find_flag(typer.main.get_command(app), note.option) or note.option)


def word_option_error(error: OptionError) -> str:
    """The sentence of an error with the option as it is typed: ``--feather 2000 is out of range``."""
    flag = find_flag(typer.main.get_command(app), error.option)
    if flag is None:
        return str(error)
    value = f"{error.value:g}" if isinstance(error.value, float) else str(error.value)
    value = "" if error.value is True else value  # a switch, which is typed without one
    return error.worded(f"{flag} {value}".strip())
