"""The built wheel, installed beside a distribution that ships packages of the same names as ours.

The new environment sees the dependencies that are installed here, and nothing is downloaded. The
project's own editable install stays invisible to it: a folder added by a ``.pth`` file has its own
``.pth`` files ignored.
"""

import os
import subprocess
import sys
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

DECOYS = ("app", "models", "training", "weights")


@dataclass(frozen=True)
class Installed:
    """A fresh environment with the wheel in it, and a folder to work in that holds the decoys."""

    python: Path
    command: Path
    folder: Path

    def run(self, *arguments: str | Path) -> str:
        clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            arguments, cwd=self.folder, env=clean, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def put_decoys(folder: Path) -> None:
    for name in DECOYS:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"raise ImportError('the decoy {name} won')\n")


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=root, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("venv")
    builder = venv.EnvBuilder(symlinks=os.name != "nt")
    builder.create(folder)
    paths = builder.ensure_directories(folder)
    python = Path(paths.env_exe)
    ask = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = Path(subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip())

    here = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (packages / "dependencies.pth").write_text("\n".join(here) + "\n")
    put_decoys(packages)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install"]
    # The other remend, which dependencies.pth brings into view, must not be uninstalled from here.
    offline = ["--no-deps", "--no-index", "--ignore-installed", "--no-compile"]
    subprocess.run([*pip, *offline, str(wheel)], check=True, capture_output=True)

    work = tmp_path_factory.mktemp("work")
    put_decoys(work)
    return Installed(python, Path(paths.bin_path) / "remend", work)


def test_the_wheel_owns_one_name(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top = {name.partition("/")[0] for name in names}
    (about,) = (name for name in top if name.endswith(".dist-info"))
    assert top == {"remend", about}
    inside = {name.split("/")[1] for name in names if name.startswith("remend/")}
    front_door = {"__init__.py", "__main__.py", "py.typed"}
    assert inside == {"app", "models", "training", "weights", *front_door}


def test_the_wheel_carries_what_it_needs_at_run_time(root: Path, wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for pattern in (
        "weights/*.safetensors",
        "training/recipe/*.toml",
        "app/**/*.py",
        "app/page/**/*.js*",
    ):
        wanted = {f"remend/{path.relative_to(root)}" for path in root.glob(pattern)}
        assert wanted, pattern
        assert wanted <= names
    assert not any("__pycache__" in name for name in names)


def test_the_installed_code_is_the_wheels(installed: Installed):
    find = "import remend; print(remend.__file__)"
    module = Path(installed.run(installed.python, "-c", find).strip())
    assert installed.python.parent.parent in module.parents


def test_help_beside_decoys(installed: Installed):
    assert "fill" in installed.run(installed.command, "--help")
    assert "fill" in installed.run(installed.python, "-m", "remend", "--help")


def test_fill_beside_decoys(installed: Installed):
    ramp = np.arange(64, dtype=np.uint8) * 3
    scene = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None, :], np.uint8(90)), axis=-1)
    hole = np.zeros((64, 64), np.uint8)
    hole[20:30, 24:40] = 255
    photo = np.where(hole[..., None] == 255, np.array([255, 0, 255], np.uint8), scene)
    Image.fromarray(photo).save(installed.folder / "photo.png")
    Image.fromarray(hole).save(installed.folder / "mask.png")

    installed.run(installed.command, "fill", "photo.png", "--mask", "mask.png", "-o", "filled.png")

    filled = np.asarray(Image.open(installed.folder / "filled.png"))
    assert filled.shape == photo.shape
    assert (filled[hole == 0] == photo[hole == 0]).all()
    off = np.abs(filled.astype(int) - scene)[hole == 255]
    assert off.mean() < 32, "the scratch is still there"


def test_python_use_beside_decoys(installed: Installed):
    code = (
        "import numpy as np, remend;"
        "photo = np.full((32, 32, 3), 90, np.uint8); mask = np.zeros((32, 32), bool);"
        "mask[4:9, 4:9] = True;"
        "print(remend.fill(photo, mask, device='cpu').shape);"
        "print(remend.__path__[0])"
    )
    shape, folder = installed.run(installed.python, "-c", code).strip().splitlines()
    assert shape == "(32, 32, 3)"
    assert Path(folder).name == "remend"
    assert installed.python.parent.parent in Path(folder).parents
