"""What ``remend lab`` does around the lab: find the photos, make the folder, print the results."""

import importlib.util
import tempfile
from collections.abc import Sequence
from pathlib import Path

from remend.app.cli.printing.terminal import Terminal, interruptible
from remend.app.cli.train_command import TrainingSources
from remend.models.device import Placement
from remend.models.errors import OptionError, RequestError
from remend.training.lab.experiments import find_experiments
from remend.training.lab.problems.photos import PhotoLab


def find_gradio_photos() -> list[Path]:
    """The few photos that the gradio package ships, found without importing it.

    Raises:
        RequestError: It ships none.
    """
    spec = importlib.util.find_spec("gradio")
    folder = Path(spec.origin).parent / "media_assets" if spec and spec.origin else Path()
    found = sorted(folder.glob("images/*.jp*g"))
    if len(found) < 2:
        raise RequestError(
            "The installed gradio ships no photos to train on; name a folder of a few with --data."
        )
    return found


def run_techniques(
    techniques: Sequence[str],
    out: Path,
    page: Path | None,
    photos: TrainingSources,
    placement: Placement,
    terminal: Terminal,
) -> None:
    """Try techniques on toy problems and write what they do.

    Args:
        techniques: Techniques, config keys or their values; empty = all.
        out: Folder for figures and results.json.
        page: The Markdown page; None = ``techniques.md`` in ``out``.
        photos: To learn from and to judge on; none = those of gradio.
        placement: Device and precision.
        terminal: Shows the progress; results go to stdout.

    Raises:
        RequestError: A technique is unknown, the folder cannot be written, the photos cannot be used, or
            the extra for plots is not installed.
    """
    try:
        from remend.training.lab.session import run_lab
    except ImportError as error:
        raise RequestError(
            "remend lab draws with matplotlib, which the extra 'training' brings: "
            "pip install 'remend[training]'."
        ) from error
    names = find_experiments(techniques)
    sources = photos.data or find_gradio_photos()
    page = page or out / "techniques.md"
    try:
        out.mkdir(parents=True, exist_ok=True)
        page.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError("out", out, f"cannot be written: {error.strerror}") from error
    with tempfile.TemporaryDirectory(prefix="remend-lab-") as scratch, interruptible():
        lab = PhotoLab(sources, Path(scratch), placement, photos.validate)
        with terminal.progress("Trying out", counted=True) as bar:
            run_lab(names, lab, out, page, tell=print, progress=bar)
    terminal.print_status(f"The page is {page}, its figures and results.json are in {out}.")
