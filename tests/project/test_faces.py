"""Words belong to the faces: what models and training say names no flag of the command line."""

import ast
import re
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

FLAG = re.compile(r"(?<![\w-])(?:--[a-zA-Z][\w-]*|-[a-zA-Z]\b(?!-))")
# What is typed into pip belongs to pip.
PIP = re.compile(r"pip install [^;.)]*")


def literals_of(file: Path) -> list[str]:
    """All strings of a source file, docstrings too; an f-string with a 0 for each value."""
    texts: list[str] = []
    inside: set[int] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.JoinedStr):
            inside |= {id(part) for part in node.values}
            texts.append(
                "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "0"
                    for part in node.values
                )
            )
        elif isinstance(node, ast.Constant) and id(node) not in inside:
            texts += [node.value] if isinstance(node.value, str) else []
    return texts


def flags_in(text: str) -> list[str]:
    """Words that begin as a flag does: ``--feather``, ``-o``."""
    return FLAG.findall(PIP.sub("", text))


@pytest.mark.parametrize("package", ["models", "training"])
def test_no_sentence_names_a_flag(package: str):
    found = {
        f"{file.relative_to(ROOT)}: {flag}"
        for file in (ROOT / package).rglob("*.py")
        for text in literals_of(file)
        for flag in flags_in(text)
    }
    assert not found, sorted(found)


def test_a_flag_would_be_found(tmp_path: Path):
    source = tmp_path / "source.py"
    source.write_text('raise ValueError(f"{x} is wrong; use --feather or -o (pip install -U a)")')
    (text,) = literals_of(source)
    assert flags_in(text) == ["--feather", "-o"]
    assert not flags_in("a well-known re-run costs 5-10 s - or more; 1 -1 x-y")
