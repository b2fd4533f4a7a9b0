"""What a recipe holds: frozen dataclasses, in which every technique is one field.

The tables ``generator`` and ``discriminator`` hold fields of the networks' own configs. How a file
becomes a recipe, and what is refused, is in ``training.recipe.parse``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from remend.models.ranges import (
    Count,
    CountOrNone,
    Momentum,
    NonNegative,
    Positive,
    Share,
    ShareRange,
    kinds_of,
    refuse_falling,
)
from remend.training.data.damaged_print import DamageConfig
from remend.training.data.degradation import DegradationConfig
from remend.training.data.masks import HOLES
from remend.training.losses.gan import GanLossName
from remend.training.losses.penalties import PenaltyName
from remend.training.optim.growth import GrowthConfig
from remend.training.optim.optimisers import OptimiserName

Smoothing = Annotated[float, Field(gt=0, le=1.5)]
"""A target of real samples: 1 is off, 0.9 usual, a range such as [0.7, 1.2] has been used."""

TrackerName = Literal[
    "none", "aim", "clearml", "comet_ml", "dvclive", "mlflow", "swanlab", "trackio", "wandb"
]


@dataclass(frozen=True)
class DataConfig:
    """What the photos become: square crops, of which some are halved in size first."""

    crop: Count = 128
    """Side of a training crop in (high-resolution) pixels."""
    batch: Count = 8
    """Images that one process computes at once."""
    accumulate: Count = 1
    """Batches whose gradients make up one step: as with a batch so many times larger, in less memory."""
    half_share: Share = 0.25
    """Share of crops that are cut at twice the size and area-averaged."""
    held_out: Count = 16
    """Photos that are never trained on, for the curve in stats.jsonl."""
    pairs: str = ""
    """A folder of real low-resolution pictures, called as their photos: they take the place of those that
    ``degradation`` makes. Of an upscaler only; none is halved."""
    classes: bool = False
    """Whether generator and discriminator learn the photos' classes, a folder each."""


@dataclass(frozen=True)
class HolesConfig:
    """Random masks of fill training: how often each kind of hole, and how much they may cover."""

    shares: Annotated[Mapping[str, NonNegative], AfterValidator(kinds_of(HOLES))] = field(
        default_factory=lambda: {
            "strokes": 0.4, "scratches": 0.25, "text": 0.1, "boxes": 0.1, "blobs": 0.15
        }
    )  # fmt: skip
    coverage: ShareRange = (0.005, 0.5)
    masks: str = ""
    """A folder of masks of one's own, or one file: their windows take the place of random holes."""


@dataclass(frozen=True)
class LossesConfig:
    """Weights of the generator's losses; 0 switches one off."""

    l1: NonNegative = 0.0
    l2: NonNegative = 0.0
    """Of an upscaler only."""
    l1_hole: NonNegative = 0.0
    """Of a fill only."""
    log_mse: NonNegative = 0.0
    """Of the hole or of the whole picture, whichever the task restores."""
    perceptual: NonNegative = 0.0
    style: NonNegative = 0.0
    tv: NonNegative = 0.0
    grid: NonNegative = 0.0
    """Against the grid of an upscaler's PixelShuffle."""
    bce: NonNegative = 0.0
    dice: NonNegative = 0.0
    """Of a damage network only: cross-entropy over pixels, and soft Dice, in which thin damage counts too."""
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
    label_smoothing: (
        Smoothing | Annotated[tuple[Smoothing, Smoothing], AfterValidator(refuse_falling)]
    ) = 1.0
    """Target of real samples, or the range it is drawn from; 1 is off, 0.9 usual."""
    instance_noise: NonNegative = 0.0
    """Standard deviation at the start, for pictures in [-1, 1]."""
    instance_noise_images: CountOrNone = 0
    """Images seen until the noise is 0; noise without images would be none."""
    head_start_images: CountOrNone = 0
    """Until so many images are seen, the discriminator learns and the generator does not hear it."""
    augment: Share = 0.0
    """Strength of the discriminator's differentiable augmentation, in colour and place; 0 is off."""


