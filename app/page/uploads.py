"""Files that visitors upload and download: which paths are theirs, how large a photo may be.

All of them are in Gradio's folder for such files, which lives as long as the server, and count in its budget
of disk. Nothing here decodes more than a header.
"""

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import gradio.routes
from gradio.context import LocalContext
from gradio.utils import get_upload_folder

from remend.app.engine.private_folder import private_folder
from remend.app.page.guards.answers import name_client
from remend.app.page.guards.disk import DiskBudget
from remend.app.page.guards.limits import MOST_DISK, Limits
from remend.models.errors import InputError, RequestError
from remend.models.imaging.files import read_size

_PREFIX = "remend-page-"
_VARIABLE = "GRADIO_TEMP_DIR"  # the only way to tell Gradio
_READ_AT_IMPORT = "DEFAULT_TEMP_DIR"
_budgets: dict[Path, DiskBudget] = {}
"""By folder; as Gradio has it, which folder is meant stands in the environment."""


@contextmanager
def visitors_folder(limits: Limits) -> Generator[DiskBudget]:
    """A folder, readable by this user alone, in which Gradio and the page keep visitors' files.

    Returns:
        Its budget, in which all counts that is written there for the time of the ``with``.
    """
    before = os.environ.get(_VARIABLE)
    with private_folder(_PREFIX) as folder:
        most = limits.disk_bytes or min(MOST_DISK, int(shutil.disk_usage(folder).free * 0.8))
        budget = DiskBudget(folder, most, limits.keep_s)
        os.environ[_VARIABLE] = str(folder)
        # Else it may be a folder of another user's, in which nothing can be made.
        setattr(gradio.routes, _READ_AT_IMPORT, str(folder))
        _budgets[folder] = budget
        try:
            yield budget
        finally:
            del _budgets[folder]
            if before is None:
                del os.environ[_VARIABLE]
            else:
                os.environ[_VARIABLE] = before


def check_uploaded(path: str) -> Path:
    """Check that a path is that of an uploaded file.

    Raises:
        RequestError: It is another path, or the file is no longer there.
    """
    file = Path(path).resolve()
    if not file.is_relative_to(Path(get_upload_folder()).resolve()) or not file.is_file():
        raise RequestError("This file was not uploaded, or is no longer kept; choose it again.")
    return file


def new_folder(room_bytes: int = 0) -> Path:
    """Make a folder whose files a visitor can download.

    Args:
        room_bytes: What they will take, as far as it is known.

    Raises:
        RequestError: As ``claim_room``.
    """
    folder = Path(tempfile.mkdtemp(dir=get_upload_folder()))
    try:
        claim_room(folder, room_bytes)
    except RequestError:
        folder.rmdir()
        raise
    return folder


def current_visitor() -> str:
    """Who is being served, as the guards name them."""
    client = getattr(LocalContext.request.get(None), "client", None)
    return name_client(client.host) if client else "unknown"


def claim_room(path: Path, room_bytes: int) -> None:
    """Note that a file or folder is the visitor's who is being served.

    Args:
        path: In Gradio's folder; it need not be there yet.
        room_bytes: What it will take.

    Raises:
        RequestError: There is no such room, for this visitor or for all.
    """
    if budget := _budgets.get(Path(get_upload_folder())):
        visitor = current_visitor()
        budget.reserve(visitor, room_bytes)
        budget.release(visitor, room_bytes)
        budget.charge(visitor, path)


def read_allowed_size(path: Path, max_megapixels: float) -> tuple[int, int]:
    """Read the width and height of a photo.

    Raises:
        InputError: It is no picture, or larger than allowed.
    """
    size = read_size(path)
    check_megapixels(path.name, size, max_megapixels)
    return size


def check_megapixels(name: str, size: tuple[int, int], limit: float) -> None:
    """Refuse more than ``limit`` megapixels.

    Args:
        name: What the sentence begins with.
        size: Width and height.
        limit: The most megapixels.

    Raises:
        InputError: It is more.
    """
    width, height = size
    if width * height > limit * 1e6:
        raise InputError(
            f"{name} has {width} x {height} = {width * height / 1e6:.0f} megapixels, more than the limit of "
            f"{limit:g} here; take a smaller one, or raise --max-megapixels when starting the page."
        )
