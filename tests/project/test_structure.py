"""The house stays one that a stranger can walk through: short files, short functions, small rooms."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT
from tests.helpers.tracked import files_of_project

LONGEST_FILE, LONGEST_FUNCTION = 300, 50
MOST_MODULES, MOST_TESTS = 15, 25
PACKAGES = ("app", "models", "training")

CODE = [path for path in files_of_project() if path.suffix in (".py", ".js")]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def listed(found: dict[str, int]) -> str:
    return "".join(f"\n{name}: {number}" for name, number in sorted(found.items()))


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Function):
            yield node


def count_lines(function: Function) -> int:
    """Lines from ``def`` to the end, without decorators and docstring."""
    assert function.end_lineno
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None and first.end_lineno:
        lines -= first.end_lineno - first.lineno + 1
    return lines


def test_lines_of_a_function_are_counted_without_its_docstring():
    code = 'def f():\n    """One.\n\n    Two.\n    """\n    a = 1\n\n    return a\n'
    (function,) = ast.parse(code).body
    assert isinstance(function, ast.FunctionDef)
    assert count_lines(function) == 4


def test_no_file_of_code_is_long():
    assert {"app/cli/main.py", "app/page/editor/editor.js"} <= {named(path) for path in CODE}
    lines = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in CODE}
    long = {name: number for name, number in lines.items() if number > LONGEST_FILE}
    assert not long, listed(long)


def test_no_function_is_long():
    long = {
        f"{named(path)}: {function.name}": number
        for path in CODE
        if path.suffix == ".py"
        for function in functions(path)
        if (number := count_lines(function)) > LONGEST_FUNCTION
    }
    assert not long, listed(long)


def test_no_folder_holds_many_modules():
    modules = Counter(path.parent for path in CODE if path.name != "__init__.py")
    assert modules[ROOT / "models" / "layers"] > 5
    crowded = {}
    for folder, number in modules.items():
        most = MOST_TESTS if folder.is_relative_to(ROOT / "tests") else MOST_MODULES
        if number > most:
            crowded[named(folder)] = number
    assert not crowded, listed(crowded)


@pytest.mark.parametrize("package", PACKAGES)
def test_each_room_says_what_lives_in_it(package: str):
    rooms = {
        path.parent for path in CODE if path.is_relative_to(ROOT / package) and path.suffix == ".py"
    }
    assert len(rooms) > 3
    silent = []
    for room in rooms:
        door = room / "__init__.py"
        said = ast.get_docstring(ast.parse(door.read_text("utf-8"))) if door.is_file() else None
        if not said or len(said.splitlines()[0].split()) < 4:
            silent.append(named(room))
    assert silent == []
