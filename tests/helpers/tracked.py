"""Which files belong to the project."""

import functools
import subprocess
from pathlib import Path

from tests.helpers.paths import ROOT


@functools.cache
def files_of_project() -> tuple[Path, ...]:
    """All that Git tracks or would track, without what it ignores."""
    ask = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(ask, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(path for name in names.split("\0") if name and (path := ROOT / name).is_file())
