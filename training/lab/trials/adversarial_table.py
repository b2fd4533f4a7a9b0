"""Table entries for the adversarial game: what, when and how of each technique, and its trials.

How the trials are run is in `adversarial_trials`.
"""

from typing import get_args

from remend.models.layers.minibatch import MINIBATCH
from remend.training.lab.experiment import Claim, Experiment
from remend.training.lab.report.findings import NO_EFFECT
from remend.training.lab.trials import adversarial_trials as trials
from remend.training.losses.gan import GanLossName
from remend.training.losses.penalties import PENALTIES

GAME: dict[str, Experiment] = {
    "saturation": Experiment(
        "Minimax and non-saturating loss",
        ("adversary.loss",),
        ("minimax", "non_saturating"),
        "The two losses of the first GAN paper (Goodfellow et al. 2014). The discriminator's is the "
        "same cross entropy; the generator minimises log(1 - σ(k)) or maximises log σ(k).",
        "Non-saturating wherever you want cross entropy. Minimax is for theory: early on the "
        "discriminator rejects everything with certainty, and then the generator hears nothing.",
        "D: softplus(-r) + softplus(k)\n"
        "G: -softplus(k)   (minimax)\n"
        "G:  softplus(-k)  (non_saturating)",
        trials.run_saturation,
        (Claim("non_saturating", "better"), Claim("non_saturating", "better", 1)),
    ),
    "gan-losses": Experiment(
        "GAN losses",
        ("adversary.loss",),
        get_args(GanLossName),
        "What discriminator and generator are told. Beside the two above: WGAN (Arjovsky et al. "
        "2017), least squares (Mao et al. 2017), hinge (Lim and Ye 2017) and hinge without its relu.",
        "hinge is the default: it stops pushing once samples are told apart. wgan and hinge_no_relu "
        "have the same gradient and no bound of their own; use them with a penalty or with spectral "
        "normalisation, the config says so when neither is on.",
        "wgan           D: k - r                       G: -k\n"
        "lsgan          D: ½(r - 1)² + ½k²             G: ½(k - 1)²\n"
        "hinge          D: relu(1 - r) + relu(1 + k)   G: -k\n"
        "hinge_no_relu  D: (1 - r) + (1 + k)           G: -k",
        trials.run_losses,
        (Claim("hinge", "better", 1),),
    ),
    "penalties": Experiment(
        "Gradient penalties",
        ("adversary.penalty", "adversary.penalty_weight", "adversary.penalty_every"),
        tuple(name for name in PENALTIES if name != "none"),
        "A price on the discriminator's slope, which keeps it from overshooting. The norm is that of "
        "a whole sample. gp1 wants slope 1 between real and generated samples (Gulrajani et al. "
        "2017), r1 and r2 want slope 0 on real or generated ones (Mescheder et al. 2018), gp0 slope "
        "0 between (Thanh-Tung et al. 2019). Lazy: every k steps, k times as heavy.",
        "Whenever training circles, collapses or a loss has no bound. r1 is the first to try; it "
        "costs a second backward pass, which penalty_every=16 makes cheap.",
        "x̂ = t·real + (1 - t)·fake,  t from U(0, 1), one a sample\n"
        "gp1: E (‖∇D(x̂)‖ - 1)²       gp0: E ‖∇D(x̂)‖²\n"
        "r1:  ½ E ‖∇D(real)‖²         r2:  ½ E ‖∇D(fake)‖²",
        trials.run_penalties,
        (
            Claim("r1", "better"),
            Claim("r1", "better", 1),
            Claim("r1 every 4 steps", "better", 1),
        ),
    ),
    "spectral": Experiment(
        "Spectral normalisation",
        ("discriminator.spectral", "generator.spectral"),
        (),
        "Every convolution's and linear layer's weight is divided by its largest singular value "
        "(Miyato et al. 2018), so that no layer can amplify without end. One power iteration a step.",
        "On by default in the discriminator: the cheapest way to bound it. In the generator it "
        "slows learning and seldom pays (Zhang et al. 2019 use it there for class-conditional GANs).",
        "W / σ_max(W),  W reshaped to (out, in·k·k)",
        trials.run_spectral,
        (
            Claim("spectral D", "lower"),
            Claim("spectral D", "lower", 1),
            Claim("spectral G", "worse", 2),
        ),
    ),
    "label-smoothing": Experiment(
        "One-sided label smoothing",
        ("adversary.label_smoothing",),
        (),
        "Real samples are pulled towards 0.9 instead of 1, generated ones still towards 0 (Salimans "
        "et al. 2016). A range is drawn from anew for every sample.",
        "With the losses that have targets (minimax, non_saturating, lsgan; refused for others), "
        "when the discriminator grows too sure. Give a number or a range below 1: cross entropy is "
        "linear in the target, so a range round 1 such as [0.9, 1.1] smooths nothing.",
        "D: -t log σ(r) - (1 - t) log(1 - σ(r)) - log(1 - σ(k))",
        trials.run_smoothing,
        (Claim("0.9", "lower"), Claim("0.9", "better", 1), Claim("[0.9, 1.1]", NO_EFFECT)),
    ),
    "instance-noise": Experiment(
        "Instance noise",
        ("adversary.instance_noise", "adversary.instance_noise_images"),
        (),
        "Gaussian noise on real and on generated pictures before the discriminator sees them; it "
        "fades to nothing (Sønderby et al. 2017). The two distributions overlap, so the "
        "discriminator cannot be certain.",
        "At the start of hard runs, 0.1 for pictures in [-1, 1], over the first tenth. A gradient "
        "penalty does the same without blurring what is judged.",
        "x + s·N(0, I),  s falls linearly to 0 over instance_noise_images",
        trials.run_noise,
        (Claim("s = 1", "better"), Claim("s = 1", "better", 1)),
    ),
    "ttur": Experiment(
        "Two rates (TTUR)",
        ("optimiser.generator.lr", "optimiser.discriminator.lr", "optimiser.discriminator.steps"),
        (),
        "The discriminator learns at its own, usually higher rate (Heusel et al. 2017), or takes "
        "several steps for each of the generator's.",
        "When the discriminator falls behind. A higher rate costs nothing, more steps cost time.",
        "lr_D = c·lr_G,  c = 2 to 5",
        trials.run_rates,
        (Claim("D 4 x", "better"), Claim("two D steps", "better")),
    ),
    "minibatch": Experiment(
        "Minibatch discrimination",
        ("discriminator.minibatch",),
        tuple(name for name in MINIBATCH if name != "none"),
        "The discriminator sees how alike the samples of a batch are: as learned distances (Salimans "
        "et al. 2016), or as their standard deviation in one more channel (Karras et al. 2018).",
        "When generated pictures lack variety. stddev costs nothing. For filling and enlarging, where "
        "the input decides what comes out, collapse is rare and neither is needed.",
        "stddev: mean over c, h, w of sqrt(var over the batch + 1e-8)\n"
        "discrimination: M_i = T f(x_i),  o_i,b = Σ_j≠i exp(-‖M_i,b - M_j,b‖₁)",
        trials.run_minibatch,
        (Claim("stddev", "better"), Claim("discrimination", "better")),
    ),
    "multi-scale": Experiment(
        "Multi-scale discriminators",
        ("discriminator.scales",),
        (),
        "The same patch discriminator on the picture max-pooled to 1, 1/2, 1/4, with weights of its "
        "own on each. Max-pooling keeps a single wrong pixel, where averaging would hide it.",
        "When holes are larger than a patch sees: coarse scales judge whether parts fit together, "
        "fine ones judge texture.",
        "D(x) = (D_1(x), D_2(pool(x)), D_3(pool(pool(x)))),  losses averaged over each, then all",
        trials.run_scales,
        (Claim("2 scales", "better"), Claim("3 scales", "better")),
    ),
    "ema": Experiment(
        "Average of the generator (EMA)",
        ("ema.half_life_images",),
        (),
        "A copy of the generator whose weights follow with a half-life; it is what is shipped "
        "(Karras et al. 2018, Yaz et al. 2019). While few images were seen the half-life is shorter.",
        "Always. It takes out the circling of a GAN and the noise of small batches.",
        "θ̄ <- β θ̄ + (1 - β) θ,  β = ½^(batch / half_life)",
        trials.run_average,
        (Claim("EMA of θ", "better"), Claim("EMA", "better", 1)),
    ),
}
