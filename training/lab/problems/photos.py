"""The small-photos problem: the engine itself, on crops of a few photos, for half a minute a run.

Runs start from the shipped recipe ``tiny``, which fills, or from a small ``upscale-x4-fast``, and differ by
settings, each written ``key.path=value``. All is measured on the same crops of the same held-out photos,
whatever the seed, with the averaged weights.
"""

import json
import statistics
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from remend.models.device import Placement
from remend.training.data.audit import refuse_shared
from remend.training.data.photo_store import PhotoStore
from remend.training.engine.batch import Batch
from remend.training.engine.feature_losses import FeatureLosses
from remend.training.engine.run_folder import RunFolder
from remend.training.engine.tasks.task import Output, mean_psnr, run_generator
from remend.training.engine.trainer import Trainer
from remend.training.lab.report.findings import Lines, Measure, Pictures, Trial
from remend.training.losses import pixel as picture_losses
from remend.training.recipe.parse import read_recipe
from remend.training.recipe.schema import Recipe

SEEDS = (0, 1, 2, 3, 4)
HELD_OUT, SPLIT_SEED = 2, 0
"""Photos that no run learns from, the same for every seed and setting."""
CHECK_BATCHES, CHECK_SEED = 8, 1
PICTURES = slice(0, 3)
RECIPES = Path(__file__).parents[2] / "recipe"
TINY = RECIPES / "tiny.toml"

PICTURE_LOSS_ONLY = ("losses.adversarial=0", "losses.feature_matching=0")
"""No discriminator: what the generator can do by itself."""

IMAGES, CROP = 768, 64
"""Of a run: what it sees, and pixels a side of a crop. All runs of the lab take three hours of one core."""
ENLARGED = 6144
"""The same of an upscaler, whose small network is cheap."""
COMMON = (
    f"images={IMAGES}", f"data.crop={CROP}", "data.batch=8", f"run.report_images={IMAGES // 6}",
    "ema.half_life_images=64", "schedule.warmup_images=32",
)  # fmt: skip

FILLING = (TINY, ())
ENLARGING = (
    RECIPES / "upscale-x4-fast.toml",
    (
        f"images={ENLARGED}",
        f"run.report_images={ENLARGED // 6}",
        "generator.width=16",
        "generator.blocks=3",
        "degradation.jpeg_share=0",
    ),
)
"""What a run begins with: a recipe, and settings that make it as small as ``tiny``."""
ENLARGED_BY_4 = f"A small x4 upscaler, {ENLARGED} crops of {CROP} px"

HOLE_PSNR = Measure("PSNR in the hole, dB", "high")
PSNR = Measure("PSNR, dB", "high")
SHARPNESS = Measure("sharpness (total variation, 1 = the original's)")
PARAMETERS = Measure("parameters, thousands", "low")
MILLISECONDS = Measure("ms of CPU per image trained", "low")
PERCEPTUAL = Measure("perceptual distance", "low")
STYLE = Measure("style distance, x 1000", "low")


Start = tuple[Path, tuple[str, ...]]


class PhotoRun(NamedTuple):
    """A finished run and how it did on held-out crops."""

    recipe: Recipe
    values: Mapping[Measure, float]
    curve: tuple[list[float], list[float]]
    """Images seen, PSNR of what is restored on the way."""
    pictures: Mapping[str, Tensor]
    """One held-out crop: input, result, original, each (3, H, W)."""
    generator: nn.Module
    """Not averaged."""
    average: nn.Module
    check: Sequence[Batch]
    """The held-out crops."""


