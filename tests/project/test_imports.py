"""Which module may import which, what an import drags in, and that it is all declared."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PACKAGES = ("app", "models", "training")

CHECK_CONTRACTS = """
from importlinter.cli import lint_imports
raise SystemExit(lint_imports(config_filename={config!r}, no_cache=True, no_logo=True))
"""

EXTERNAL_PACKAGES = """
import grimp
graph = grimp.build_graph("remend", include_external_packages=True, cache_dir=None)
print(*(name.partition(".")[0] for name in graph.modules if graph.is_module_squashed(name)))
"""

IMPORT_ALL = """
import importlib, pkgutil
for name in ("remend.models", "remend.training"):
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        importlib.import_module(module.name)
"""

ASK_FOR_HELP = """
import sys
from remend.app.cli.main import main
sys.argv = ["remend", "--help"]
try:
    main()
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


@pytest.fixture(scope="module")
def package_parent(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package as a wheel lays it out: grimp does not follow a package's ``__path__``."""
    folder = tmp_path_factory.mktemp("linked")
    (folder / "remend").mkdir()
    for path in (*(root / "remend").glob("*.py"), *(root / name for name in PACKAGES)):
        (folder / "remend" / path.name).symlink_to(path)
    return folder


def test_imports_keep_to_the_contracts_of_pyproject(root: Path, package_parent: Path):
    run_python(CHECK_CONTRACTS.format(config=str(root / "pyproject.toml")), package_parent)


def test_models_and_training_load_neither_page_nor_command_line(root: Path):
    loaded = packages_loaded_by(IMPORT_ALL, root)
    assert {"remend", "torch"} <= loaded
    assert loaded.isdisjoint({"gradio", "typer"})


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


def test_what_is_imported_is_declared(root: Path, package_parent: Path):
    def plain(requirement: str) -> str:
        name = re.match(r"[\w.-]+", requirement)
        assert name, requirement
        return re.sub(r"[-_.]+", "-", name[0]).lower()

    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    needed = {plain(line) for line in project["dependencies"]}
    extras = project["optional-dependencies"]
    optional = {
        plain(line)
        for extra in ("training", "heic", "community", "onnx", "export")
        for line in extras[extra]
    }

    packages = set(run_python(EXTERNAL_PACKAGES, package_parent).split())
    owners = importlib.metadata.packages_distributions()
    imported = {
        plain(owners.get(package, [package])[0]) for package in packages - sys.stdlib_module_names
    }
    assert imported <= needed | optional, "imported but not in pyproject.toml"
