"""CONTRIBUTING.md sends nobody to a file or a name that is not there, and leaves no room out."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PATH = re.compile(r"`([\w./*-]+/[\w.*-]*|[\w-]+\.(?:md|txt|toml))`")
NAMES_IN_FILE = re.compile(r"((?:`\w+`(?:, | and | or an? |, an? )?)+)\s+in\s+`([\w/]+\.py)`")


def named_places() -> list[tuple[str, str]]:
    """Every (name, file) that the page names as ``NAME`` in ``path.py``."""
    return sorted(
        {
            (name, path)
            for names, path in NAMES_IN_FILE.findall(PAGE)
            for name in re.findall(r"`(\w+)`", names)
        }
    )


def named_paths() -> list[str]:
    return sorted(set(PATH.findall(PAGE)))


@functools.cache
def defined_in(path: Path) -> frozenset[str]:
    """The names at the top level of a module that it defines itself; imports do not count."""

    def targets() -> Iterator[str]:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            match node:
                case ast.FunctionDef() | ast.ClassDef():
                    yield node.name
                case ast.Assign():
                    for target in node.targets:
                        yield from (n.id for n in ast.walk(target) if isinstance(n, ast.Name))
                case ast.AnnAssign(target=ast.Name(id=name)):
                    yield name
                case _:
                    pass

    return frozenset(targets())


@pytest.mark.parametrize(("name", "path"), named_places())
def test_a_name_is_defined_where_the_page_says(name: str, path: str):
    assert (ROOT / path).is_file()
    assert name in defined_in(ROOT / path)


@pytest.mark.parametrize("path", named_paths())
def test_a_path_leads_somewhere(path: str):
    assert list(ROOT.glob(path.rstrip("/")))


def test_names_and_paths_were_found():
    assert ("NORMS", "models/layers/norm.py") in named_places()
    assert ("OptionError", "models/errors.py") in named_places()
    assert {"training/recipe/*.toml", "app/page/editor", "constraints.txt"} <= set(named_paths())
    assert "print" not in defined_in(ROOT / "tests/project/test_contributing.py")


def rows() -> list[list[str]]:
    """The cells of the table under "To add a …", without its head."""
    lines = re.findall(r"^\| (.+) \|$", PAGE.partition("## To add a …")[2], re.M)
    return [[cell.strip() for cell in line.split(" | ")] for line in lines[2:]]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_row_says_where_and_names_its_test(row: list[str]):
    what, change, *_, tests = row
    assert what and PATH.search(change), "no file to change"
    assert re.findall(r"`(tests/[\w/]+/test_\w+\.py)`", tests), "no test"
    # A capitalised name without its file beside it would be checked by nobody.
    placed = {name for name, _ in named_places()}
    loose = set(re.findall(r"`([A-Z]\w+)`", change)) - placed
    assert not loose


def test_the_table_has_a_row_for_each_kind_of_piece():
    kinds = {row[0] for row in rows()}
    wanted = {"norm", "upsampling", "gate", "picture loss", "GAN loss", "gradient penalty"}
    wanted |= {"optimiser", "kind of hole", "architecture", "recipe", "experiment of the lab"}
    wanted |= {"command", "option of a command", "dial of the page", "language of the page"}
    assert wanted <= kinds


def test_every_room_is_in_the_table_of_the_house():
    rooms = {
        door.parent.relative_to(ROOT).as_posix()
        for package in ("app", "models", "training")
        for door in (ROOT / package).glob("*/__init__.py")
    }
    listed = set(re.findall(r"^\| `([\w/]+)` \|", PAGE, re.M))
    assert rooms <= listed
    assert len(rooms) > 15
