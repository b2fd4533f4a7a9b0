"""Trials of the adversarial game: losses, penalties, noise, targets, rates, discriminators, averages.

Most run on the Dirac-GAN and on the ring of Gaussians, where a technique acts within seconds. Each
``run_...`` belongs to one entry of the table.
"""

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import cast, get_args

from remend.models.layers.minibatch import MINIBATCH
from remend.training.lab.problems.dirac import DiracSettings, run_dirac
from remend.training.lab.problems.lone_discriminators import (
    AccuracyCurve,
    settle_logit,
    tell_collapse,
    tell_pairs,
)
from remend.training.lab.problems.photos import (
    ENLARGED_BY_4,
    ENLARGING,
    HOLE_PSNR,
    PSNR,
    SEEDS,
    PhotoLab,
    PhotoRun,
    apply,
    score,
)
from remend.training.lab.problems.ring import RingSettings
from remend.training.lab.report.findings import Lines, Measure, Trial
from remend.training.lab.trials.toy_trials import (
    MODES,
    QUALITY,
    SLOPE,
    try_dirac,
    try_ring,
    try_slopes,
)
from remend.training.losses.gan import GanLossName
from remend.training.losses.penalties import PENALTIES, PenaltyName

LOSSES = cast("tuple[GanLossName, ...]", get_args(GanLossName))
TOLD_APART = Measure("share told apart (0.5 = by chance)", "high")


def run_saturation(_: PhotoLab) -> Iterator[Trial]:
    """What slope a rejected generator gets, and whether it still learns."""
    both: tuple[GanLossName, ...] = ("minimax", "non_saturating")
    yield try_slopes("A generated sample that the discriminator is sure about.", both, -10)
    yield try_dirac(
        "Dirac-GAN without a penalty, 500 steps.", {name: DiracSettings(name) for name in both}
    )
    yield try_ring(
        "Ring of 8 Gaussians with R1, 500 steps.",
        {name: RingSettings(name, "r1") for name in both},
    )


def run_losses(_: PhotoLab) -> Iterator[Trial]:
    """All losses, without a penalty and with one."""
    yield try_dirac(
        "Dirac-GAN without a penalty, 500 steps.", {name: DiracSettings(name) for name in LOSSES}
    )
    yield try_ring(
        "Ring of 8 Gaussians with R1 (γ 1), 500 steps.",
        {name: RingSettings(name, "r1") for name in LOSSES},
        (MODES, QUALITY, SLOPE),
    )


def run_penalties(_: PhotoLab) -> Iterator[Trial]:
    """All penalties, where a GAN without circles and collapses."""
    weights: Mapping[PenaltyName, float] = {"none": 0, "gp1": 1, "r1": 1, "r2": 1, "gp0": 0.5}
    yield try_dirac(
        "Dirac-GAN with the minimax loss, 500 steps; weight 1 (0.5 for gp0, which lacks R1's ½).",
        {name: DiracSettings(penalty=name, penalty_weight=weights[name]) for name in PENALTIES},
    )
    ring = {name: RingSettings(penalty=name, penalty_weight=weights[name]) for name in PENALTIES}
    ring_lazy = {"r1 every 4 steps": RingSettings(penalty="r1", penalty_every=4)}
    yield try_ring(
        "Ring of 8 Gaussians, non-saturating loss, 500 steps; the same weights.",
        ring | ring_lazy,
        (MODES, QUALITY, SLOPE),
    )


def run_spectral(lab: PhotoLab) -> Iterator[Trial]:
    """A bound on the discriminator whose loss has none, and on the generator."""
    yield try_ring(
        "Ring of 8 Gaussians with WGAN's loss and no penalty, which nothing else bounds, 500 steps.",
        {"without": RingSettings("wgan"), "spectral D": RingSettings("wgan", spectral=True)},
        (SLOPE, MODES, QUALITY),
    )
    yield try_ring(
        "The same with the hinge loss.",
        {"without": RingSettings("hinge"), "spectral D": RingSettings("hinge", spectral=True)},
        (SLOPE, MODES, QUALITY),
    )
    yield lab.compare(
        f"{ENLARGED_BY_4}, L1: in the generator.",
        {"without": (), "spectral G": ("generator.spectral=true",)},
        (PSNR,),
        start=ENLARGING,
    )


def run_smoothing(_: PhotoLab) -> Iterator[Trial]:
    """Where real logits settle, and whether the ring is covered."""
    targets = {"1 (off)": 1.0, "0.9": 0.9, "[0.9, 1.1]": (0.9, 1.1), "[0.7, 1.2]": (0.7, 1.2)}
    settled = {name: settle_logit(target) for name, target in targets.items()}
    steps = list(range(len(settled["0.9"])))
    yield Trial(
        "One free logit for all real samples, 1500 steps of the discriminator's cross entropy.",
        (Measure("σ(r) it settles at"),),
        {name: ((values[-1],),) for name, values in settled.items()},
        (
            Lines(
                "the real samples' logit",
                "step",
                "σ(r)",
                {name: (steps, values) for name, values in settled.items()},
            ),
        ),
    )
    yield try_ring(
        "Ring of 8 Gaussians, non-saturating loss, no penalty, 500 steps.",
        {name: RingSettings(smoothing=target) for name, target in targets.items()},
    )


