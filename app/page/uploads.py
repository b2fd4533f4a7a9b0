"""Files that visitors upload and download: which paths are theirs, how large a photo may be.

All of them are in Gradio's folder for such files, which ``server`` makes and deletes. Nothing here decodes
more than a header.
"""

import tempfile
from pathlib import Path

from gradio.utils import get_upload_folder

from remend.models.errors import InputError, RequestError
from remend.models.imaging.files import read_size


def check_uploaded(path: str) -> Path:
    """Check that a path is that of an uploaded file.

    Raises:
        RequestError: It is another path, or the file is no longer there.
    """
    file = Path(path).resolve()
    if not file.is_relative_to(Path(get_upload_folder()).resolve()) or not file.is_file():
        raise RequestError("This file was not uploaded, or is no longer kept; choose it again.")
    return file


def new_folder() -> Path:
    """Make a folder whose files a visitor can download."""
    return Path(tempfile.mkdtemp(dir=get_upload_folder()))


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
