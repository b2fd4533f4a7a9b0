"""The console entry, and the wheel's only importable name besides ``remend_bundle/``.

It puts the folder that holds ``app``, ``models`` and ``training`` first on the import path, so that
no other distribution's module of such a name can win, and hands over to ``app.cli``. It is no API.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def find_packages() -> None:
    """Make ``app``, ``models`` and ``training`` importable, as the workers of a cluster need them too."""
    bundle = HERE / "remend_bundle"
    sys.path.insert(0, str(bundle if bundle.is_dir() else HERE))


def main() -> int | None:
    """Run the command line; returns its exit code."""
    find_packages()
    from app.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
