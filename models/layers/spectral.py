"""Spectral normalisation of a whole network (Miyato et al. 2018)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

Piece = TypeVar("Piece")


def normalise_spectrally(network: nn.Module) -> None:
    """Divide the weight of every convolution and linear layer by its largest singular value.

    The weight counts as a matrix (out, in·k·k) and one power iteration is made a training forward, as
    in the paper; evaluation leaves the estimate alone. The norm of the convolution as an operator may
    exceed 1 (up to k), so the network is bounded but not 1-Lipschitz.
    """
    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    for layer in [module for module in network.modules() if isinstance(module, kinds)]:
        spectral_norm(layer)


def iterate_once(pieces: Iterable[Piece], networks: Sequence[nn.Module | None]) -> Iterator[Piece]:
    """Go through the pieces of a step's batch; spectral norms make one power iteration in all.

    However often a network is asked about a piece, its weights are normalised once for it, and the
    estimates move with the first piece only: all pieces meet the same weights, as one batch would.
    """
    norms = [
        module
        for network in networks
        if network is not None
        for module in network.modules()
        if isinstance(module, parametrize.ParametrizationList)
    ]
    try:
        for piece in pieces:
            with parametrize.cached():
                yield piece
            for norm in norms:
                norm.train(False)
    finally:
        for norm in norms:
            norm.train(True)
