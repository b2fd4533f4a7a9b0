"""Reading recipes: strict TOML to the dataclasses of ``training.recipe.schema``.

A misspelt key is an error that names the nearest one, a wrong value an error that names the field;
nothing is silently ignored. The tables ``generator`` and ``discriminator`` are checked against the
configs of the architecture and of its discriminator. What a recipe holds is in ``training.recipe.schema``.
"""

import dataclasses
import difflib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from remend.models.checkpoints.registry import Architecture, find_architecture
from remend.models.errors import OptionError, RequestError
from remend.training.recipe.contradictions import (
    refuse_contradictions,
    refuse_generation,
    refuse_pictures,
)
from remend.training.recipe.schema import Recipe

Config = TypeVar("Config")


def refuse_unknown_keys(kind: type, table: Mapping[str, Any], path: str = "") -> None:
    """Raise a RequestError that names the nearest key for the first one the dataclass lacks."""
    known = {f.name: f for f in dataclasses.fields(kind)}
    for key, value in table.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 1, 0.0)[0]
            raise RequestError(f"Unknown key {path}{key}; the nearest one is {path}{near}.")
        inner = known[key].type
        if isinstance(inner, type) and dataclasses.is_dataclass(inner) and isinstance(value, dict):
            refuse_unknown_keys(inner, cast("dict[str, Any]", value), f"{path}{key}.")


def is_of_a_table(part: int | str) -> bool:
    """Whether a part of an error's place is a key or a number, not pydantic's name of a type."""
    return isinstance(part, int) or part.isidentifier()


def validate(kind: type[Config], table: Mapping[str, Any], path: str = "") -> Config:
    """Make a dataclass of a table.

    Raises:
        RequestError: One sentence that names the first wrong value.
    """
    try:
        return TypeAdapter(kind).validate_python(dict(table))
    except ValidationError as error:
        # Where a field can be one of several types, the one that was meant is not the one of another type.
        first = min(error.errors(), key=lambda one: one["type"].endswith("_type"))
        key = path + ".".join(str(part) for part in first["loc"] if is_of_a_table(part))
        reason = first["msg"].removeprefix("Value error, ")
        raise RequestError(f"{key} = {first['input']!r}: {reason}.") from error


def fit_network(
    architecture: Architecture, table: Mapping[str, Any], path: str, crop: int
) -> dict[str, Any]:
    """Check a network's table; a network of one size gets that of the crops.

    Raises:
        RequestError: An unknown key, a wrong value, or another size than that of the crops.
    """
    refuse_unknown_keys(architecture.config, table, path)
    sizes = get_args(get_type_hints(architecture.config).get("size"))
    if sizes:
        if table.get("size", crop) != crop:
            raise RequestError(
                f"{path}size = {table['size']} differs from data.crop = {crop}; set data.crop alone."
            )
        if crop not in sizes:
            raise RequestError(
                f"data.crop = {crop}: such networks have {', '.join(map(str, sizes))} px; set one."
            )
        table = {"size": crop, **table}
    kind: type[Any] = architecture.config
    config = validate(kind, table, path)
    return {key: getattr(config, key) for key in table}


def parse_recipe(table: Mapping[str, Any]) -> Recipe:
    """Turn a TOML table into a recipe.

    Raises:
        RequestError: One sentence that names the key, its value and what is allowed.
    """
    refuse_unknown_keys(Recipe, table)
    recipe = validate(Recipe, table)
    architecture = find_architecture(recipe.architecture)
    if architecture.task != recipe.task:
        raise RequestError(
            f"Architecture {recipe.architecture!r} is for {architecture.task}, "
            f"the recipe's task is {recipe.task}."
        )
    crop, generator = recipe.data.crop, recipe.generator
    recipe = dataclasses.replace(
        recipe, generator=fit_network(architecture, generator, "generator.", crop)
    )
    if architecture.judge:
        discriminator = find_architecture(architecture.judge)
        table = fit_network(discriminator, recipe.discriminator, "discriminator.", crop)
        recipe = dataclasses.replace(recipe, discriminator=table)
    refuse_contradictions(recipe)
    if recipe.task == "damage":
        refuse_pictures(recipe)
    if recipe.task == "generate":
        refuse_generation(recipe)
    elif recipe.data.classes:
        raise RequestError(f"data.classes is for the task generate; {recipe.task} has no classes.")
    return recipe


def values_by_default(table: str, *keys: str) -> dict[str, Any]:
    """The named values of a recipe that does not name them, such as ``holes``, ``shares``; else nothing."""
    made = (one.default_factory for one in dataclasses.fields(Recipe) if one.name == table)
    value: Any = next((make() for make in made if make is not dataclasses.MISSING), None)
    for key in keys:
        value = getattr(value, key, None)
    return dict(cast("Mapping[str, Any]", value)) if isinstance(value, Mapping) else {}


def apply_setting(table: dict[str, Any], setting: str) -> None:
    """Put one ``key.path=value`` into a recipe's table, whose other values stay.

    The value is TOML, a bare word is a string.

    Raises:
        RequestError: No ``=`` in the setting, or a key below something that is no table.
    """
    path, separator, text = setting.partition("=")
    if not separator:
        raise OptionError("settings", setting, "has no '='", "key.path=value")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *parents, last = path.strip().split(".")
    for depth, parent in enumerate(parents, 1):
        inner: Any = table.setdefault(parent, values_by_default(*parents[:depth]))
        if not isinstance(inner, dict):
            raise OptionError("settings", setting, f"names a key below {parent}, which is no table")
        table = cast("dict[str, Any]", inner)
    table[last] = value


def read_recipe(path: Path, settings: Sequence[str] = ()) -> Recipe:
    """Read a recipe file and change the given settings, each written ``key.path=value``.

    Raises:
        RequestError: Missing file, bad TOML, unknown key or wrong value.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RequestError(f"Recipe {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RequestError(f"Recipe {path} is no valid TOML: {error}.") from error
    for setting in settings:
        apply_setting(table, setting)
    return parse_recipe(table)
