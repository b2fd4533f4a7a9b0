"""What a run's weights say about themselves: the cards of its generator and of its discriminator.

What a card holds in general is in `models.checkpoints.card`.
"""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from remend.models.checkpoints.checkpoint import Card
from remend.models.device import device_name
from remend.training.engine.run_state import RunState
from remend.training.recipe.schema import Recipe


def count_sources(names: Sequence[str]) -> dict[str, int]:
    """Photos by source, the part of a name before its first underscore; one sum if that says little."""
    counts = Counter(name.partition("_")[0] for name in names)
    return dict(counts.most_common()) if len(counts) <= 64 else {"photos": len(names)}


def config_of(network: nn.Module) -> Any:
    """The dataclass that shaped a network of ours."""
    return network.config


def generator_card(
    recipe: Recipe,
    state: RunState,
    generator: nn.Module,
    device: torch.device,
    *,
    sources: dict[str, int],
    class_names: Sequence[str],
) -> Card:
    """The card of a generator at this moment of its run.

    Args:
        recipe: Of the run.
        state: Where the run is.
        generator: With its config.
        device: Where it is trained.
        sources: Photos by source, as `count_sources` gives them.
        class_names: Classes that it has learned, in their order; empty without classes.
    """
    # A path on the machine that trained says nothing elsewhere, so names alone are kept.
    parent, losses = Path(recipe.parent).stem, recipe.losses
    losses = dataclasses.replace(losses, features=Path(losses.features).name)
    data = dataclasses.replace(recipe.data, pairs=Path(recipe.data.pairs).name)
    holes = dataclasses.replace(recipe.holes, masks=Path(recipe.holes.masks).name)
    recipe = dataclasses.replace(
        recipe, parent=parent, images=state.images, losses=losses, holes=holes, data=data
    )
    config = config_of(generator)
    return Card(
        task=recipe.task,
        architecture=recipe.architecture,
        config=dataclasses.asdict(config),
        name=recipe.name,
        scale=getattr(config, "scale", 1),
        images_seen=state.images_seen,
        trained_on=sources,
        parent=parent,
        adapter=recipe.adapter.rank,
        run={
            "recipe": dataclasses.asdict(recipe),
            "hours": round(state.seconds / 3600, 3),
            "device": device_name(device),
            "classes": list(class_names),
        },
    )


def discriminator_card(card: Card, architecture: str, discriminator: nn.Module) -> Card:
    """The card of the discriminator beside a generator; in a file its task is called "judge"."""
    config = dataclasses.asdict(config_of(discriminator))
    return dataclasses.replace(card, task="judge", architecture=architecture, config=config)
