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
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from remend.app.cli.main import app
from tests.helpers.paths import ROOT
from tests.helpers.tracked import files_of_project

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
    wide = {"COLUMNS": "300", "TERM": "dumb", "NO_COLOR": "1"}
    shown = CliRunner().invoke(app, [*command, "--help"], env=wide)
    assert shown.exit_code == 0, f"remend {' '.join(command)} --help: {shown.output}"
    return shown.output


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


def test_the_reference_of_commands_is_the_programs():
    sys.path.insert(0, str(ROOT / "docs"))
    from make_cli import make_page  # pyright: ignore[reportMissingImports]

    assert (ROOT / "docs/cli.md").read_text() == make_page(), "run docs/make_cli.py"


def python_blocks(document: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", document.read_text(), re.M | re.S)


@pytest.mark.parametrize("code", python_blocks(ROOT / "docs/python.md"))
def test_the_printed_python_runs(
    code: str, tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("REMEND_MODELS", str(tiny_weights))
    monkeypatch.chdir(tmp_path)
    picture = Image.new("RGB", (60, 50), "teal")
    picture.save(tmp_path / "photo.jpg")
    mask = Image.new("L", (60, 50))
    mask.paste(255, (10, 10, 20, 30))
    mask.save(tmp_path / "mask.png")
    exec(compile(code, "docs/python.md", "exec"), {"__name__": "__main__"})


def test_the_shell_completes_commands():
    asked = {"_REMEND_COMPLETE": "complete_bash", "COMP_WORDS": "remend up", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "remend"],
        cwd=ROOT,
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["upscale"]


def test_the_container_asks_for_extras_that_exist():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    texts = [
        (ROOT / name).read_text() for name in ("deploy/Dockerfile", "docs/install.md", "Makefile")
    ]
    asked = {
        name
        for text in texts
        for group in re.findall(r"\.\[([\w,]+)\]", text)
        for name in group.split(",")
    }
    assert {"community", "heic"} <= asked <= set(extras)


@pytest.mark.slow
def test_the_site_builds_with_every_link_checked(tmp_path: Path):
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", "deploy/mkdocs.yml"]
    subprocess.run(
        [*build, "-d", str(tmp_path / "site")], cwd=ROOT, check=True, capture_output=True
    )
    pages = {path.parent.name for path in tmp_path.glob("site/*/index.html")}
    assert {"first-repair", "batch", "cli", "python", "community", "design"} <= pages


def test_an_image_holds_no_models_of_the_person_who_builds_it(root: Path):
    (folder,) = re.findall(r"\.\./([\w-]+):/models:ro", (root / "deploy/compose.yml").read_text())
    assert folder in (root / "deploy/Dockerfile.dockerignore").read_text().split()
    assert f"/{folder}/" in (root / ".gitignore").read_text().split()
