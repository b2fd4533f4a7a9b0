"""The project installed into fresh environments, beside packages that have the names of ours.

An environment sees the dependencies that are installed here, and nothing is downloaded. The project's own
editable install stays invisible to it: a folder added by a ``.pth`` file has its own ``.pth`` files ignored.
"""

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

DECOYS = ("app", "models", "training", "weights")


@dataclass(frozen=True)
class Installed:
    """A fresh environment with the project in it, and a folder to work in that holds the decoys."""

    python: Path
    command: Path
    folder: Path

    def run(self, *arguments: str | Path) -> str:
        """Run a program in the folder; what it prints."""
        clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            arguments, cwd=self.folder, env=clean, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def put_decoys(folder: Path) -> None:
    """Packages named as ours, which cannot be imported."""
    for name in DECOYS:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"raise ImportError('the decoy {name} won')\n")


def install(folder: Path, *what: str) -> Installed:
    """Make an environment in ``folder`` and install with pip, offline: a wheel, or ``-e`` and a project."""
    builder = venv.EnvBuilder(symlinks=os.name != "nt")
    builder.create(folder / "venv")
    paths = builder.ensure_directories(folder / "venv")
    python = Path(paths.env_exe)
    ask = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = Path(subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip())

    here = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (packages / "dependencies.pth").write_text("\n".join(here) + "\n")
    put_decoys(packages)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-build-isolation"]
    # The other remend, which dependencies.pth brings into view, must not be uninstalled from here.
    offline = ["--no-deps", "--no-index", "--ignore-installed", "--no-compile"]
    subprocess.run([*pip, *offline, *what], check=True, capture_output=True)

    work = folder / "work"
    work.mkdir()
    put_decoys(work)
    return Installed(python, Path(paths.bin_path) / "remend", work)
