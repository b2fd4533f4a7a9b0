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
from remend.models.generators.damage import DamageUNetConfig
from remend.models.layers.growth import SMALLEST
from remend.training.losses.gan import GAN_LOSSES
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


def validate(kind: type[Config], table: Mapping[str, Any], path: str = "") -> Config:
    """Make a dataclass of a table.

    Raises:
        RequestError: One sentence that names the first wrong value.
    """
    try:
        return TypeAdapter(kind).validate_python(dict(table))
    except ValidationError as error:
        first = error.errors()[0]
        key = path + ".".join(map(str, first["loc"]))
        raise RequestError(f"{key} = {first['input']!r}: {first['msg']}.") from error


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


LOSSES_OF_ONE_TASK = {
    "l1_hole": "fill",
    "l2": "upscale",
    "grid": "upscale",
    "bce": "damage",
    "dice": "damage",
}


def refuse_contradictions(recipe: Recipe) -> None:
    """Raise a RequestError for settings that cannot mean anything together."""
    adversary, growth = recipe.adversary, recipe.growth
    for name, task in LOSSES_OF_ONE_TASK.items():
        weight = getattr(recipe.losses, name)
        if weight and recipe.task != task:
            raise RequestError(
                f"losses.{name} = {weight} is for the task {task}; {recipe.task} has no such loss. "
                "Set it to 0."
            )
    with_targets = [name for name, loss in GAN_LOSSES.items() if loss.has_targets]
    if adversary.label_smoothing != 1 and adversary.loss not in with_targets:
        raise RequestError(
            f"adversary.label_smoothing = {adversary.label_smoothing} is for losses with targets "
            f"({', '.join(with_targets)}); {adversary.loss} has none. Set it to 1."
        )
    if isinstance(growth.images, tuple) and len(growth.images) != len(growth.sizes) - 1:
        raise RequestError(
            f"growth.images has {len(growth.images)} numbers for {len(growth.sizes)} sizes; "
            f"give one number, or {max(0, len(growth.sizes) - 1)}: the last size has no end."
        )
    largest = max(growth.sizes, default=recipe.data.crop)
    if largest % 8:
        raise RequestError(f"Crops of {largest} px do not work; use multiples of 8.")


def refuse_pictures(recipe: Recipe) -> None:
    """Raise a RequestError for what a network that makes no picture cannot be asked."""
    for name in (f.name for f in dataclasses.fields(recipe.losses) if f.name != "features"):
        if getattr(recipe.losses, name) and LOSSES_OF_ONE_TASK.get(name) != recipe.task:
            raise RequestError(
                f"losses.{name} is about pictures, and what the task {recipe.task} makes is none; set "
                "it to 0."
            )
    if recipe.discriminator:
        raise RequestError(
            f"The task {recipe.task} has no discriminator; leave [discriminator] out."
        )
    multiple = DamageUNetConfig(**recipe.generator).multiple
    if recipe.data.crop % multiple:
        raise RequestError(
            f"data.crop = {recipe.data.crop}: this network takes multiples of {multiple} px."
        )


def refuse_generation(recipe: Recipe) -> None:
    """Raise a RequestError for what a generator without an input photo cannot be asked."""
    losses, sizes = recipe.losses, recipe.growth.sizes
    paired = [
        f.name for f in dataclasses.fields(losses) if f.name not in ("adversarial", "features")
    ]
    for name in paired:
        if getattr(losses, name):
            raise RequestError(
                f"losses.{name} compares a picture with its original, and what the task generate "
                "makes has none; set it to 0."
            )
    if not losses.adversarial:
        raise RequestError(
            "losses.adversarial = 0 leaves the task generate nothing to learn from; set it to 1."
        )
    for path, table in (("generator", recipe.generator), ("discriminator", recipe.discriminator)):
        if "classes" in table:
            raise RequestError(f"{path}.classes follows from the folders; set data.classes = true.")
    norm = recipe.generator.get("norm", "batch")
    if recipe.data.classes and norm != "batch":
        raise RequestError(
            f"generator.norm = {norm} does not know classes; with data.classes it is batch."
        )
    doubling = tuple(recipe.data.crop >> i for i in reversed(range(len(sizes))))
    if sizes and recipe.architecture != "growing":
        raise RequestError(
            f"growth.sizes = {list(sizes)}: {recipe.architecture} makes pictures of one size; use the "
            "architecture growing, or leave growth out."
        )
    if sizes and (sizes != doubling or sizes[0] < SMALLEST):
        raise RequestError(
            f"growth.sizes = {list(sizes)} must double from {SMALLEST} px or more up to data.crop = "
            f"{recipe.data.crop}."
        )


def advice(recipe: Recipe, processes: int = 1) -> list[str]:
    """Sentences about settings that work, but seldom well; ``processes`` of them train together."""
    sentences: list[str] = []
    adversary = recipe.adversary
    architecture = find_architecture(recipe.architecture)
    if not architecture.judge:
        return sentences
    discriminator = find_architecture(architecture.judge)
    config: Any = discriminator.config(**recipe.discriminator)
    unbounded = adversary.loss in ("wgan", "hinge_no_relu")
    if unbounded and adversary.penalty == "none" and not config.spectral:
        sentences.append(
            f"adversary.loss = {adversary.loss} has no bound of its own: turn on "
            "adversary.penalty or discriminator.spectral, or the logits run away."
        )
    if adversary.penalty != "none" and config.norm in ("batch", "switchable"):
        sentences.append(
            f"discriminator.norm = {config.norm} mixes the samples of a batch, so the slope that "
            f"adversary.penalty = {adversary.penalty} limits is not one sample's: use layer or none."
        )
    generator: Any = architecture.config(**recipe.generator)
    pieces = processes * recipe.data.accumulate
    if pieces > 1 and (
        {generator.norm, config.norm} & {"batch", "switchable"} or config.minibatch != "none"
    ):
        sentences.append(
            f"A step's batch is computed in {pieces} pieces of {recipe.data.batch}; batch norms and "
            "discriminator.minibatch see one piece at a time."
        )
    return sentences


def apply_setting(table: dict[str, Any], setting: str) -> None:
    """Put one ``key.path=value`` into a table; the value is TOML, a bare word is a string.

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
    for parent in parents:
        inner: Any = table.setdefault(parent, {})
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
