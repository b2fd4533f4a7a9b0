"""What programs can ask of the page through ``gradio_client``: ``/fill``, ``/upscale`` and others.

Files come back as they were written: bytes, name and metadata. An error's message is the sentence that a
person would read.
"""

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from remend.app.batch.fill_work import FillWork
from remend.app.batch.plan import Job, Naming
from remend.app.batch.requests import AUTO_MODEL, DEFAULT_SENSITIVITY, FillRequest, check_range
from remend.app.batch.target_size import DEFAULT_SCALE
from remend.app.engine.catalogue import default_damage_model, default_fill_model, list_models
from remend.app.engine.model_pool import ModelPool
from remend.app.page import MODEL_QUEUE
from remend.app.page.guards.memory import OPENING_BYTES, MemoryBudget
from remend.app.page.status import check_model_name, explain
from remend.app.page.uploads import current_visitor, new_folder, read_allowed_size
from remend.app.page.upscaling.upscale_service import UpscaleService, read_form
from remend.app.page.work.jobs import Jobs
from remend.app.page.work.listening import find_listener
from remend.models.errors import RequestError
from remend.models.imaging.files import read_picture
from remend.models.imaging.mask_file import write_mask
from remend.models.inference.upscaler import DEFAULT_DETAIL
from remend.models.progress import Progress


class Api:
    """The functions behind the named endpoints; their work is that of the commands."""

    def __init__(
        self,
        pool: ModelPool,
        upscale_service: UpscaleService,
        max_megapixels: float,
        budget: MemoryBudget,
        jobs: Jobs,
    ) -> None:
        self._pool = pool
        self._jobs = jobs
        self._upscale_service = upscale_service
        self._max_megapixels = max_megapixels
        self._budget = budget

    def fill(
        self,
        photo: str | None,
        mask: str | None,
        model: str,
        grow: float | None,
        detail: float,
        request: gr.Request,
    ) -> str:
        """Fill the white part of a mask of the photo's size; the result has the photo's format."""
        with _errors_for_caller(), self._run("fill", request) as progress:
            path, mask_path = _path_of(photo, "photo"), _path_of(mask, "mask")
            size = read_allowed_size(path, self._max_megapixels)
            read_allowed_size(mask_path, self._max_megapixels)
            asked = FillRequest(check_model_name(model, "fill"), detail, grow=round(grow or 0))
            work = FillWork(self._pool, asked, memory_bytes=self._budget.job_bytes)
            room = 2 * math.prod(size)
            output = new_folder(room) / Naming(suffix="-repaired").name_for(path)
            job = Job(path, output, mask_path)
            with self._budget.hold_work(work, [job], current_visitor(), progress):
                work.perform(job, progress)
            return str(output)

    def upscale(
        self, photo: str | None, scale: float, model: str, detail: float, request: gr.Request
    ) -> str:
        """Enlarge a photo 1.5 to 8 times; the result has the photo's format."""
        with _errors_for_caller(), self._run("upscale", request) as progress:
            path = _path_of(photo, "photo")
            asked = read_form(scale, 0, model, detail)
            return str(self._upscale_service.upscale_file(path, asked, new_folder(), progress))

    def find_damage(self, photo: str | None, sensitivity: float, request: gr.Request) -> str:
        """Find what is damaged; the result is a mask of the photo's size, white = damaged."""
        with _errors_for_caller(), self._run("damage", request) as progress:
            path = _path_of(photo, "photo")
            check_range("sensitivity", sensitivity, 0, 1)
            pixels = math.prod(read_allowed_size(path, self._max_megapixels))
            with self._budget.hold(OPENING_BYTES * pixels, current_visitor(), progress):
                picture = read_picture(path, max_megapixels=self._max_megapixels)
                found = self._pool.find_damage(picture, default_damage_model(), progress)
                output = new_folder(pixels) / f"{path.stem}.mask.png"
                write_mask(found.mask(sensitivity), output)
            return str(output)

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
    sensitivity = gr.Number(DEFAULT_SENSITIVITY, minimum=0, maximum=1, visible=False)
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
    gr.on(
        [],
        api.find_damage,
        [photo, sensitivity],
        result,
        api_name="find_damage",
        **queued,
    )
    gr.on([], api.models, None, cards, api_name="models")


def _path_of(file: str | None, name: str) -> Path:
    if file is None:
        raise RequestError(f"The call's field {name} is missing; send a file.")
    return Path(file)


@contextmanager
def _errors_for_caller() -> Iterator[None]:
    """Turn every error into a ``gr.Error``, the only kind whose message reaches the caller."""
    try:
        yield
    except Exception as error:
        raise gr.Error(explain(error), print_exception=False) from error
