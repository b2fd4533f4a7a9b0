"""The Upscale tab: a photo in, a larger one out, with both to compare and the file to download."""

from pathlib import Path
from typing import Any

import gradio as gr

from app.catalogue import list_models
from app.jobs import Job, Naming
from app.page import MODEL_LANE
from app.page.preview import encode_preview
from app.page.status import PageWatch, check_name, explain, say
from app.page.uploads import check_megapixels, new_folder, read_allowed_size
from app.sizes import DEFAULT_SCALE, LARGEST_SCALE, SMALLEST_SCALE, TargetSize
from app.work import Saving, UpscaleWork
from app.workshop import Workshop
from models.errors import RequestError
from models.image_files import read_picture, read_size
from models.watch import QUIET, Watch

AUTO_MODEL = "auto"
DEFAULT_DETAIL = 0.5

_RESULT_FACTOR = 4
"""A result may have so many times the megapixels that a photo may have."""


class Upscaling:
    """Enlarges uploaded photos, for the tab and for the programming interface."""

    def __init__(self, workshop: Workshop, max_megapixels: float) -> None:
        self._workshop = workshop
        self._max_megapixels = max_megapixels
        self._running: dict[str, PageWatch] = {}

    def upscale_file(
        self, photo: Path, scale: float, model: str, detail: float, watch: Watch = QUIET
    ) -> tuple[Path, tuple[str, ...]]:
        """Enlarge a photo as the command would.

        Returns:
            The file that was written, in the photo's own format where that is written, and notes.

        Raises:
            RemendError: The photo, the scale or the model will not do.
        """
        self._check_sizes(photo, scale)
        name = None if model == AUTO_MODEL else check_name(model, "upscale")
        target = TargetSize(scale=scale)
        work = UpscaleWork(self._workshop, name, target, detail=detail, saving=Saving())
        output = new_folder() / Naming(suffix=f"-x{scale:g}").name_for(photo)
        return output, work.perform(Job(photo, output), watch)

    def describe(self, path: str | None, scale: float) -> str:
        """The status line for a photo that was just chosen."""
        if path is None:
            return say("Choose a photo to upscale.")
        try:
            (width, height), (across, down) = self._check_sizes(Path(path), scale)
        except Exception as error:
            return say(explain(error), is_error=True)
        name = Path(path).name
        return say(f"{name} is {width} × {height}; ×{scale:g} makes it {across} × {down}.")

    def run(
        self,
        path: str | None,
        scale: float,
        model: str,
        detail: float,
        request: gr.Request,
        bar: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio looks for it here
    ) -> tuple[Any, Any, str]:
        """Upscale: the two pictures to compare, the download, the status line."""
        session, watch = request.session_hash or "", PageWatch(bar)
        self._running[session] = watch
        try:
            if path is None:
                raise RequestError("Choose a photo first.")
            file, notes = self.upscale_file(Path(path), scale, model, detail, watch)
            pair = (_write_preview(Path(path), file.parent), _write_preview(file, file.parent))
            width, height = read_size(file)
            text = " ".join((f"{file.name} is {width} × {height}.", *notes))
            return pair, gr.update(value=str(file), interactive=True), say(text)
        except Exception as error:
            return gr.skip(), gr.skip(), say(explain(error), is_error=True)
        finally:
            self._running.pop(session, None)

    def stop(self, request: gr.Request) -> str:
        """End what this visitor has running."""
        watch = self._running.get(request.session_hash or "")
        if watch:
            watch.stop()
        return say("Stopped.")

    def _check_sizes(self, photo: Path, scale: float) -> tuple[tuple[int, int], tuple[int, int]]:
        """The sizes of photo and result; both within their limits."""
        size = read_allowed_size(photo, self._max_megapixels)
        larger = TargetSize(scale=scale).size_for(size)
        limit = _RESULT_FACTOR * self._max_megapixels
        check_megapixels(f"{photo.name} at {scale:g} times its size is", larger, limit)
        return size, larger


def upscale_tab(upscaling: Upscaling, status: gr.HTML) -> gr.Dropdown:
    """Lay the tab out and connect it.

    Returns:
        The choice of models, so that new ones can be listed in it.
    """
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            photo = gr.File(label="Photo", elem_id="upscale-photo", height=140)
            scale = gr.Slider(
                SMALLEST_SCALE, LARGEST_SCALE, DEFAULT_SCALE, step=0.1, label="Scale",
                elem_id="upscale-scale",
            )  # fmt: skip
            model = gr.Dropdown(
                upscale_choices(), value=AUTO_MODEL, label="Model", elem_id="upscale-model"
            )
            detail = gr.Slider(
                0, 1, DEFAULT_DETAIL, step=0.05, label="Detail (0 faithful, 1 detailed)",
                elem_id="upscale-detail",
            )  # fmt: skip
            with gr.Row():
                run = gr.Button("Upscale", variant="primary", elem_id="upscale-run")
                stop = gr.Button("Stop", elem_id="upscale-stop")
            download = gr.DownloadButton("Download", interactive=False, elem_id="upscale-download")
        with gr.Column(scale=2, min_width=320):
            result = gr.ImageSlider(
                label="Before and after",
                type="filepath",
                interactive=False,
                buttons=["fullscreen"],
                elem_id="upscale-result",
            )
    gr.on(
        [photo.change, scale.release],
        upscaling.describe,
        [photo, scale],
        status,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    running = run.click(
        upscaling.run,
        [photo, scale, model, detail],
        [result, download, status],
        concurrency_id=MODEL_LANE,
        concurrency_limit=1,
        show_progress_on=[status],
        api_visibility="private",
    )
    stop.click(
        upscaling.stop, None, status, cancels=[running], queue=False, api_visibility="private"
    )
    return model


def upscale_choices() -> list[str]:
    """What the choice of models offers."""
    return [AUTO_MODEL, *(found.name for found in list_models("upscale"))]


def _write_preview(picture: Path, folder: Path) -> str:
    preview = folder / f"{picture.stem}-preview.jpg"
    preview.write_bytes(encode_preview(read_picture(picture)))
    return str(preview)
