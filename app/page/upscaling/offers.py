"""What is offered after the work: each result beside its photo, its download, and all as one zip."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from remend.app.batch.manifest import Result
from remend.app.page.guards.memory import CHANGING_BYTES, MemoryBudget
from remend.app.page.i18n import format_message, join_sentences, translate_sentences
from remend.app.page.preview import encode_preview
from remend.app.page.status import say
from remend.app.page.uploads import current_visitor, new_folder
from remend.app.page.upscaling.comparing import compare
from remend.models.errors import RequestError
from remend.models.imaging.files import read_picture, read_size

Made = tuple[str, str]
"""The file of a photo and that of its result."""


class Offers:
    """Makes what a visitor sees of results.

    Args:
        budget: Of memory, for decoding them.
    """

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget

    def offer(
        self, results: Sequence[Result], language: str, number: float
    ) -> tuple[Any, Any, str, Any, Any, list[Made]]:
        """As ``UpscaleService.run`` returns it.

        Raises:
            RequestError: Nothing was made.
        """
        done = [result.job for result in results if result.status == "done"]
        notes: list[str] = []
        for result in results:
            told = [result.reason] if result.reason else translate_sentences(result.notes, language)
            notes += [note for note in told if note not in notes]
        if not done:
            raise RequestError(join_sentences(language, *notes))
        made = [(str(job.source), str(job.output)) for job in done]
        files, is_one = [Path(job.output) for job in done], len(results) == 1
        pair, one = self.show(made, 0, language)
        file = files[0] if is_one else _zip(files, new_folder())
        across, down = read_size(files[0])
        key = "result_says" if is_one else "results_say"
        values = {"name": file.name, "width": across, "height": down, "count": len(files)}
        text = join_sentences(language, format_message(language, key, **values), *notes)
        status = say(text, "upscale", is_error=len(files) < len(results), number=number)
        offered = gr.update(value=str(file), interactive=True, variant="primary")
        choices = [(path.name, number) for number, path in enumerate(files)]
        chooser = gr.update(choices=choices, value=0, visible=len(files) > 1)
        return pair, offered, status, chooser, one, made

    def show(self, made: Sequence[Made], at: int | None, language: str) -> tuple[Any, Any]:
        """Two pictures to compare, and the download of one result; nothing where there is no such."""
        if at is None or not 0 <= at < len(made):
            return gr.skip(), gr.skip()
        source, output = map(Path, made[at])
        folder = new_folder()
        before, after = (self._write_preview(file, folder) for file in (source, output))
        return compare((before, after), language), gr.update(
            value=str(output), visible=len(made) > 1
        )

    def _write_preview(self, photo: Path, folder: Path) -> str:
        across, down = read_size(photo)
        with self._budget.hold(CHANGING_BYTES * across * down, current_visitor()):
            picture = encode_preview(read_picture(photo))
        preview = folder / f"{photo.stem}-preview.jpg"
        preview.write_bytes(picture)
        return str(preview)


def _zip(files: Sequence[Path], folder: Path) -> Path:
    """Put files into a zip; pictures are compressed already, so they are only stored."""
    path = folder / "upscaled.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            archive.write(file, file.name)
    return path
