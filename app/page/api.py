"""What programs can ask of the page through ``gradio_client``: ``/fill``, ``/upscale`` and ``/models``.

Files come back as they were written: bytes, name and metadata. An error's message is the sentence that a
person would read.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from remend.app.batch.fill_work import FillWork
from remend.app.batch.plan import Job, Naming
from remend.app.batch.requests import FillRequest
from remend.app.batch.target_size import DEFAULT_SCALE
from remend.app.engine.catalogue import default_fill_model, list_models
from remend.app.engine.model_pool import ModelPool
from remend.app.page import MODEL_QUEUE
from remend.app.page.status import check_model_name, explain
from remend.app.page.uploads import new_folder, read_allowed_size
from remend.app.page.upscale_service import AUTO_MODEL, UpscaleService, read_form
from remend.app.page.work.jobs import Jobs
from remend.app.page.work.listening import find_listener
from remend.models.inference.upscaler import DEFAULT_DETAIL
from remend.models.progress import Progress


class Api:
    """The functions behind the named endpoints; their work is that of the commands."""

    def __init__(
        self,
        pool: ModelPool,
        upscale_service: UpscaleService,
        max_megapixels: float,
        jobs: Jobs,
    ) -> None:
        self._pool = pool
        self._jobs = jobs
        self._upscale_service = upscale_service
        self._max_megapixels = max_megapixels

    def fill(
        self, photo: str, mask: str, model: str, grow: float, detail: float, request: gr.Request
    ) -> str:
        """Fill the white part of a mask of the photo's size; the result has the photo's format."""
        with _errors_for_caller(), self._run("fill", request) as job:
            path = Path(photo)
            read_allowed_size(path, self._max_megapixels)
            read_allowed_size(Path(mask), self._max_megapixels)
            asked = FillRequest(check_model_name(model, "fill"), detail, grow=round(grow))
            work = FillWork(self._pool, asked)
            output = new_folder() / Naming(suffix="-repaired").name_for(path)
            work.perform(Job(path, output, Path(mask)), job)
            return str(output)

    def upscale(
        self, photo: str, scale: float, model: str, detail: float, request: gr.Request
    ) -> str:
        """Enlarge a photo 1.5 to 8 times; the result has the photo's format."""
        with _errors_for_caller(), self._run("upscale", request) as job:
            asked = read_form(scale, 0, model, detail)
            folder = new_folder()
            return str(self._upscale_service.upscale_file(Path(photo), asked, folder, job))

    def models(self) -> list[dict[str, Any]]:
        """The cards of the models that can be named."""
        return [{**asdict(found.card), "name": found.name} for found in list_models()]

    def _run(self, kind: str, request: gr.Request) -> AbstractContextManager[Progress]:
        """A job that ends when its caller goes away."""
        session = request.session_hash or ""
        return self._jobs.run(kind, session=session, is_awaited=find_listener())


def add_endpoints(api: Api) -> None:
    """Offer the functions; the components are hidden and only say what is a file and what a number."""
    photo, mask = gr.File(visible=False), gr.File(visible=False)
    result = gr.File(visible=False)
    grow = gr.Number(0, minimum=-1000, maximum=1000, visible=False)
    scale = gr.Number(DEFAULT_SCALE, visible=False)
    fill_model = gr.Textbox(default_fill_model(), visible=False)
    upscale_model = gr.Textbox(AUTO_MODEL, visible=False)
    fill_detail = gr.Number(1.0, minimum=0, maximum=1, visible=False)
    upscale_detail = gr.Number(DEFAULT_DETAIL, minimum=0, maximum=1, visible=False)
    cards = gr.JSON(visible=False)
    queued = {"concurrency_id": MODEL_QUEUE, "concurrency_limit": 1}
    gr.on(
        [],
        api.fill,
        [photo, mask, fill_model, grow, fill_detail],
        result,
        api_name="fill",
        **queued,
    )
    gr.on(
        [],
        api.upscale,
        [photo, scale, upscale_model, upscale_detail],
        result,
        api_name="upscale",
        **queued,
    )
    gr.on([], api.models, None, cards, api_name="models")


@contextmanager
def _errors_for_caller() -> Iterator[None]:
    """Turn every error into a ``gr.Error``, the only kind whose message reaches the caller."""
    try:
        yield
    except Exception as error:
        raise gr.Error(explain(error), print_exception=False) from error
