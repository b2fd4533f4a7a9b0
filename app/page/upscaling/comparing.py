"""The divider of the Upscale tab: what lies on its two sides, and the versions to choose from."""

import json
from collections.abc import Sequence
from typing import Any

import gradio as gr

from remend.app.page.i18n import format_message
from remend.app.page.uploads import new_folder
from remend.app.page.upscaling.kept_out import keep_plain
from remend.models.errors import RequestError
from remend.models.imaging.files import write_picture
from remend.models.imaging.picture import Mask, Picture

MOST_VERSIONS = 6
"""That can be chosen from; the oldest go."""

Setting = tuple[str, float, float]
"""Model, detail and denoising of a version."""


def write_setting(setting: Setting) -> str:
    """A version's model, detail and denoising as the value of a choice."""
    return json.dumps(setting)


def read_setting(value: str) -> Setting:
    """What ``write_setting`` wrote; whether there is such a model, ``read_form`` says.

    Raises:
        RequestError: It is something else.
    """
    try:
        model, detail, denoise = json.loads(value)
        return str(model), float(detail), float(denoise)
    except (TypeError, ValueError) as error:
        raise RequestError("There is no such version to compare with; choose another.") from error


def word_setting(setting: Setting, language: str) -> str:
    """What a version is called: "x4-photo, detail 50 %, denoise 20 %"."""
    model, detail, denoise = setting
    values = {"model": model, "detail": round(100 * detail), "denoise": round(100 * denoise)}
    return format_message(language, "upscale_version", **values)


def add_version(seen: Sequence[str] | None, setting: Setting) -> list[str]:
    """The versions that were shown, with one more; each once."""
    versions = [*(seen or []), write_setting(setting)]
    return list(dict.fromkeys(versions))[-MOST_VERSIONS:]


def offer_versions(seen: Sequence[str], chosen: str | None, language: str) -> Any:
    """The choice of what lies left of the divider: the photo, or a version that was shown."""
    versions = [*([chosen] if chosen and chosen not in seen else []), *seen]
    choices = [(format_message(language, "the_photo"), "")]
    choices += [(word_setting(read_setting(version), language), version) for version in versions]
    return gr.update(choices=choices, value=chosen or "")


def compare(
    pair: tuple[str, str],
    language: str,
    left: Setting | None = None,
    right: Setting | None = None,
) -> Any:
    """Show two files beside each other, and say what they are.

    Args:
        pair: The files.
        language: Of what is said.
        left: The version on the left side; None = the photo.
        right: The version on the right side, where there is one on the left.
    """
    label = format_message(language, "before_after")
    if left and right:
        words = [word_setting(setting, language) for setting in (left, right)]
        label = format_message(language, "left_right", left=words[0], right=words[1])
    return gr.update(value=pair, label=label)


def write_pair(pair: Sequence[Picture], before: Picture, mask: Mask | None) -> tuple[str, str]:
    """Write both sides of the divider; what is kept out looks alike on them.

    Args:
        pair: The left side and the right one.
        before: The part of the photo.
        mask: What is kept out of the enhancement.
    """
    folder = new_folder()
    files = folder / "before.png", folder / "after.png"
    for side, file in zip(pair, files, strict=True):
        picture = side
        if mask is not None and picture is not before:
            picture = keep_plain(picture, before, mask)
        write_picture(picture, file)
    return str(files[0]), str(files[1])
