"""Trials on the toy problems: arms of settings in, one `Trial` out.

The problems themselves are in `training.lab.problems`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from remend.training.lab.problems.dirac import DiracSettings, run_dirac
from remend.training.lab.problems.photos import SEEDS
from remend.training.lab.problems.ring import RADIUS, RingOutcome, RingSettings, run_ring
from remend.training.lab.report.findings import Clouds, Lines, Measure, Trial
from remend.training.losses.gan import GAN_LOSSES, GanLossName

DISTANCE = Measure("distance from the equilibrium at the end", "low")
MODES = Measure("modes found, of 8", "high")
QUALITY = Measure("share of good samples", "high")
SLOPE = Measure("slope of the discriminator at real samples")
SHOWN_POINTS = 400


def try_dirac(problem: str, arms: Mapping[str, DiracSettings]) -> Trial:
    """Dirac-GANs from the same start; draws the distance from the equilibrium."""
    paths = {name: run_dirac(settings) for name, settings in arms.items()}
    steps = {name: list(range(len(path.theta))) for name, path in paths.items()}
    lines = {name: (steps[name], path.distances) for name, path in paths.items()}
    return Trial(
        problem,
        (DISTANCE,),
        {name: ((path.distances[-1],),) for name, path in paths.items()},
        (Lines("Dirac-GAN: distance", "step", "√(θ² + ψ²)", lines, logarithmic=True),),
    )


def try_ring(
    problem: str,
    arms: Mapping[str, RingSettings],
    measures: Sequence[Measure] = (MODES, QUALITY),
) -> Trial:
    """Runs on the ring with every seed; draws the samples of the last one.

    Args:
        problem: The sentence of the trial.
        arms: The first is without the technique; seeds are set here.
        measures: Of `MODES`, `QUALITY` and `SLOPE`.
    """

    def number(run: RingOutcome, measure: Measure) -> float:
        return {MODES: run.modes, QUALITY: run.quality, SLOPE: run.slope}[measure]

    runs = {
        name: [run_ring(replace(settings, seed=seed)) for seed in SEEDS]
        for name, settings in arms.items()
    }
    clouds = {name: found[-1].points[:SHOWN_POINTS] for name, found in runs.items()}
    return Trial(
        problem,
        measures,
        {
            name: [[number(run, measure) for run in found] for measure in measures]
            for name, found in runs.items()
        },
        (Clouds(f"ring: what seed {SEEDS[-1]} makes", clouds, 1.5 * RADIUS),),
    )


def generator_slope(loss: GanLossName, logit: float) -> float:
    """|d loss / d logit| of a generator whose samples all get ``logit``."""
    fake = torch.full((1,), float(logit), requires_grad=True)
    (slope,) = torch.autograd.grad(GAN_LOSSES[loss].generator(fake), fake)
    return abs(float(slope))


def try_slopes(problem: str, losses: Sequence[GanLossName], logit: float) -> Trial:
    """How strongly losses pull at a sample that the discriminator rejects with this logit."""
    logits = [-12 + i / 2 for i in range(33)]
    lines = {name: (logits, [generator_slope(name, at) for at in logits]) for name in losses}
    return Trial(
        problem,
        (Measure(f"|slope of the generator's loss| at k = {logit:g}", "high"),),
        {name: ((generator_slope(name, logit),),) for name in losses},
        (Lines("what the generator is told", "logit k", "|slope|", lines),),
    )