@dataclass(frozen=True)
class OptimiserConfig:
    """One side's optimiser; different rates for both sides are TTUR (Heusel et al. 2017)."""

    name: OptimiserName = "muon"
    lr: Positive = 1e-3
    betas: tuple[Momentum, Momentum] = (0.9, 0.99)
    steps: Count = 1
    """Steps of this side per iteration, each on a batch of its own."""


@dataclass(frozen=True)
class DiscriminatorOptimiserConfig(OptimiserConfig):
    """The discriminator's own defaults, which stay where a recipe sets one of its keys only."""

    name: OptimiserName = "adam"
    lr: Positive = 2e-4
    betas: tuple[Momentum, Momentum] = (0.5, 0.99)


@dataclass(frozen=True)
class OptimisersConfig:
    """Optimisers of both sides."""

    clip_norm: Positive = 10.0
    """Largest norm of the generator's gradient: a limit far above what a healthy run has."""
    generator: OptimiserConfig = field(default_factory=OptimiserConfig)
    discriminator: DiscriminatorOptimiserConfig = field(
        default_factory=DiscriminatorOptimiserConfig
    )


@dataclass(frozen=True)
class ScheduleConfig:
    """Learning rate over the run: warm-up, constant, cosine to 0."""

    warmup_images: CountOrNone = 1000
    decay_from: Share = 0.6


@dataclass(frozen=True)
class EmaConfig:
    """The average that is shipped."""

    half_life_images: NonNegative = 5000.0


@dataclass(frozen=True)
class AdapterConfig:
    """What of the generator is trained."""

    rank: CountOrNone = 0
    """Rank of a low-rank adapter beside every convolution, the rest frozen; 0 trains all weights."""


@dataclass(frozen=True)
class RunConfig:
    """How often a run reports and saves."""

    report_images: Count = 2000
    """Images between two lines of stats.jsonl, with the score on held-out photos."""
    save_minutes: Positive = 4.0
    """Minutes between two EMA checkpoints and resumable states."""
    keep_images: CountOrNone = 0
    """Images between two checkpoints that stay, numbered, in ``checkpoints/``; 0 keeps none."""
    keep_best: bool = True
    """Keep the state with the best score on held-out photos as ``best.safetensors``."""
    patience: CountOrNone = 0
    """Reports without a new best score that end the run; 0 = it goes on to its end."""
    tracker: TrackerName = "none"
    """A tracker beside TensorBoard, of those that Accelerate knows."""
    compile: bool = False
    """Compile generator and discriminator (``torch.compile``); the first steps take minutes."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run, except the photos."""

    task: Literal["fill", "upscale", "damage", "generate"]
    architecture: str
    images: Count
    """Images to see in all."""
    name: str = ""
    seed: int = 0
    parent: str = ""
    """Weights file to start from; tensors of equal name and shape are taken over."""
    frozen: tuple[str, ...] = ()
    """Parts of the generator that keep their weights, such as the coarse stage of a parent."""
    generator: Mapping[str, Any] = field(default_factory=dict[str, Any])
    discriminator: Mapping[str, Any] = field(default_factory=dict[str, Any])
    data: DataConfig = field(default_factory=DataConfig)
    holes: HolesConfig = field(default_factory=HolesConfig)
    degradation: DegradationConfig = field(default_factory=DegradationConfig)
    damage: DamageConfig = field(default_factory=DamageConfig)
    losses: LossesConfig = field(default_factory=LossesConfig)
    adversary: AdversaryConfig = field(default_factory=AdversaryConfig)
    optimiser: OptimisersConfig = field(default_factory=OptimisersConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    growth: GrowthConfig = field(default_factory=GrowthConfig)
    ema: EmaConfig = field(default_factory=EmaConfig)
    adapter: AdapterConfig = field(default_factory=AdapterConfig)
    run: RunConfig = field(default_factory=RunConfig)
