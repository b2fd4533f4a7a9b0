"""Every module exists once, under its one name, however the program is started.

With two copies of a class, an ``except`` of the one misses what the other raises. Each start here is a
process in a folder whose packages ``app``, ``models`` and ``training`` cannot be imported. A start on a Ray
cluster is in ``tests/app/batch/test_ray_cluster.py``.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.installing import Installed, put_decoys

SCRIPT = """
import collections, importlib, multiprocessing, os, sys

def look(_=None):
    for name in ("app.cli.main", "app.python_api", "app.batch.plan", "training.recipe.parse"):
        importlib.import_module(f"remend.{name}")
    from remend.models.imaging.picture import Picture
    files = collections.Counter(
        os.path.realpath(module.__file__)
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in ("remend", "app", "models", "training")
        and getattr(module, "__file__", None)
    )
    assert len(files) > 20, files
    assert set(files.values()) == {1}, [file for file, number in files.items() if number > 1]
    tops = {name.partition(".")[0] for name in sys.modules}
    assert not tops & {"app", "models", "training"}, tops
    return Picture.__module__

if __name__ == "__main__":
    names = {look()}
    if "--spawn" in sys.argv:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            names.update(pool.map(look, range(2)))
            import numpy
            from remend.models.imaging.picture import Picture
            sent = pool.apply(Picture, (numpy.zeros((4, 4, 3), numpy.uint8),))
            assert type(sent) is Picture, type(sent)
    assert names == {"remend.models.imaging.picture"}, names
    print("one name")
"""


def write_script(folder: Path) -> Path:
    path = folder / "look.py"
    path.write_text(SCRIPT)
    return path


def run_beside_decoys(folder: Path, root: Path, *words: str | Path) -> str:
    """Run Python in ``folder``, with the checkout found through PYTHONPATH."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder that is not the project, with the decoys in it."""
    put_decoys(tmp_path)
    return tmp_path


def test_a_checkout_and_its_spawned_workers(root: Path, elsewhere: Path):
    script = write_script(elsewhere)
    assert "one name" in run_beside_decoys(elsewhere, root, script, "--spawn")


def test_the_program_starts_from_another_folder(root: Path, elsewhere: Path):
    assert "fill" in run_beside_decoys(elsewhere, root, "-m", "remend", "--help")


@pytest.mark.parametrize("way", ["installed", "editable"])
def test_an_install_and_its_spawned_workers(way: str, request: pytest.FixtureRequest):
    environment: Installed = request.getfixturevalue(way)
    script = write_script(environment.folder)
    assert "one name" in environment.run(environment.python, script, "--spawn")


def test_an_editable_install_is_the_checkout(editable: Installed, root: Path):
    find = "import remend.models.errors as e; print(e.__name__, e.__file__)"
    name, file = editable.run(editable.python, "-c", find).split()
    assert (name, Path(file)) == ("remend.models.errors", root / "models" / "errors.py")
    assert "fill" in editable.run(editable.command, "--help")


def test_the_processes_of_torchrun(installed: Installed):
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    out = installed.run(installed.python, *torchrun, write_script(installed.folder))
    assert out.count("one name") == 2
