"""Where Remend keeps a person's things on each system: data that is theirs, and a cache that can go."""

from pathlib import Path

import platformdirs

_NAME = "remend"


def data_folder() -> Path:
    """The person's own data, such as models they put there; it may not exist yet."""
    return platformdirs.user_data_path(_NAME, appauthor=False)


def cache_folder() -> Path:
    """What can be made again at any time; it may not exist yet."""
    return platformdirs.user_cache_path(_NAME, appauthor=False)
