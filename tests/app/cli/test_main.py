"""What all commands share: options, ``--version``, ``--debug``, and how an error names an option."""

import re
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import remend as package
from remend.app.cli.general_options import find_flag
from remend.app.cli.main import app, main, word_option_error
from remend.models.errors import OptionError
from tests.helpers.commands import Remend

PROGRAM: Any = typer.main.get_command(app)


def commands(command: Any = PROGRAM, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its name."""
    inner = getattr(command, "commands", {})
    if not inner:
        yield name.strip(), command
    for word, below in inner.items():
        yield from commands(below, f"{name} {word}")


COMMANDS = dict(commands())


def options_of(name: str) -> set[str]:
    return {spelling for parameter in COMMANDS[name].params for spelling in parameter.opts}


def test_the_version_is_the_packages(remend: Remend, root: Path):
    done = remend("--version")
    assert (done.code, done.out, done.err) == (0, f"remend {package.__version__}\n", "")
    project = tomllib.loads((root / "pyproject.toml").read_text())
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["hatch"]["version"]["path"] == "remend/__init__.py"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_the_shared_options(name: str):
    shared = {"--debug"}
    if not name.startswith("models"):
        shared |= {"--device", "-g", "--precision", "--threads", "--quiet"}
    assert shared <= options_of(name)


def test_there_are_fifteen_commands():
    assert len(COMMANDS) == 15


@pytest.mark.parametrize(
    ("field", "flag"),
    [
        ("feather", "--feather"),
        ("feather_px", "--feather"),
        ("tile_px", "--tile"),
        ("scale", "--scale"),
        ("file_format", "--format"),
        ("max_memory", "--max-memory"),
        ("parent", "--from"),
        ("ncnn_tile", "-t"),
        ("output", "--output"),
        ("task", ""),
        ("no_such_field", None),
    ],
)
def test_a_field_has_the_name_of_its_declaration(field: str, flag: str | None):
    assert find_flag(PROGRAM, field) == flag


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            OptionError("feather_px", 2000, "is out of range", "0 to 1000"),
            "--feather 2000 is out of range; choose 0 to 1000.",
        ),
        (OptionError("detail", 2.0, "is out of range"), "--detail 2 is out of range."),
        (OptionError("task", "sing", "is unknown"), "sing is unknown."),
        (OptionError("texture", True, "is not taught"), "--texture is not taught."),
        (OptionError("no_such_field", 1, "is wrong"), "no_such_field=1 is wrong."),
    ],
)
def test_an_error_names_the_option_as_it_is_typed(error: OptionError, sentence: str):
    assert word_option_error(error) == sentence


def test_every_option_that_an_error_names_can_be_typed(root: Path):
    files = [file for name in ("app", "models", "training") for file in (root / name).rglob("*.py")]
    fields = {
        field
        for file in files
        for field in re.findall(r"OptionError\(\s*\"(\w+)\"", file.read_text(encoding="utf-8"))
    }
    assert "threads" in fields
    assert {field for field in fields if find_flag(PROGRAM, field) is None} == set()


@pytest.mark.usefixtures("here")
def test_debug_is_an_option_and_not_a_word_among_the_arguments(capsys: pytest.CaptureFixture[str]):
    assert main(["upscale", "none.jpg", "--debug", "-o", "out"]) == 2
    assert "Traceback" in capsys.readouterr().err
    assert main(["upscale", "-o", "out", "--", "--debug"]) == 2
    assert capsys.readouterr().err == "remend: --debug does not exist; check the path.\n"


@pytest.mark.parametrize(
    "line",
    ["upscale --fast --debug", "upscale --debug", "paint --debug", "--debug", "train --threads x"],
)
def test_what_cannot_be_parsed_is_one_sentence(
    line: str, capsys: pytest.CaptureFixture[str], here: Path
):
    assert main(line.split()) == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence.startswith("remend: ") and sentence[-1] in ".?)"


@pytest.mark.parametrize(("words", "count"), [(["--debug"], 1), ([], 0)])
def test_debug_shows_warnings(words: list[str], count: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        "remend.app.cli.models_command.print_models", lambda: warnings.warn("old", stacklevel=1)
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert main(["models", "list", *words]) == 0
    assert len(caught) == count
