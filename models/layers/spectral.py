"""Spectral normalisation of a whole network (Miyato et al. 2018)."""

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


def normalise_spectrally(network: nn.Module) -> None:
    """Divide the weight of every convolution and linear layer by its largest singular value.

    The weight counts as a matrix (out, in·k·k) and one power iteration is made a training forward, as
    in the paper; evaluation leaves the estimate alone. The norm of the convolution as an operator may
    exceed 1 (up to k), so the network is bounded but not 1-Lipschitz.
    """
    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    for layer in [module for module in network.modules() if isinstance(module, kinds)]:
        spectral_norm(layer)
