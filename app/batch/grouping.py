"""Options in groups: a command takes dataclasses, typer sees their fields."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from typing import Any


def grouped(command: Callable[..., int]) -> Callable[..., int]:
    """A command whose dataclass parameters are replaced by their fields.

    Args:
        command: Its annotations are types, not their names; so are those of the dataclasses.
    """
    parameters = inspect.signature(command).parameters.values()
    groups: dict[str, Any] = {
        p.name: p.annotation for p in parameters if is_dataclass(p.annotation)
    }

    @functools.wraps(command)
    def flat(**given: Any) -> int:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        return command(**given)

    shown = []
    for parameter in parameters:
        inner = fields(groups[parameter.name]) if parameter.name in groups else ()
        for field in inner:
            default = inspect.Parameter.empty if field.default is MISSING else field.default
            shown.append((field.name, field.type, default))
        if not inner:
            shown.append((parameter.name, parameter.annotation, parameter.default))
    signature: Any = inspect.Signature(
        [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default
            )
            for name, kind, default in shown
        ]
    )
    flat.__signature__ = signature  # pyright: ignore[reportAttributeAccessIssue]
    flat.__annotations__ = {}
    return flat
