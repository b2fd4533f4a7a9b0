"""How a visitor left the dials: kept by their browser, checked here, and set again at the next visit."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

_STORE = "remend-dials"
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


@dataclass(frozen=True)
class Dial:
    """A component whose value is remembered.

    Attributes:
        name: Under which the browser keeps it.
        component: A slider, a number or a choice.
        choices: What can be chosen today; None = what could be when the page was put together.
    """

    name: str
    component: Any
    choices: Callable[[], Sequence[str]] | None = None

    def restore(self, value: object) -> Any:
        """Set it to what a browser kept, which can be anything; where that is impossible, to its own."""
        component = self.component
        if isinstance(component, gr.Dropdown):
            names = list(
                self.choices() if self.choices else [name for _, name in component.choices]
            )
            wanted = [name for name in (value, component.value, *names) if name in names]
            return gr.update(choices=names, value=wanted[0] if wanted else None)
        highest = math.inf if component.maximum is None else component.maximum
        if isinstance(value, bool) or not isinstance(value, int | float):
            return gr.skip()
        return gr.update(value=value) if component.minimum <= value <= highest else gr.skip()


def restore_dials(dials: Sequence[Dial]) -> Callable[..., list[Any]]:
    """The function that takes what a browser kept, in order, and gives the dials as they were left."""

    def restore(*values: object) -> list[Any]:
        return [dial.restore(value) for dial, value in zip(dials, values, strict=True)]

    return restore


def remember_dials(page: gr.Blocks, dials: Sequence[Dial]) -> None:
    """Let the browser keep each new value, and set the dials again when the page is visited."""
    for dial in dials:
        script = (
            "(value) => { try {"
            f" const kept = JSON.parse(localStorage.getItem('{_STORE}') ?? '{{}}');"
            f" kept['{dial.name}'] = value;"
            f" localStorage.setItem('{_STORE}', JSON.stringify(kept));"
            " } catch { /* not allowed, or full */ } return []; }"
        )
        dial.component.change(None, dial.component, None, js=script, **_QUIET)
    recall = (
        "(...shown) => { let kept = {}; try {"
        f" kept = JSON.parse(localStorage.getItem('{_STORE}') ?? '{{}}');"
        " } catch { /* not allowed */ }"
        f" return {json.dumps([dial.name for dial in dials])}.map((name, at) => kept[name] ?? shown[at]); }}"
    )
    components = [dial.component for dial in dials]
    page.load(
        restore_dials(dials), components, components, js=recall, queue=False,
        preprocess=False,  # it would refuse the name of a model that has gone
        **_QUIET,
    )  # fmt: skip
