"""Recipes: strict TOML to frozen dataclasses.

Every technique is one field. A misspelt key is an error that names the nearest one, a wrong value an
error that names the field; nothing is silently ignored. The tables ``generator`` and
``discriminator`` hold fields of the networks' own configs and are checked by the registry.
"""

import dataclasses
import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from models.errors import RequestError
from models.registry import find_architecture
from training.gan_losses import GAN_LOSSES, GanLossName
from training.optimisers import OptimiserName
from training.penalties import PenaltyName

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class DataConfig:
    """What the photos become: square crops, of which some are halved in size first."""

    crop: Count = 128
    """Side of a training crop in (high-resolution) pixels."""
    batch: Count = 8
    half_share: Share = 0.25
    """Share of crops that are cut at twice the size and area-averaged."""
    held_out: Annotated[int, Field(ge=0)] = 16
    """Photos that are never trained on, for the curve in stats.jsonl."""


@dataclass(frozen=True)
class HolesConfig:
    """Random masks of fill training: how often each kind of hole, and how much they may cover."""

    shares: Mapping[str, NonNegative] = field(
        default_factory=lambda: {
            "strokes": 0.4, "scratches": 0.25, "text": 0.1, "boxes": 0.1, "blobs": 0.15
        }
    )  # fmt: skip
    coverage: tuple[Share, Share] = (0.005, 0.5)


@dataclass(frozen=True)
class DegradationConfig:
    """How a low-resolution input is made: bicubic, and a share of light JPEG."""

    jpeg_share: Share = 0.0
    jpeg_quality: tuple[Count, Count] = (75, 98)


@dataclass(frozen=True)
class LossesConfig:
    """Weights of the generator's losses; 0 switches one off."""

    l1: NonNegative = 0.0
    l1_hole: NonNegative = 0.0
    perceptual: NonNegative = 0.0
    style: NonNegative = 0.0
    tv: NonNegative = 0.0
    feature_matching: NonNegative = 0.0
    adversarial: NonNegative = 0.0
    features: str = "efficientnet_lite0"
    """Feature network of the perceptual and style losses: efficientnet_lite0, vgg16 or a file."""


@dataclass(frozen=True)
class AdversaryConfig:
    """The discriminator's objective; it exists when an adversarial or feature-matching weight is on."""

    loss: GanLossName = "hinge"
    penalty: PenaltyName = "none"
    penalty_weight: NonNegative = 10.0
    penalty_every: Count = 1
    """Steps between two penalties, each taken so many times heavier (lazy, Karras et al. 2020)."""
    label_smoothing: float | tuple[float, float] = 1.0
    """Target of real samples, or the range it is drawn from; 1 is off, 0.9 usual."""
    instance_noise: NonNegative = 0.0
    """Standard deviation at the start, for pictures in [-1, 1]."""
    instance_noise_images: Annotated[int, Field(ge=0)] = 0
    """Images seen until the noise is 0."""


@dataclass(frozen=True)
class OptimiserConfig:
    """One side's optimiser; different rates for both sides are TTUR (Heusel et al. 2017)."""

    name: OptimiserName = "muon"
    lr: Positive = 1e-3
    betas: tuple[Share, Share] = (0.9, 0.99)
    steps: Count = 1
    """Steps of this side per iteration, each on a batch of its own."""


@dataclass(frozen=True)
class OptimisersConfig:
    """Optimisers of both sides."""

    clip_norm: Positive = 10.0
    """Largest norm of the generator's gradient; a guard, far above what a healthy run has."""
    generator: OptimiserConfig = field(default_factory=OptimiserConfig)
    discriminator: OptimiserConfig = field(
        default_factory=lambda: OptimiserConfig("adam", 2e-4, (0.5, 0.99))
    )


@dataclass(frozen=True)
class ScheduleConfig:
    """Learning rate over the run: warm-up, constant, cosine to 0."""

    warmup_images: Annotated[int, Field(ge=0)] = 1000
    decay_from: Share = 0.6


@dataclass(frozen=True)
class GrowthConfig:
    """Crops that grow while training (progressive growing of a network that fits every size)."""

    sizes: tuple[Count, ...] = ()
    """Sides in px, such as [64, 128, 256]; empty = ``data.crop`` throughout."""
    images: tuple[Count, ...] | Count = 10_000
    """Images at each size before the last, one number for all or one for each."""

    def crop_px(self, images_seen: int, otherwise: int) -> int:
        """Side of a crop after so many images; ``otherwise`` where nothing grows."""
        steps = self.images if isinstance(self.images, tuple) else (self.images,) * len(self.sizes)
        for size, images in zip(self.sizes[:-1], steps, strict=False):
            if images_seen < images:
                return size
            images_seen -= images
        return self.sizes[-1] if self.sizes else otherwise


