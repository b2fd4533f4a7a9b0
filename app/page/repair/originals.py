"""What the browser was shown of a photo, kept on the disk while the photo is put away.

So that the photo is shown again without being decoded and encoded once more.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from remend.models.errors import RequestError

_NAME = "shown.jpg"


def keep_original(
    folder: Path, image: bytes, claim_room: Callable[[Path, int], None] | None
) -> None:
    """Write it, where it is known, not there yet, and there is room; without it the photo is only slower."""
    file = folder / _NAME
    if not image or file.is_file():
        return
    with suppress(OSError, RequestError):
        if claim_room:
            claim_room(folder, len(image))
        file.write_bytes(image)


def read_original(folder: Path) -> bytes:
    """What was kept, or nothing."""
    with suppress(OSError):
        return (folder / _NAME).read_bytes()
    return b""
