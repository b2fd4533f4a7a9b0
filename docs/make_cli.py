"""Writes ``docs/cli.md``, the reference of all commands, from the program itself.

    .venv/bin/python docs/make_cli.py

``tests/project/test_docs.py`` compares the page with what this makes.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

OF_TYPER = ("help", "install_completion", "show_completion")
"""Options that typer adds."""
HEAD = """# Commands

<!-- Made by docs/make_cli.py from the program; change the program, not this page. -->

Exit codes: 0 all done, 1 some inputs failed (the others are done), 2 the request itself is wrong and
nothing was started, 130 interrupted. `remend --install-completion` teaches your shell the commands and
options; `remend COMMAND --help` says on a terminal what this page says.
"""


def make_page() -> str:
    """The page as Markdown."""
    import typer

    from remend.app.cli.main import app

    parts = [HEAD]
    for path, command in walk(["remend"], typer.main.get_command(app)):
        parts.append("\n".join(describe(path, command)))
    return "\n".join(parts) + "\n"


def walk(path: list[str], command: Any) -> Iterator[tuple[list[str], Any]]:
    """A command and all below it, in the order of the program."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from walk([*path, name], inner)


def describe(path: list[str], command: Any) -> Iterator[str]:
    """One command's section, line by line."""
    shown = [
        parameter
        for parameter in command.params
        if not getattr(parameter, "hidden", False) and parameter.name not in OF_TYPER
    ]
    arguments = [parameter for parameter in shown if parameter.param_type_name == "argument"]
    options = [parameter for parameter in shown if parameter.param_type_name == "option"]
    words = ["COMMAND"] if path == ["remend"] else []
    words += [(p.metavar or p.name.upper()) for p in arguments]
    needed = [f"{p.opts[0]} {p.metavar or p.name.upper()}" for p in options if p.required]
    yield f"## {' '.join(path)}\n"
    yield f"{(command.help or '').strip()}\n"
    yield f"    {' '.join([*path, *words, *needed])}{' [OPTIONS]' if len(options) > len(needed) else ''}\n"
    rows = [(f"`{(p.metavar or p.name.upper())}`", p.help) for p in arguments]
    rows += [(spell(p), p.help) for p in options]
    if rows:
        yield "| | |"
        yield "| --- | --- |"
        for names, text in rows:
            yield f"| {names} | {(text or '').replace('|', chr(92) + '|')} |"
        yield ""


def spell(option: Any) -> str:
    """An option's names and what it takes, such as ``--scale``, ``-s`` ``1.5..8``."""
    names = " ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    choices = option.type_descriptor.choices if option.type_descriptor.is_choice else None
    takes = "|".join(map(str, choices)) if choices else option.metavar
    if not takes or option.is_flag:
        return names
    return f"{names} `{takes}`".replace("|", r"\|")


if __name__ == "__main__":
    (HERE / "cli.md").write_text(make_page(), encoding="utf-8")
