"""What community weights files turned out to be, remembered between runs.

To learn what such a file is, its network must be planned; a list of models must cost milliseconds. So the
card, or what is wrong with the file, is kept in the cache folder until the file changes.
"""

import functools
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from remend.app.engine.user_dirs import cache_folder
from remend.models.checkpoints.card import Card, check_card
from remend.models.errors import PassingError, RemendError, RequestError
from remend.models.storage.atomic import write_atomic

_EDITION = 4
"""To be raised when the cards that ``models.inference.foreign`` makes change."""


def read_community_card(path: Path) -> Card:
    """The card of a community file, opened only if nobody has opened it before.

    Raises:
        RequestError: As ``models.inference.foreign.open_foreign``.
    """
    stat = path.stat()
    return _recall(path.resolve(), stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _recall(path: Path, size: int, mtime_ns: int) -> Card:
    index, key = cache_folder() / "community.json", str(path)
    stamp = [_EDITION, size, mtime_ns]
    known = _read(index)
    found = known.get(key)
    if not isinstance(found, dict) or found.get("stamp") != stamp:
        found = {"stamp": stamp, **_inspect(path)}
        known = {name: entry for name, entry in _read(index).items() if Path(name).is_file()}
        with suppress(RemendError, OSError):  # without a cache the next list is slower, no more
            index.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(json.dumps({**known, key: found}).encode(), index)
    if "card" not in found:
        raise RequestError(found.get("refused", f"{path} cannot be read."))
    return check_card(found["card"], path)


def _inspect(path: Path) -> dict[str, Any]:
    from remend.models.inference.foreign import read_foreign_card

    try:
        return {"card": asdict(read_foreign_card(path))}
    except PassingError:
        raise  # tomorrow it may go
    except RequestError as error:
        return {"refused": str(error)}


def _read(index: Path) -> Mapping[str, Any]:
    try:
        stored = json.loads(index.read_bytes())
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}
