"""The choice of a model that upscales, and which sliders have an effect with it."""

from typing import Any

import gradio as gr

from remend.app.batch.requests import AUTO_MODEL
from remend.app.engine.catalogue import card_of, default_upscale_model, find_model, list_models
from remend.app.page.i18n import choose_language, format_message
from remend.app.page.status import check_model_name


def note_unused_sliders(model: str, scale: float, request: gr.Request) -> tuple[Any, Any]:
    """Say below the sliders for detail and denoising where they have no effect with the chosen model."""
    name = (
        default_upscale_model(scale) if model == AUTO_MODEL else check_model_name(model, "upscale")
    )
    config = card_of(find_model(name, "upscale")).config
    note = format_message(choose_language(request), "no_effect", name=name)
    detail, denoise = (
        gr.update(info=None if config.get(field) else note) for field in ("refine", "denoise")
    )
    return detail, denoise


def upscale_choices() -> list[str]:
    """What the choice of models offers."""
    return [AUTO_MODEL, *(found.name for found in list_models("upscale"))]
