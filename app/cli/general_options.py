"""The options that all commands share, and how a group of options becomes options of a command.

A group is a frozen dataclass whose fields have types of ``app.cli.options``. A command takes groups as
parameters; `grouped` shows typer their fields instead. Nothing heavy is imported before a command runs.
"""

import functools
import inspect
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from typer.core import TyperGroup

from remend.app.cli import options
from remend.app.cli.printing.terminal import Terminal

if TYPE_CHECKING:
    from remend.models.device import Placement


class PlainHelp(TyperGroup):
    """Lists the commands in plain text: loading rich would double the time that the list takes."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "rich_markup_mode": None})

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Every command with the whole of its first sentence."""
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, found.get_short_help_str(999)) for name, found in commands if found]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@dataclass(frozen=True)
class DebugOptions:
    """What every command takes."""

    debug: options.Debug = False


@dataclass(frozen=True)
class GeneralOptions(DebugOptions):
    """What every command takes that runs networks."""

    device: options.Device = "auto"
    precision: options.Precision = "auto"
    threads: options.Threads = None
    quiet: options.Quiet = False

    @functools.cached_property
    def terminal(self) -> Terminal:
        """Where the command's messages go."""
        return Terminal(quiet=self.quiet)

    @functools.cached_property
    def placement(self) -> "Placement":
        """Device and precision of the networks; errors as ``app.engine.devices``."""
        from remend.app.engine.devices import resolve_placement

        return resolve_placement(
            self.device, self.precision, self.threads, self.terminal.print_note
        )


@dataclass(frozen=True)
class LabOptions(GeneralOptions):
    """The same with defaults that give the same figures on every machine."""

    device: options.Device = "cpu"
    precision: options.Precision = "fp32"
    threads: options.Threads = 1


def grouped(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command whose dataclass parameters are replaced by their fields.

    With ``--debug`` it shows warnings, and the traceback of an error before it passes the error on.

    Args:
        command: Takes a group with ``debug``. Its annotations are types, not their names; so are those of
            the groups.
    """
    parameters = inspect.signature(command).parameters.values()
    groups: dict[str, Any] = {
        p.name: p.annotation for p in parameters if is_dataclass(p.annotation)
    }

    @functools.wraps(command)
    def flat(**given: Any) -> Any:
        debug = given["debug"]
        if not debug:
            warnings.simplefilter("ignore")
        try:
            for name, group in groups.items():
                given[name] = group(
                    **{field.name: given.pop(field.name) for field in fields(group)}
                )
            return command(**given)
        except Exception:
            if debug:
                traceback.print_exc()
            raise

    shown = []
    for parameter in parameters:
        inner = _own_first(groups[parameter.name]) if parameter.name in groups else ()
        for field in inner:
            default = inspect.Parameter.empty if field.default is MISSING else field.default
            shown.append((field.name, field.type, default))
        if not inner:
            shown.append((parameter.name, parameter.annotation, parameter.default))
    signature: Any = inspect.Signature(
        [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default
            )
            for name, kind, default in shown
        ]
    )
    flat.__signature__ = signature  # pyright: ignore[reportAttributeAccessIssue]
    flat.__annotations__ = {}
    return flat


def _own_first(group: Any) -> list[Field[Any]]:
    """The fields of a group in the order of the help: its own before those that it inherits."""
    known = {field.name: field for field in fields(group)}
    order = dict.fromkeys(name for kind in group.__mro__ for name in inspect.get_annotations(kind))
    return [known[name] for name in order if name in known]


def find_flag(program: Any, field: str) -> str | None:
    """What a field is called on the command line: ``--tile`` for ``tile`` and ``tile_px``.

    Args:
        program: The program's command, as typer makes it.
        field: A field of a group of options, or of what a group builds; its unit may follow.

    Returns:
        The first name in the option's declaration; "" for an argument, which is typed without a name; None
        where no command declares such a field.
    """
    named: dict[str, str] = {}
    unnamed: dict[str, str] = {}
    for parameter in _declared(program):
        if parameter.param_type_name == "argument":
            unnamed[parameter.name] = ""
            continue
        flag = parameter.opts[0]
        for name in (parameter.name, flag.lstrip("-").replace("-", "_")):
            named.setdefault(name, flag)
    flags = unnamed | named
    without_unit = field.rpartition("_")[0]
    return flags.get(field, flags.get(without_unit))


def _declared(command: Any) -> Iterator[Any]:
    """The parameters of a command and of those below it."""
    yield from command.params
    for inner in getattr(command, "commands", {}).values():
        yield from _declared(inner)
