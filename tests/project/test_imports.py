"""Which module may import which, what an import drags in, and that it is all declared."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

CHECK_CONTRACTS = """
from importlinter.cli import lint_imports
raise SystemExit(lint_imports(no_cache=True, no_logo=True))
"""

IMPORT_ALL = """
import importlib, pkgutil
for name in ("models", "training"):
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        importlib.import_module(module.name)
"""

ASK_FOR_HELP = """
import sys, remend
sys.argv = ["remend", "--help"]
try:
    remend.main()
except SystemExit as stop:
    assert not stop.code, stop.code
"""


def run_python(code: str, root: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def packages_loaded_by(code: str, root: Path) -> set[str]:
    out = run_python(f"{code}\nimport sys\nprint('\\nLOADED', *sys.modules)", root)
    return {name.partition(".")[0] for name in out.rpartition("LOADED ")[2].split()}


def test_imports_keep_to_the_contracts_of_pyproject(root: Path):
    run_python(CHECK_CONTRACTS, root)


def test_models_and_training_load_neither_page_nor_command_line(root: Path):
    loaded = packages_loaded_by(IMPORT_ALL, root)
    assert {"models", "training", "torch"} <= loaded
    assert loaded.isdisjoint({"app", "gradio", "typer"})


@pytest.mark.parametrize("arguments", ['"--help"', ""])
def test_help_loads_nothing_heavy(root: Path, arguments: str):
    loaded = packages_loaded_by(ASK_FOR_HELP.replace('"--help"', arguments), root)
    assert "typer" in loaded
    # rich and pydantic are half of the time that --help took with them
    assert loaded.isdisjoint({"torch", "gradio", "cv2", "kornia", "lpips", "rich", "pydantic"})


def test_the_list_of_models_loads_neither_torch_nor_gradio(root: Path):
    loaded = packages_loaded_by(ASK_FOR_HELP.replace('"--help"', '"models"'), root)
    assert "rich" in loaded
    assert loaded.isdisjoint({"torch", "gradio", "numpy", "PIL", "cv2", "spandrel"})


def test_what_is_imported_is_declared(root: Path):
    def plain(requirement: str) -> str:
        name = re.match(r"[\w.-]+", requirement)
        assert name, requirement
        return re.sub(r"[-_.]+", "-", name[0]).lower()

    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    needed = {plain(line) for line in project["dependencies"]}
    extras = project["optional-dependencies"]
    optional = {
        plain(line)
        for extra in ("training", "heic", "community", "export")
        for line in extras[extra]
    }

    graph = grimp.build_graph(
        "app", "training", "models", include_external_packages=True, cache_dir=None
    )
    packages = {name.partition(".")[0] for name in graph.modules if graph.is_module_squashed(name)}
    owners = importlib.metadata.packages_distributions()
    imported = {
        plain(owners.get(package, [package])[0]) for package in packages - sys.stdlib_module_names
    }
    assert imported <= needed | optional, "imported but not in pyproject.toml"
