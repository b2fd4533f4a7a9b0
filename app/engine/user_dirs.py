"""Where Remend keeps a person's things on each system: data that is theirs, and a cache that can go."""

import os
from collections.abc import Callable
from pathlib import Path, PureWindowsPath

import platformdirs

_NAME = "remend"
_NOWHERE = Path(os.devnull) / _NAME
"""A folder that is not there and cannot be made: for users without a home, as containers have them."""


def data_folder() -> Path:
    """The person's own data, such as models they put there; it may not exist yet."""
    return _find(platformdirs.user_data_path)


def cache_folder() -> Path:
    """What can be made again at any time; it may not exist yet."""
    return _find(platformdirs.user_cache_path)


def _find(folder_of: Callable[..., Path]) -> Path:
    try:
        folder = folder_of(_NAME, appauthor=False)
    except RuntimeError:  # no HOME, and the user is not in the system's list
        return _NOWHERE
    is_somewhere = folder.is_absolute() or PureWindowsPath(str(folder)).is_absolute()
    return folder if is_somewhere else _NOWHERE
