"""What the form of a fine-tune asks for, checked: each thing that cannot be is a sentence."""

import math
import os
from pathlib import Path

from remend.app.engine.added_models import check_name
from remend.app.engine.catalogue import SUFFIX, find_model, list_models, user_folder
from remend.app.page.guards.routes import is_url
from remend.app.page.status import check_model_name
from remend.app.tuning.request import DEFAULT_MINUTES, FinetuneRequest
from remend.models.errors import OptionError, RequestError

MOST_IMAGES = 100_000_000


def read_form(
    folder: str | None,
    parent: str | None,
    name: str | None,
    minutes: float | None,
    images: float | None,
) -> FinetuneRequest:
    """The request of a filled-in form.

    Args:
        folder: With the photos to learn from.
        parent: The model to start from.
        name: Of the new model.
        minutes: Wall time in all; None = the usual ones.
        images: To see in all, instead; 0 or None = time decides.

    Raises:
        RequestError: One of them cannot be.
    """
    data = check_folder(folder or "")
    task = task_of(parent or "")
    called = check_name((name or "").strip().removesuffix(SUFFIX))
    count = _check_images(images)
    return FinetuneRequest(
        task,
        (data,),
        user_folder() / f"{called}{SUFFIX}",
        str(find_model(check_model_name(parent or "", task))),
        minutes=None if count else DEFAULT_MINUTES if minutes is None else float(minutes),
        images=count,
    )


def check_folder(text: str) -> Path:
    """The folder of that path.

    Raises:
        RequestError: There is none, or it cannot be read.
    """
    text = text.strip()
    if not text:
        raise RequestError("No folder is named; write the path of one that holds your photos.")
    if is_url(text):
        raise RequestError(f"{text} is an address; name a folder of this computer.")
    folder = Path(os.path.expanduser(text))
    if not folder.is_absolute():
        raise RequestError(
            f"{text} is no whole path; write it from its beginning, such as {Path.home() / text}."
        )
    try:
        is_all = folder.resolve() == Path(folder.anchor)
        with os.scandir(folder) as entries:
            next(entries, None)
    except FileNotFoundError as error:
        raise RequestError(f"{text} does not exist; check the path.") from error
    except NotADirectoryError as error:
        raise RequestError(f"{text} is a file; name the folder that it lies in.") from error
    except (OSError, ValueError) as error:  # not allowed, too long, or with a byte that no path has
        raise RequestError(
            f"{text!r} cannot be read as a folder; check who may read it."
        ) from error
    if is_all:
        raise RequestError(f"{text} is the whole disk; name the folder that holds your photos.")
    return folder


def parents() -> list[str]:
    """The models that a fine-tune can start from."""
    return [model.name for model in list_models() if model.card.task != "damage"]


def task_of(parent: str) -> str:
    """``fill`` or ``upscale``, by what a model does; errors as ``check_model_name``."""
    task = {model.name: model.card.task for model in list_models()}.get(parent, "")
    return task if task == "fill" else "upscale"


def _check_images(images: float | None) -> int | None:
    if not images:
        return None
    if not (math.isfinite(images) and 1 <= images <= MOST_IMAGES):
        raise OptionError("images", images, "is out of range", f"0 to {MOST_IMAGES}")
    return round(images)