@dataclass(frozen=True)
class EmaConfig:
    """The average that is shipped."""

    half_life_images: NonNegative = 5000.0


@dataclass(frozen=True)
class RunConfig:
    """How often a run reports and saves."""

    report_images: Count = 2000
    """Images between two lines of stats.jsonl, with the score on held-out photos."""
    save_minutes: Positive = 4.0
    """Minutes between two EMA checkpoints and resumable states."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run, bar the photos."""

    task: Literal["fill", "upscale"]
    architecture: str
    images: Count
    """Images to see in all."""
    name: str = ""
    seed: int = 0
    parent: str = ""
    """Weights file to start from; tensors of equal name and shape are taken over."""
    generator: Mapping[str, Any] = field(default_factory=dict)
    discriminator: Mapping[str, Any] = field(default_factory=dict)
    data: DataConfig = field(default_factory=DataConfig)
    holes: HolesConfig = field(default_factory=HolesConfig)
    degradation: DegradationConfig = field(default_factory=DegradationConfig)
    losses: LossesConfig = field(default_factory=LossesConfig)
    adversary: AdversaryConfig = field(default_factory=AdversaryConfig)
    optimiser: OptimisersConfig = field(default_factory=OptimisersConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    growth: GrowthConfig = field(default_factory=GrowthConfig)
    ema: EmaConfig = field(default_factory=EmaConfig)
    run: RunConfig = field(default_factory=RunConfig)


def refuse_unknown_keys(kind: type, table: Mapping[str, Any], path: str = "") -> None:
    """Raise a RequestError that names the nearest key for the first one the dataclass lacks."""
    known = {f.name: f for f in dataclasses.fields(kind)}
    for key, value in table.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 1, 0.0)[0]
            raise RequestError(f"Unknown key {path}{key}; the nearest one is {path}{near}.")
        inner = known[key].type
        if isinstance(inner, type) and dataclasses.is_dataclass(inner) and isinstance(value, dict):
            refuse_unknown_keys(inner, value, f"{path}{key}.")


def parse_recipe(table: Mapping[str, Any]) -> Recipe:
    """Turn a TOML table into a recipe.

    Raises:
        RequestError: One sentence that names the key, its value and what is allowed.
    """
    refuse_unknown_keys(Recipe, table)
    try:
        recipe = TypeAdapter(Recipe).validate_python(dict(table))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise RequestError(f"{key} = {first['input']!r}: {first['msg']}.") from error
    architecture = find_architecture(recipe.architecture)
    if architecture.task != recipe.task:
        raise RequestError(
            f"Architecture {recipe.architecture!r} is for {architecture.task}, "
            f"the recipe's task is {recipe.task}."
        )
    refuse_unknown_keys(architecture.config, recipe.generator, "generator.")
    judge = find_architecture("multiscale")
    refuse_unknown_keys(judge.config, recipe.discriminator, "discriminator.")
    refuse_contradictions(recipe)
    return recipe


def refuse_contradictions(recipe: Recipe) -> None:
    """Raise a RequestError for settings that cannot mean anything together."""
    adversary, growth = recipe.adversary, recipe.growth
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


def advice(recipe: Recipe) -> list[str]:
    """Sentences about settings that work, but seldom well."""
    unbounded = recipe.adversary.loss in ("wgan", "hinge_no_relu")
    spectral = recipe.discriminator.get("spectral", True)
    if unbounded and recipe.adversary.penalty == "none" and not spectral:
        return [
            f"adversary.loss = {recipe.adversary.loss} has no bound of its own: turn on "
            "adversary.penalty or discriminator.spectral, or the logits run away."
        ]
    return []


def apply_setting(table: dict[str, Any], setting: str) -> None:
    """Put one ``key.path=value`` into a table; the value is TOML, a bare word is a string.

    Raises:
        RequestError: No ``=`` in the setting, or a key below something that is no table.
    """
    path, separator, text = setting.partition("=")
    if not separator:
        raise RequestError(f"--set {setting} has no '='; write --set key.path=value.")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *parents, last = path.strip().split(".")
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise RequestError(f"--set {setting}: {parent} is no table.")
    table[last] = value


def read_recipe(path: Path, settings: Sequence[str] = ()) -> Recipe:
    """Read a recipe file and apply ``--set`` settings.

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
