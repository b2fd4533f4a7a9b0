"""A report of an error that nobody foresaw: a file with all that its mending needs, and no photo in it."""

import datetime
import importlib.metadata
import platform
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from remend import __version__
from remend.app.engine.user_dirs import cache_folder

PACKAGES = ("torch", "numpy", "pillow", "opencv-python", "gradio", "spandrel", "onnxruntime")


def name_versions() -> str:
    """Versions of Python, the system and the packages that matter; nothing is imported for it."""
    found = [f"remend {__version__}"]
    for package in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found.append(f"{package} {importlib.metadata.version(package)}")
    return f"{', '.join(found)}; Python {platform.python_version()} on {platform.platform()}"


def write_report(error: BaseException, arguments: Sequence[str]) -> Path | None:
    """Write what happened into a file of its own.

    Returns:
        The file; None where the cache folder cannot be written.
    """
    now = datetime.datetime.now()
    path = cache_folder() / "reports" / f"{now:%Y-%m-%d-%H%M%S-%f}.txt"
    text = "\n".join(
        (
            f"remend {' '.join(arguments)}",
            name_versions(),
            "",
            *traceback.format_exception(error),
        )
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError:
        return None
    return path


def explain_unexpected(error: BaseException, arguments: Sequence[str]) -> str:
    """Write a report and say in a sentence what happened and where the report is."""
    path = write_report(error, arguments)
    lines = str(error).strip().splitlines() or ["it says no more"]
    what = f"Unexpected {type(error).__name__}: {lines[0]}"
    where = f"the report is {path}" if path else "no report could be written"
    return f"{what.rstrip('.')}; {where}; please send it in."