class PhotoLab:
    """Runs the engine on photos, each setting once.

    Args:
        sources: Folders or pictures; five photos will do.
        scratch: Folder for the runs' own files.
        placement: Device and precision.
        held_out: Photos to judge on; none = two of the others.
    """

    def __init__(
        self,
        sources: Sequence[Path],
        scratch: Path,
        placement: Placement,
        held_out: Sequence[Path] = (),
    ) -> None:
        self.sources, self.scratch, self.placement = sources, scratch, placement
        self._held_out = held_out
        self._runs: dict[tuple[Start, tuple[str, ...]], PhotoRun] = {}
        self._folders = 0

    @cached_property
    def photos(self) -> PhotoStore:
        """All photos of at least 128 px a side, but those to judge on where they were named."""
        return self._load(self.sources)

    def _load(self, sources: Sequence[Path]) -> PhotoStore:
        return PhotoStore.load(sources, device=self.placement.device, min_side=128)

    @cached_property
    def split(self) -> tuple[PhotoStore, PhotoStore]:
        """The photos to learn from, and those that are held out of every run.

        With two or three photos one is held out.

        Raises:
            RequestError: As `PhotoStore.split`, or a photo to judge on is among those to learn from.
        """
        if self._held_out:
            held_out = self._load(self._held_out)
            refuse_shared(self.photos, held_out)
            return self.photos, held_out
        return self.photos.split(min(HELD_OUT, max(1, len(self.photos) - 2)), SPLIT_SEED)

    @property
    def how(self) -> str:
        """How photo trials are run, for a reader of the numbers."""
        learned, held_out = self.split
        return (
            f"{len(learned)} photos are learned from; {', '.join(held_out.names)} held out, the same for "
            f"every seed; {self.placement.reason}"
        )

    def train(self, *settings: str, start: Start = FILLING) -> PhotoRun:
        """Run a small recipe with these settings, or recall that run."""
        key = start, settings
        if key not in self._runs:
            self._runs[key] = self._train(*key)
        return self._runs[key]

    def run_engine(
        self, recipe: Recipe, photos: PhotoStore, held_out: PhotoStore | None = None
    ) -> tuple[Trainer, float]:
        """Train to the end of a recipe; returns the trainer and the CPU milliseconds an image took."""
        self._folders += 1
        folder = RunFolder(self.scratch / str(self._folders), recipe, resume=False)
        trainer = Trainer(recipe, photos, folder, self.placement, held_out=held_out)
        begin = time.process_time()
        trainer.run()
        return trainer, 1000 * (time.process_time() - begin) / recipe.images

    def _train(self, start: Start, settings: tuple[str, ...]) -> PhotoRun:
        recipe = read_recipe(start[0], [*COMMON, *start[1], *settings])
        trainer, milliseconds = self.run_engine(recipe, *self.split)
        random = torch.Generator().manual_seed(CHECK_SEED)
        check = [
            trainer.task.draw(trainer.held_out, random, recipe.data.crop)
            for _ in range(CHECK_BATCHES)
        ]
        stats = (trainer.folder.path / "stats.jsonl").read_text().splitlines()
        lines = [json.loads(line) for line in stats]
        outputs = apply(trainer.ema.network, check)
        most = choose_sample(check)
        size = sum(p.numel() for p in trainer.generator.parameters())
        return PhotoRun(
            recipe,
            {
                **score(outputs, check),
                PARAMETERS: size / 1000,
                MILLISECONDS: milliseconds,
            },
            (
                [line["images"] for line in lines],
                [line.get("hole_psnr", line["psnr"]) for line in lines],
            ),
            {
                "input": check[0].inputs[0][most],
                "result": outputs[0].refined[most],
                "original": check[0].target[most],
            },
            trainer.generator.eval(),
            trainer.ema.network,
            check,
        )

    def compare(
        self,
        problem: str,
        arms: Mapping[str, Sequence[str]],
        measures: Sequence[Measure] = (HOLE_PSNR,),
        common: Sequence[str] = PICTURE_LOSS_ONLY,
        start: Start = FILLING,
    ) -> Trial:
        """Run arms (name -> settings) with every seed and gather the measures.

        Args:
            problem: The sentence of the trial.
            arms: The first is without the technique.
            measures: Keys of ``PhotoRun.values``; `PERCEPTUAL` and `STYLE` need the feature network.
            common: Settings of all arms.
            start: What all arms begin with.
        """
        runs = {
            name: [self.train(*common, *settings, f"seed={seed}", start=start) for seed in SEEDS]
            for name, settings in arms.items()
        }
        values = {
            name: [[self.value(run, measure) for run in trained] for measure in measures]
            for name, trained in runs.items()
        }
        lines = {
            name: (trained[0].curve[0], mean_curve([run.curve[1] for run in trained]))
            for name, trained in runs.items()
        }
        shown = [trained[0].pictures for trained in runs.values()]
        results = {name: one["result"] for name, one in zip(runs, shown, strict=True)}
        ends = shown[0]
        panels = (
            Lines("on the way (mean)", "images seen", PSNR.name, lines),
            Pictures(
                "a crop of a held-out photo",
                {"input": ends["input"], **results, "original": ends["original"]},
            ),
        )
        return Trial(problem, measures, values, panels, paired=True, how=self.how)

    def value(self, run: PhotoRun, measure: Measure) -> float:
        """A measure of a run; the feature distances are computed only when asked for."""
        if measure not in (PERCEPTUAL, STYLE):
            return run.values[measure]
        losses = self.feature_losses
        terms = [
            losses.terms(batch, output.refined, losses.draw(seeded(i)))
            for i, (batch, output) in enumerate(
                zip(run.check, apply(run.average, run.check), strict=True)
            )
        ]
        name, factor = ("perceptual", 1) if measure is PERCEPTUAL else ("style", 1000)
        with torch.no_grad():
            return factor * statistics.fmean(float(term[name]()) for term in terms)

    @cached_property
    def feature_losses(self) -> FeatureLosses:
        """The default feature network."""
        return FeatureLosses(read_recipe(TINY, COMMON), self.placement)


def seeded(seed: int) -> torch.Generator:
    """A random generator that begins at a seed."""
    return torch.Generator().manual_seed(seed)


@torch.no_grad()
def apply(network: nn.Module, batches: Sequence[Batch]) -> list[Output]:
    """The network's answers, in evaluation mode."""
    network.eval()
    return [run_generator(network, batch) for batch in batches]


def score(outputs: Sequence[Output], batches: Sequence[Batch]) -> dict[Measure, float]:
    """PSNR and sharpness of what is restored, the holes or all of it, means over the crops."""
    psnrs: list[float] = []
    sharpness: list[float] = []
    for output, batch in zip(outputs, batches, strict=True):
        (mask,) = batch.condition
        psnrs.append(mean_psnr(output.refined, batch.target, mask))
        made = picture_losses.total_variation(output.refined, mask)
        sharpness.append(float(made / picture_losses.total_variation(batch.target, mask)))
    psnr = statistics.fmean(psnrs)
    return {HOLE_PSNR: psnr, PSNR: psnr, SHARPNESS: statistics.fmean(sharpness)}


def choose_sample(check: Sequence[Batch]) -> int:
    """The sample of the first batch with the most to restore."""
    batch = check[0]
    (mask,) = batch.condition
    area = mask.sum((2, 3), keepdim=True).clamp_min(1)
    mean = (batch.target * mask).sum((2, 3), keepdim=True) / area
    return int(((batch.target - mean).square() * mask).sum((1, 2, 3)).argmax())


def mean_curve(curves: Sequence[Sequence[float]]) -> list[float]:
    """Point-wise mean."""
    return [statistics.fmean(values) for values in zip(*curves, strict=True)]
