"""The commands under ``remend models``; their work is in ``app.cli.models_command``."""

import typer

from remend.app.cli import options
from remend.app.cli.general_options import DebugOptions, grouped
from remend.app.cli.printing.terminal import Terminal

models_app = typer.Typer(invoke_without_command=True)


@models_app.callback()
def models(context: typer.Context) -> None:
    """List and check the weights there are."""
    if context.invoked_subcommand is None:
        list_(debug=False)


@models_app.command("list")
@grouped
def list_(*, general: DebugOptions) -> None:
    """Show a table of the weights that can be named."""
    from remend.app.cli.models_command import print_models

    print_models()


@models_app.command()
@grouped
def inspect(*, path: options.Weights, general: DebugOptions) -> None:
    """Print what a weights file says about itself, as JSON."""
    from remend.app.cli.models_command import print_card

    print_card(path)


@models_app.command()
@grouped
def verify(*, general: DebugOptions) -> int:
    """Open every weights file and print its SHA-256."""
    from remend.app.cli.models_command import verify_all

    return verify_all()


@models_app.command()
@grouped
def export(
    *,
    name: options.Weights,
    to: options.ExportForm,
    output: options.ExportOutput = None,
    general: DebugOptions,
) -> None:
    """Write weights for other programs."""
    from remend.app.cli.models_command import export_model

    export_model(name, to, output)


@models_app.command()
@grouped
def add(
    *,
    file: options.AddedFile,
    name: options.AddedName = None,
    licence: options.AddedLicence = "",
    sha256: options.AddedHash = None,
    general: DebugOptions,
) -> None:
    """Put weights into the folder of models, from a file or an https address."""
    from remend.app.cli.models_command import add_weights

    add_weights(file, name, licence, sha256, Terminal())


@models_app.command()
@grouped
def remove(*, name: options.RemovedName, general: DebugOptions) -> None:
    """Take weights out of the folder of models."""
    from remend.app.cli.models_command import remove_weights

    remove_weights(name)
