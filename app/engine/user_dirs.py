"""Where Remend keeps a person's things on each system: data that is theirs, and a cache that can go."""

import os
import sys
from pathlib import Path


def data_folder() -> Path:
    """The person's own data, such as models they put there; it may not exist yet."""
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "remend"


def cache_folder() -> Path:
    """What can be made again at any time; it may not exist yet."""
    if sys.platform == "win32":
        return data_folder() / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "remend"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "remend"
