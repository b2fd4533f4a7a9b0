"""What the documents print can be done: commands, options, make targets and links exist.

Also what no file of the project may name: a path of one person's machine, or the host of a package
registry.
"""

import functools
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("weights/*.md")])
MACHINE_PATH = re.compile(r"(?<![\w.~*-])/(?:work|root|home|Users|tmp/[\w.]+)/|\.\./shared\b")
REGISTRY = re.compile(r"pypi\.org|\.pythonhosted\.|registry\.npmjs|download\.pytorch\.org")


def lines_of_code(document: Path) -> Iterator[str]:
    """The command lines of a document's fenced blocks: continued lines joined, comments cut."""
    text = document.read_text(encoding="utf-8")
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S):
        if language not in ("", "sh", "bash", "console"):
            continue
        for line in block.replace("\\\n", " ").splitlines():
            yield line.removeprefix("$ ").partition(" #")[0].strip()


def printed(program: str) -> list[str]:
    """Every distinct command line of the documents that calls ``program``."""
    lines = {line for document in DOCUMENTS for line in lines_of_code(document)}
    return sorted(line for line in lines if line.split(" ")[0].rpartition("/")[2] == program)


@functools.cache
def help_of(*command: str) -> str:
    wide = {**os.environ, "COLUMNS": "300", "TERM": "dumb", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "remend.py", *command, "--help"],
        cwd=ROOT,
        env=wide,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"remend {' '.join(command)} --help: {done.stderr}"
    return done.stdout


def files_of_project() -> list[Path]:
    """All that is tracked or will be: what git lists, less what it ignores."""
    ask = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(ask, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("line", printed("remend"))
def test_a_printed_remend_command_exists(line: str):
    words = shlex.split(line)[1:]
    command: list[str] = []
    while "COMMAND" in help_of(*command) and words and not words[0].startswith("-"):
        command.append(words.pop(0))
    options = {word.partition("=")[0] for word in words if re.match(r"--?[A-Za-z]", word)}
    known = set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", help_of(*command)))
    assert options <= known, f"remend {' '.join(command)} has no such option"


@pytest.mark.parametrize("line", printed("make"))
def test_a_printed_make_target_exists(line: str):
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M)
    wanted = [word for word in shlex.split(line)[1:] if "=" not in word]
    assert wanted
    assert set(wanted) <= set(targets)


def test_the_readme_begins_with_how_to_run_and_how_to_test():
    lines = [line for line in lines_of_code(ROOT / "README.md") if line]
    assert lines[:2] == ["make run", "make test"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(document: Path):
    text = document.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text)
    targets = {(plain or html).partition("#")[0] for plain, html in links}
    local = {target for target in targets if target and "://" not in target}
    assert {target for target in local if not (document.parent / target).exists()} == set()


def test_no_file_names_a_machine_or_a_registry():
    found = []
    for path in files_of_project():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE_PATH.search(line) or REGISTRY.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    assert found == []
