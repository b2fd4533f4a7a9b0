"""Table entries for networks and picture losses: what, when and how, and the trials of each.

How the trials are run is in `picture_trials`.
"""

from remend.models.layers.gated import GATES
from remend.models.layers.norm import NORMS
from remend.models.layers.resample import UPSAMPLERS
from remend.training.lab.experiment import Claim, Experiment
from remend.training.lab.problems.photos import CROP
from remend.training.lab.trials import picture_trials as trials

PICTURES: dict[str, Experiment] = {
    "inputs": Experiment(
        "Inputs and latents",
        (),
        (),
        "Pictures are scaled to [-1, 1], the range of tanh, with a mean near 0. Latents come from "
        "N(0, I) and not from a cube (White 2016).",
        "Always; there is nothing to choose.",
        "x = byte / 127.5 - 1,  byte = round((x + 1)·127.5)",
        trials.run_inputs,
        (
            Claim("rounded", "better"),
            Claim("normalised", "better", 1),
            Claim("normal", "better", 2),
        ),
    ),
    "base-models": Experiment(
        "Base models",
        ("architecture",),
        ("dcgan", "resnet"),
        "Generators from noise with a discriminator each, to learn with and to compare techniques on: "
        "DCGAN (Radford et al. 2016), ResNet (Gulrajani et al. 2017) and the growing pair.",
        "With task = generate, on folders of small photos. For repair and upscaling there are better "
        "networks.",
        "z from N(0, I) -> 4x4 features -> doubled up to size -> tanh(conv)",
        trials.run_baselines,
        (Claim("dcgan", "better"), Claim("resnet", "better"), Claim("growing", "better")),
    ),
    "labels": Experiment(
        "Labels",
        ("data.classes",),
        (),
        "The generator's batch norms have a scale and a shift for each class (Dumoulin et al. 2017), "
        "the discriminator adds the product of its features with a vector of the class (Miyato and "
        "Koyama 2018). Classes are folders.",
        "With task = generate, whenever the photos are sorted. Without classes no parameter is added.",
        "G: γ_y · BN(x) + β_y       D: w·φ(x) + v_y·φ(x)",
        trials.run_labels,
        (Claim("labels", "better"),),
    ),
    "output-kernel": Experiment(
        "Output layer",
        ("generator.output_kernel",),
        ("1", "3", "9"),
        "The last convolution to three channels, followed by tanh: 1 as in progressive growing, 3, "
        "or 9 as in SRResNet.",
        "3 is the default. 9 costs time at full resolution, where every channel is dear.",
        "y = tanh(conv_k(x)),  k = 1, 3 or 9",
        trials.run_kernels,
        (Claim("3 x 3", "better"),),
    ),
    "upsampling": Experiment(
        "Upsampling",
        ("generator.upsample",),
        tuple(UPSAMPLERS),
        "Nearest neighbour and a convolution (Odena et al. 2016), PixelShuffle whose sub-kernels "
        "start equal (ICNR, Shi et al. 2016, Aitken et al. 2017), or a transposed convolution.",
        "nearest or pixelshuffle. A transposed convolution prints a checkerboard that training has "
        "to take out again; it is here for comparison.",
        "nearest: conv3(repeat(x))    pixelshuffle: rearrange(conv3(x))    transposed: conv4ᵀ, stride 2",
        trials.run_upsampling,
        (
            Claim("nearest", "better"),
            Claim("pixelshuffle", "better"),
            Claim("nearest", "better", 1),
            Claim("pixelshuffle", "better", 1),
        ),
    ),
    "gates": Experiment(
        "Gated convolutions",
        ("generator.gate",),
        tuple(name for name in GATES if name != "none"),
        "Each pixel of each feature map decides how much of itself is trusted, which suits holes: "
        "what comes from inside one is worth less (Yu et al. 2019). The light gates (Yi et al. "
        "2020) share or thin out the gate's own convolution.",
        "For filling: pointwise by default, full where parameters do not matter.",
        "y = relu(W_f * x) · σ(W_g * x)",
        trials.run_gates,
        (Claim("pointwise", "better"), Claim("full", "better")),
    ),
    "norms": Experiment(
        "Normalisation",
        ("generator.norm", "discriminator.norm"),
        tuple(name for name in NORMS if name != "none"),
        "Instance: over each map of each sample. Layer: over each sample. Batch: over each map of "
        "the batch. Pixel: over the channels of a pixel (Karras et al. 2018). Switchable: a learned "
        "mixture of the first three (Luo et al. 2019).",
        "pixel in the generator: it looks at one pixel alone, so it does not depend on the size of the tile "
        "or the batch, and a picture cut into tiles has no seams. None in a discriminator with spectral "
        "normalisation or with a penalty; batch there breaks the penalty, which is one per sample.",
        "(x - mean) / sqrt(var + 1e-5)·γ + β over the stated axes;  pixel: x / sqrt(mean_c x² + 1e-8)",
        trials.run_norms,
        (Claim("pixel", "better"), Claim("pixel", "better", 1)),
    ),
    "coarse-to-refine": Experiment(
        "Coarse to refine",
        ("generator.refine",),
        (),
        "A small network with L1 gives a blurred picture, a second one corrects it at full size and "
        "is told by the discriminator and the picture losses what is missing.",
        "Always for filling. Off gives the coarse stage alone: quick to train, to see whether data "
        "and masks are right.",
        "coarse = f(x, mask),  refined = base + mask · g(base, coarse, mask)",
        trials.run_refine,
        (Claim("coarse and refine, L1", "better"),),
    ),
    "l1": Experiment(
        "L1",
        ("losses.l1", "losses.l2", "losses.l1_hole", "losses.log_mse"),
        (),
        "Mean absolute difference, everywhere or inside the hole only, each sample by its own hole's "
        "area. Known pixels are exact already; a mean over the whole picture counts mostly them.",
        "l1_hole for filling, l1 for enlarging. Where PSNR is all that counts, end a run with l2, the "
        "square, or log_mse, the mean of each sample's logarithm of it.",
        "l1: mean |y - x|    l2: mean (y - x)²    l1_hole: Σ mask·|y - x| / Σ mask    "
        "log_mse: log10 of the (hole's) mean (y - x)²",
        trials.run_l1,
        (Claim("in the hole", "better"),),
    ),
    "perceptual": Experiment(
        "Perceptual loss",
        ("losses.perceptual", "losses.features"),
        (),
        "L1 between feature maps of a network trained to classify photos, each pixel's feature "
        "vector at unit length (Johnson et al. 2016, Zhang et al. 2018).",
        "For results that look right rather than score right; with L1, which holds the colours.",
        "mean over maps l of E ‖φ_l(y)/|φ_l(y)| - φ_l(x)/|φ_l(x)|‖₁",
        trials.run_perceptual,
        (Claim("L1 + perceptual", "better"),),
    ),
    "style": Experiment(
        "Style loss",
        ("losses.style",),
        (),
        "Difference of the Gram matrices of those feature maps: which features occur together, "
        "wherever they are (Gatys et al. 2016). It asks for texture, not for place.",
        "Beside the perceptual loss, in large holes whose content cannot be known but whose texture "
        "can.",
        "mean over maps l of |G(φ_l(y)) - G(φ_l(x))|,  G(F) = F Fᵀ / (C·H·W)",
        trials.run_style,
        (Claim("L1 + style", "better"),),
    ),
    "tv": Experiment(
        "Total variation",
        ("losses.tv",),
        (),
        "Mean difference of neighbouring pixels, in filling only where they touch the hole. It takes "
        "out speckle and grids, and with too much weight detail as well.",
        "In small doses beside losses that print patterns (perceptual, adversarial).",
        "mean |∂x y| + mean |∂y y|",
        trials.run_tv,
        (Claim("L1 + perceptual + TV", "lower"),),
    ),
    "grid": Experiment(
        "Grid loss",
        ("losses.grid",),
        (),
        "PixelShuffle makes the scale² phases of its grid with weights of their own, and texture that a "
        "discriminator asks for settles on some of them. What each phase adds to its cell's mean is "
        "compared with the original's: its mean, and its share of the strength.",
        "Beside adversarial and perceptual losses, in upscaling only.",
        "mean over phases p of |m_p(y) - m_p(x)| + |s_p(y) · s(x)/s(y) - s_p(x)|,  m, s: mean and rms of "
        "the pixels minus their cell's mean",
        trials.run_grid,
        (Claim("strength and grid", "better"),),
    ),
    "feature-matching": Experiment(
        "Feature matching",
        ("losses.feature_matching",),
        (),
        "L1 between the discriminator's own activations on the real and the generated picture (Wang "
        "et al. 2018).",
        "Whenever there is a discriminator and a true picture to match: it is free and calms the game.",
        "mean over layers l of E |D_l(y) - D_l(x)|",
        trials.run_matching,
        (Claim("feature matching", "better"),),
    ),
    "growth": Experiment(
        "Progressive growing",
        ("growth.sizes", "growth.images"),
        ("growing",),
        "Training begins small and doubles on a schedule. The architecture growing gets a new level "
        "each time, which fades in over the enlarged level below (Karras et al. 2018); a network that "
        "fits every size, such as the fill generator, just gets larger crops.",
        "When time is short: small pictures are cheap and teach colours and edges first. End at the "
        "size that you mean to use.",
        "y = (1 - a)·enlarge(rgb_low(x)) + a·rgb_high(x),  a from 0 to 1 in the first half of a stage",
        trials.run_growth,
        (
            Claim("4, 8, then 16 px", "better", measure=2),
            Claim(f"{CROP // 2}, then {CROP} px", "better", 1, 1),
        ),
    ),
    "optimisers": Experiment(
        "Optimisers",
        ("optimiser.generator.name", "optimiser.discriminator.name"),
        ("adam", "muon"),
        "Adam (Kingma and Ba 2015), or Muon (Jordan et al. 2024), which gives hidden convolutions "
        "steps whose singular values are all about equal, and leaves the rest to Adam.",
        "muon for a generator that is trained from scratch, adam for the discriminator.",
        "muon: W <- W - lr · 0.2 sqrt(max side) · orthogonalise(momentum)",
        trials.run_optimisers,
        (Claim("muon", "better"),),
    ),
}
