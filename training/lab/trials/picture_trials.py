"""Trials of networks and picture losses, most on the small-photos problem through the engine itself.

Each ``run_...`` belongs to one entry of `picture_table`.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from remend.models.checkpoints.registry import ARCHITECTURES
from remend.models.imaging.picture import from_unit
from remend.models.layers.gated import GATES
from remend.models.layers.norm import NORMS
from remend.models.layers.resample import UPSAMPLERS
from remend.training.data.photo_store import batch_to_unit
from remend.training.lab.problems import checkerboard, generation
from remend.training.lab.problems.photos import (
    CROP,
    ENLARGED_BY_4,
    ENLARGING,
    HOLE_PSNR,
    IMAGES,
    MILLISECONDS,
    PARAMETERS,
    PERCEPTUAL,
    PSNR,
    SHARPNESS,
    STYLE,
    PhotoLab,
)
from remend.training.lab.problems.ring import RingSettings
from remend.training.lab.report.findings import Measure, Pictures, Trial
from remend.training.lab.trials.toy_trials import try_ring

SIZE = f"{IMAGES} crops of {CROP} px"
L1_ONLY = f"Small photos, L1 in the hole only, {SIZE}"
PERCEPTUAL_TOO = ("losses.perceptual=0.3",)
WITH_DISCRIMINATOR = ("losses.adversarial=0.1", "losses.feature_matching=0")


def run_inputs(_: PhotoLab) -> Iterator[Trial]:
    """The range of inputs and the shape of latents."""
    every = torch.arange(256, dtype=torch.uint8).expand(3, 1, -1)
    unit = batch_to_unit(every)
    rounded = torch.as_tensor(from_unit(unit[None], np.uint8)).permute(2, 0, 1)
    cut_off = ((unit + 1) * 127.5).to(torch.uint8)
    yield Trial(
        "All 256 values of a byte to [-1, 1] and back.",
        (Measure("values that have changed, of 256", "low"),),
        {
            "cut off": ((float((cut_off != every)[0].sum()),),),
            "rounded": ((float((rounded != every)[0].sum()),),),
        },
    )
    yield try_ring(
        "Ring of 8 Gaussians with R1, everything 127.5 times larger without normalisation.",
        {
            "bytes' range": RingSettings(penalty="r1", scale=127.5),
            "normalised": RingSettings(penalty="r1"),
        },
    )
    yield try_ring(
        "Ring of 8 Gaussians with R1: where latents come from.",
        {
            "uniform": RingSettings(penalty="r1", latent="uniform"),
            "normal": RingSettings(penalty="r1"),
        },
    )


def run_baselines(lab: PhotoLab) -> Iterator[Trial]:
    """Generators from noise, before and after some seconds of training."""
    names = [name for name, one in ARCHITECTURES.items() if one.task == "generate"]
    # The growing generator's own norm keeps samples alike at this rate, so both have batch's here.
    yield generation.try_generators(
        lab,
        "16 px crops of a few photos, non-saturating loss, 2048 images; the first is hardly trained.",
        {
            "dcgan, 32 images": ("images=32",),
            **{name: (f"architecture={name}", "generator.norm=batch") for name in names},
        },
        (generation.DISTANCE, generation.SPREAD, PARAMETERS, MILLISECONDS),
    )


def run_labels(lab: PhotoLab) -> Iterator[Trial]:
    """The same generator with and without classes."""
    yield generation.try_generators(
        lab,
        "16 px crops, each folder or else each photo a class, DCGAN, 2048 images.",
        {"without": (), "labels": ("data.classes=true",)},
        (generation.RIGHT_CLASS, generation.DISTANCE),
    )


def run_kernels(lab: PhotoLab) -> Iterator[Trial]:
    """Kernels of the last convolution."""
    yield lab.compare(
        f"{L1_ONLY}.",
        {f"{k} x {k}": (f"generator.output_kernel={k}",) for k in (1, 3, 9)},
        (HOLE_PSNR, PARAMETERS, MILLISECONDS),
    )


def run_upsampling(lab: PhotoLab) -> Iterator[Trial]:
    """Checkerboards of fresh layers, and what training leaves."""

    def shown(response: Tensor) -> Tensor:
        middle = response[0] - response[0].mean()
        return (middle / response[0].std().clamp_min(1e-3) / 2).clamp(-1, 1).expand(3, -1, -1)

    arms = checkerboard.ARMS
    yield Trial(
        "A constant picture through a fresh layer, mean of 20.",
        (Measure("energy in patterns of period two, 0 to 1", "low"),),
        {name: ((checkerboard.mean_nyquist_energy(build),),) for name, build in arms.items()},
        (
            Pictures(
                "what becomes of a constant",
                {name: shown(checkerboard.answer(build, 0)) for name, build in arms.items()},
            ),
        ),
    )
    order = ("transposed", *(name for name in UPSAMPLERS if name != "transposed"))
    yield lab.compare(
        f"{L1_ONLY}.",
        {name: (f"generator.upsample={name}",) for name in order},
        (HOLE_PSNR, PARAMETERS),
    )


def run_gates(lab: PhotoLab) -> Iterator[Trial]:
    """Gates of the generator."""
    order = ("none", *(name for name in GATES if name != "none"))
    yield lab.compare(
        f"{L1_ONLY}.",
        {name: (f"generator.gate={name}",) for name in order},
        (HOLE_PSNR, PARAMETERS, MILLISECONDS),
    )


def run_norms(lab: PhotoLab) -> Iterator[Trial]:
    """Norms of the generator and of the discriminator."""
    yield lab.compare(
        f"{ENLARGED_BY_4}, L1: in the generator.",
        {name: (f"generator.norm={name}",) for name in NORMS},
        (PSNR,),
        start=ENLARGING,
    )
    yield lab.compare(
        f"Small photos with a discriminator, {SIZE}: in the discriminator.",
        {name: (f"discriminator.norm={name}",) for name in NORMS},
        (HOLE_PSNR, SHARPNESS),
        WITH_DISCRIMINATOR,
    )


def run_refine(lab: PhotoLab) -> Iterator[Trial]:
    """One stage, two, and two with all losses."""
    full = (*WITH_DISCRIMINATOR, "losses.perceptual=1", "losses.style=10", "losses.tv=0.1")
    yield lab.compare(
        f"Small photos, {SIZE}.",
        {
            "coarse, L1": ("generator.refine=false",),
            "coarse and refine, L1": (),
            "coarse and refine, all losses": full,
        },
        (HOLE_PSNR, SHARPNESS, PARAMETERS, MILLISECONDS),
    )


def run_perceptual(lab: PhotoLab) -> Iterator[Trial]:
    """The perceptual loss beside and instead of L1."""
    yield lab.compare(
        f"{ENLARGED_BY_4}, no discriminator.",
        {
            "L1": (),
            "L1 + perceptual": PERCEPTUAL_TOO,
            "perceptual": (*PERCEPTUAL_TOO, "losses.l1=0"),
        },
        (PERCEPTUAL, PSNR, SHARPNESS),
        start=ENLARGING,
    )


def run_style(lab: PhotoLab) -> Iterator[Trial]:
    """The style loss beside L1."""
    yield lab.compare(
        f"{ENLARGED_BY_4}, no discriminator.",
        {"L1": (), "L1 + style": ("losses.style=10",)},
        (STYLE, PSNR, SHARPNESS),
        start=ENLARGING,
    )


def run_tv(lab: PhotoLab) -> Iterator[Trial]:
    """Total variation beside L1."""
    yield lab.compare(
        f"{ENLARGED_BY_4}, no discriminator, beside a loss that prints patterns.",
        {
            "L1 + perceptual": PERCEPTUAL_TOO,
            "L1 + perceptual + TV": (*PERCEPTUAL_TOO, "losses.tv=0.1"),
        },
        (SHARPNESS, PSNR, PERCEPTUAL),
        start=ENLARGING,
    )


def run_grid(_: PhotoLab) -> Iterator[Trial]:
    """A PixelShuffle that learns texture, with and without the grid loss."""
    yield Trial(
        "Noise through a PixelShuffle that learns texture of a given strength, 100 steps.",
        (Measure("strongest phase over the weakest, 1 = no grid", "low"),),
        {
            name: ([checkerboard.teach_texture(weight, seed) for seed in range(5)],)
            for name, weight in (("strength alone", 0.0), ("strength and grid", 1.0))
        },
    )


def run_l1(lab: PhotoLab) -> Iterator[Trial]:
    """L1 over everything and over the hole."""
    longer = ("images=3072",)
    yield lab.compare(
        f"Small photos, no discriminator, 3072 crops of {CROP} px.",
        {"everywhere": (*longer, "losses.l1=1", "losses.l1_hole=0"), "in the hole": longer},
    )


def run_matching(lab: PhotoLab) -> Iterator[Trial]:
    """Feature matching beside the adversarial loss."""
    yield lab.compare(
        f"Small photos with a discriminator, {SIZE}.",
        {"without": (), "feature matching": ("losses.feature_matching=10",)},
        (HOLE_PSNR, SHARPNESS),
        WITH_DISCRIMINATOR,
    )


def run_optimisers(lab: PhotoLab) -> Iterator[Trial]:
    """Adam and Muon."""
    # Muon is for matrices of at least 32 rows, so the network has the width of x4-fast.
    large = ("images=1536", "generator.width=48", "generator.blocks=8")
    yield lab.compare(
        f"An upscaler of x4-fast's size from nothing, L1, 1536 crops of {CROP} px.",
        {name: (*large, f"optimiser.generator.name={name}") for name in ("adam", "muon")},
        (PSNR, MILLISECONDS),
        start=ENLARGING,
    )


def run_growth(lab: PhotoLab) -> Iterator[Trial]:
    """Sizes that grow, and sizes that do not: layers that fade in, and crops."""
    growing = ("architecture=growing", "generator.norm=batch")
    yield generation.try_generators(
        lab,
        "The growing generator on 16 px crops, non-saturating loss, 2048 images.",
        {
            "16 px": growing,
            "4, 8, then 16 px": (*growing, "growth.sizes=[4,8,16]", "growth.images=512"),
        },
        (generation.DISTANCE, generation.SPREAD, MILLISECONDS),
    )
    yield lab.compare(
        f"The fill generator on small photos, L1 in the hole only, {IMAGES} crops, judged at {CROP} px.",
        {
            f"{CROP} px": (),
            f"{CROP // 2}, then {CROP} px": (
                f"growth.sizes=[{CROP // 2},{CROP}]",
                f"growth.images={IMAGES // 2}",
            ),
        },
        (HOLE_PSNR, MILLISECONDS),
    )
