"""A constant picture or noise through an upsampler: what differs by phase in the answer is a checkerboard.

Nothing is trained on photos here.
"""

import statistics
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from remend.models.layers.resample import UPSAMPLERS
from remend.training.losses import pixel as picture_losses
from remend.training.optim.optimisers import make_adam

CHANNELS, SIDE, INITS = 16, 16, 20
STEPS, STRENGTH = 100, 0.2


def pixelshuffle_without_icnr(inputs: int, outputs: int) -> nn.Module:
    """The control: a PixelShuffle whose sub-kernels start independently."""
    return nn.Sequential(nn.Conv2d(inputs, 4 * outputs, 3, padding=1), nn.PixelShuffle(2))


ARMS: Mapping[str, Callable[[int, int], nn.Module]] = {
    "transposed": UPSAMPLERS["transposed"],
    "pixelshuffle without ICNR": pixelshuffle_without_icnr,
    "pixelshuffle": UPSAMPLERS["pixelshuffle"],
    "nearest": UPSAMPLERS["nearest"],
}


def answer(build: Callable[[int, int], nn.Module], seed: int) -> Tensor:
    """The response (C, H, W) of a fresh upsampler to a constant, without the border."""
    torch.default_generator.manual_seed(seed)
    layer = build(CHANNELS, CHANNELS)
    with torch.no_grad():
        return layer(torch.ones(1, CHANNELS, SIDE, SIDE))[0, :, 4:-4, 4:-4]


def nyquist_energy(response: Tensor) -> float:
    """Share of a response's energy in the patterns of period two, 0 to 1.

    The energy at the frequencies (0, 1/2), (1/2, 0) and (1/2, 1/2) per pixel over that of all
    frequencies, the mean (the answer that was wanted) included.

    Args:
        response: (C, H, W), H and W even.
    """
    spectrum = np.fft.fft2(response.double().numpy())
    power = np.square(np.abs(spectrum)).sum(0)
    height, width = power.shape
    pattern = power[0, width // 2] + power[height // 2, 0] + power[height // 2, width // 2]
    # float32 leaves 1e-15 of a pattern where there is none.
    return round(float(pattern / power.sum()), 9)


def mean_nyquist_energy(build: Callable[[int, int], nn.Module]) -> float:
    """Mean over 20 fresh layers."""
    return statistics.fmean(nyquist_energy(answer(build, seed)) for seed in range(INITS))


def teach_texture(grid: float, seed: int) -> float:
    """A PixelShuffle that is asked for texture of a strength, with so much of the grid loss.

    Returns:
        How many times stronger a colour's strongest phase is than its weakest; 1 = there is no grid.
    """
    torch.default_generator.manual_seed(seed)
    layer = pixelshuffle_without_icnr(CHANNELS, 3)
    optimiser = make_adam(layer, 1e-2, (0.9, 0.999))
    for _ in range(STEPS):
        texture = layer(torch.randn(4, CHANNELS, SIDE, SIDE))
        truth = STRENGTH * torch.randn_like(texture)
        loss = (texture.std() - STRENGTH).abs() + grid * picture_losses.grid(texture, truth, 2)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    with torch.no_grad():
        texture = layer(torch.randn(4, CHANNELS, 4 * SIDE, 4 * SIDE))
    strengths = nn.functional.pixel_unshuffle(texture, 2).std((0, 2, 3)).view(3, 4)
    return float((strengths.amax(1) / strengths.amin(1)).mean())