def run_noise(_: PhotoLab) -> Iterator[Trial]:
    """Fading noise where a GAN without it circles and collapses."""
    plain = DiracSettings(samples=1024, noise_steps=500)
    yield try_dirac(
        "Dirac-GAN with the minimax loss, 1024 samples a step, noise gone after 500 steps.",
        {
            "none": plain,
            "s = 0.5": replace(plain, noise=0.5),
            "s = 1": replace(plain, noise=1.0),
        },
    )
    yield try_ring(
        "Ring of 8 Gaussians (radius 2), non-saturating loss, noise gone at the end.",
        {
            "none": RingSettings(),
            "s = 0.5": RingSettings(noise=0.5),
            "s = 1": RingSettings(noise=1),
        },
    )


def run_rates(_: PhotoLab) -> Iterator[Trial]:
    """A faster discriminator, and one of more steps."""

    def at(ratio: float) -> RingSettings:
        return RingSettings(discriminator_lr=2e-3 * ratio)

    yield try_ring(
        "Ring of 8 Gaussians, non-saturating loss, no penalty; the generator's rate is 2e-3.",
        {
            "D 0.5 x": at(0.5),
            "1 : 1": at(1),
            "D 4 x": at(4),
            "two D steps": RingSettings(discriminator_lr=2e-3, discriminator_steps=2),
        },
    )


def run_minibatch(_: PhotoLab) -> Iterator[Trial]:
    """Collapse that no single sample shows."""
    names = tuple(MINIBATCH)
    runs = {name: [tell_collapse(name, seed) for seed in SEEDS] for name in names}
    yield show_progress(
        "A discriminator against batches that each collapse to another mode of the ring: every "
        "sample alone looks real. 200 steps.",
        runs,
    )


def run_scales(_: PhotoLab) -> Iterator[Trial]:
    """Parts that do not fit together, farther apart than a patch sees."""
    runs = {
        f"{scales} scale{'s' * (scales > 1)}": [tell_pairs(scales, seed) for seed in SEEDS]
        for scales in (1, 2, 3)
    }
    yield show_progress(
        "Pictures of 64 px with two spots, 32 px apart, of equal (real) or opposite sign; a patch "
        "sees 26 px of its scale. 60 steps.",
        runs,
    )


def show_progress(problem: str, runs: Mapping[str, list[AccuracyCurve]]) -> Trial:
    """A trial of discriminators alone."""
    lines = {
        name: (
            [float(step) for step in found[0].steps],
            [
                statistics.fmean(values)
                for values in zip(*(run.accuracies for run in found), strict=True)
            ],
        )
        for name, found in runs.items()
    }
    arms = {
        name: ([run.accuracy for run in found], [run.parameters / 1000 for run in found])
        for name, found in runs.items()
    }
    panel = Lines("on the way (mean)", "step", "share told apart", lines)
    return Trial(problem, (TOLD_APART, Measure("parameters, thousands", "low")), arms, (panel,))


def run_average(lab: PhotoLab) -> Iterator[Trial]:
    """A circling point, and a generator trained in haste."""
    path = run_dirac(DiracSettings(ema_half_life=200, steps=1000))
    steps = list(range(len(path.theta)))

    def farthest(values: list[float]) -> float:
        return max(map(abs, values[-200:]))

    yield Trial(
        "Dirac-GAN without a penalty, 1000 steps, half-life 200: the generator circles.",
        (Measure("farthest from 0 in the last 200 steps", "low"),),
        {"θ itself": ((farthest(path.theta),),), "EMA of θ": ((farthest(path.average),),)},
        (
            Lines(
                "Dirac-GAN: the generated point",
                "step",
                "θ",
                {"θ itself": (steps, path.theta), "EMA of θ": (steps, path.average)},
            ),
        ),
    )
    hasty = ("losses.adversarial=0", "losses.feature_matching=0", "optimiser.generator.lr=0.01",
             "schedule.decay_from=1")  # fmt: skip
    runs = [lab.train(*hasty, f"seed={seed}") for seed in SEEDS]

    def psnr(run: PhotoRun, averaged: bool) -> float:
        outputs = apply(run.average if averaged else run.generator, run.check)
        return score(outputs, run.check)[HOLE_PSNR]

    yield Trial(
        "Small photos, L1 only, at ten times the usual rate and without decay.",
        (HOLE_PSNR,),
        {
            "last weights": ([psnr(run, False) for run in runs],),
            "EMA": ([psnr(run, True) for run in runs],),
        },
        paired=True,
        how=lab.how,
    )
