"""What a recipe cannot mean: settings that contradict each other, or that nothing would look at.

Each field's own range is in the dataclass that has the field. What works, but seldom well, is only said
(`advice`). How a file becomes a recipe is in `training.recipe.parse`.
"""

import dataclasses
from typing import Any

from remend.models.checkpoints.registry import find_architecture
from remend.models.errors import RequestError
from remend.models.generators.damage import DamageUNetConfig
from remend.models.layers.growth import SMALLEST
from remend.training.data.damaged_print import DamageConfig
from remend.training.data.degradation import DegradationConfig
from remend.training.losses.gan import GAN_LOSSES
from remend.training.recipe.schema import AdversaryConfig, HolesConfig, Recipe

LOSSES_OF_ONE_TASK = {
    "l1_hole": "fill",
    "l2": "upscale",
    "grid": "upscale",
    "bce": "damage",
    "dice": "damage",
}


TABLES_OF_ONE_TASK = {"holes": "fill", "degradation": "upscale", "damage": "damage"}
DEFAULT_TABLES = {
    "holes": HolesConfig(),
    "degradation": DegradationConfig(),
    "damage": DamageConfig(),
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
    for name, task in TABLES_OF_ONE_TASK.items():
        if recipe.task != task and getattr(recipe, name) != DEFAULT_TABLES[name]:
            raise RequestError(
                f"[{name}] is for the task {task}, and {recipe.task} does not look at it; leave it out."
            )
    if recipe.data.pairs and recipe.task != "upscale":
        raise RequestError(
            f"data.pairs = {recipe.data.pairs!r} is for the task upscale, and {recipe.task} does not look at "
            "it; leave it out."
        )
    with_targets = [name for name, loss in GAN_LOSSES.items() if loss.has_targets]
    if adversary.label_smoothing != 1 and adversary.loss not in with_targets:
        raise RequestError(
            f"adversary.label_smoothing = {adversary.label_smoothing} is for losses with targets "
            f"({', '.join(with_targets)}); {adversary.loss} has none. Set it to 1."
        )
    if adversary.instance_noise and not adversary.instance_noise_images:
        raise RequestError(
            f"adversary.instance_noise = {adversary.instance_noise} fades until "
            "adversary.instance_noise_images = 0, so there is none; set the images too."
        )
    if isinstance(growth.images, tuple) and len(growth.images) != len(growth.sizes) - 1:
        raise RequestError(
            f"growth.images has {len(growth.images)} numbers for {len(growth.sizes)} sizes; "
            f"give one number, or {max(0, len(growth.sizes) - 1)}: the last size has no end."
        )
    for side in growth.sizes or (recipe.data.crop,):
        if recipe.task != "generate" and side % 8:
            raise RequestError(f"Crops of {side} px do not work; use multiples of 8.")
    refuse_small_crops(recipe)


def refuse_small_crops(recipe: Recipe) -> None:
    """Raise a RequestError where the smallest crops have no pixel left at a discriminator's end."""
    architecture = find_architecture(recipe.architecture)
    if architecture.judge != "multiscale" or not has_discriminator(recipe):
        return
    side = min(recipe.growth.sizes, default=recipe.data.crop)
    config: Any = find_architecture(architecture.judge).config(**recipe.discriminator)
    needed = 2 ** (config.scales - 1 + config.layers - 1)
    if side < needed:
        raise RequestError(
            f"discriminator.scales = {config.scales} with layers = {config.layers} needs crops of "
            f"{needed} px, and the smallest ones have {side}; set fewer scales or larger crops."
        )


def has_discriminator(recipe: Recipe) -> bool:
    """Whether anything is trained against a discriminator."""
    return bool(recipe.losses.adversarial or recipe.losses.feature_matching)


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
    if recipe.run.patience:
        raise RequestError(
            f"run.patience = {recipe.run.patience} waits for a better score, and the task generate has no "
            "score; set it to 0."
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
    if recipe.data.pairs:
        sentences.append(
            "The low-resolution pictures are those of data.pairs; [degradation] and data.half_share change "
            "nothing."
        )
    architecture = find_architecture(recipe.architecture)
    if not architecture.judge:
        return sentences
    discriminator = find_architecture(architecture.judge)
    config: Any = discriminator.config(**recipe.discriminator)
    described = recipe.discriminator or adversary != AdversaryConfig()
    if described and not has_discriminator(recipe):
        sentences.append(
            "losses.adversarial and losses.feature_matching are 0, so there is no discriminator, and "
            "[adversary] and [discriminator] change nothing."
        )
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
