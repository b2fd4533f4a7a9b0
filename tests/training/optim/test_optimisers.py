"""Facts about the optimisers."""

import copy

import pytest
import torch
from torch import nn

from remend.training.optim.optimisers import (
    OPTIMISERS,
    OptimiserName,
    is_hidden_matrix,
    orthogonalise,
)


def test_orthogonalise_brings_singular_values_near_one() -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(3, 40, 100)))
    assert values.min() > 0.6 and values.max() < 1.3
    tall = orthogonalise(torch.randn(2, 100, 40))
    assert tall.shape == (2, 100, 40)


def test_muon_takes_hidden_convolutions_only() -> None:
    network = nn.ModuleDict(
        {
            "stem": nn.Conv2d(3, 64, 3),
            "body": nn.Conv2d(64, 64, 3),
            "head": nn.Conv2d(64, 48, 3),
        }
    )
    chosen = {n for n, p in network.named_parameters() if is_hidden_matrix(n, p)}
    assert chosen == {"body.weight"}


def test_muon_trains_the_rest_as_torch_adam_does() -> None:
    torch.manual_seed(0)
    ours, theirs = nn.Linear(5, 3), nn.Linear(5, 3)
    theirs.load_state_dict(ours.state_dict())
    muon = OPTIMISERS["muon"](ours, 1e-2, (0.9, 0.99))
    adam = OPTIMISERS["adam"](theirs, 1e-2, (0.9, 0.99))
    x = torch.randn(8, 5)
    for _ in range(5):
        for network, optimiser in ((ours, muon), (theirs, adam)):
            optimiser.zero_grad()
            network(x).square().sum().backward()
            optimiser.step()
    assert torch.allclose(ours.weight, theirs.weight, atol=1e-6)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_resumed_optimisers_go_on_bit_for_bit(name: OptimiserName) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3))
    network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    optimiser = OPTIMISERS[name](network, 1e-3, (0.9, 0.99))
    x = torch.randn(2, 3, 12, 12)

    def advance(net: nn.Module, opt: torch.optim.Optimizer) -> None:
        for _ in range(3):
            opt.zero_grad()
            net(x).square().mean().backward()
            opt.step()

    advance(network, optimiser)
    near_duplicate = copy.deepcopy(network)
    resumed = OPTIMISERS[name](near_duplicate, 1e-3, (0.9, 0.99))
    resumed.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    advance(network, optimiser)
    advance(near_duplicate, resumed)
    for a, b in zip(network.parameters(), near_duplicate.parameters(), strict=True):
        assert torch.equal(a, b)
