"""Writing a file whole or not at all; every file that Remend leaves on a disk in one piece goes this way."""

import errno
import os
import secrets
from pathlib import Path

from models.errors import InputError, RequestError


def save_whole(data: bytes, path: Path) -> None:
    """Put bytes into a file so that at any moment it is wholly the old or wholly the new one.

    Raises:
        RequestError: The folder is missing or may not be written, or the path is a folder.
        InputError: The disk is full or fails.
    """
    # Short and beside the target: the longest names still fit, and the renaming stays on one disk.
    temporary = path.with_name(f".remend-{secrets.token_hex(8)}.tmp")
    try:
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RequestError(
            f"The folder {path.parent} does not exist, so {path.name} cannot be written; create it."
        ) from error
    except (IsADirectoryError, PermissionError) as error:
        if path.is_dir():
            raise RequestError(f"{path} is a folder; name a file to write.") from error
        raise RequestError(
            f"{path} cannot be written (permission denied); choose another folder."
        ) from error
    except OSError as error:
        if error.errno == errno.EROFS:
            raise RequestError(
                f"{path} cannot be written (the disk is read-only); choose another folder."
            ) from error
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InputError(
                f"The disk of {path.parent} is full: {path.name} needs {len(data) / 1e6:.1f} MB; "
                "free some space and run again."
            ) from error
        raise InputError(
            f"{path} cannot be written ({error.strerror or error}); check the disk and the path."
        ) from error
